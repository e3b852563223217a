/**
 * The hash of a server cookie: SipHash-2-4 over the client's cookie, version, reserved octets, time
 * stamp and the client's address (RFC 9018 section 4.4).
 */
import { copyWords, wordAt } from '../base/octets.ts'
import { siphash24 } from './siphash.ts'
import { compileSip } from './siphash-wasm.ts'

/** The octets before the address lie in the cookie as they are hashed. */
const ADDRESS_AT = 16
/** The longest message, and what SipHash wants to find behind it. */
const MESSAGE_BYTES = 40

/**
 * Writes the low and the high half to `out`.
 *
 * @param key four words, octets lowest first
 * @param cookie the first 16 octets are read
 * @param client address of 4 or 16 octets
 */
export type CookieHash = (
  key: Int32Array,
  cookie: DataView,
  client: Uint8Array,
  out: Int32Array,
) => void

/** In JavaScript alone. */
export function plainCookieHash(): CookieHash {
  const message = new DataView(new ArrayBuffer(MESSAGE_BYTES))
  return (key, cookie, client, out) => {
    const addressBytes = client.length
    copyWords(cookie, 0, message, 0, ADDRESS_AT)
    // What a longer address left behind a shorter one.
    message.setInt32(ADDRESS_AT + 4, 0)
    // Whole words: what is written octet by octet cannot be read back as a word at once.
    for (let at = 0; at < addressBytes; at += 4)
      message.setInt32(ADDRESS_AT + at, wordAt(client, at))
    siphash24(key, message, ADDRESS_AT + addressBytes, out)
  }
}

/** Four octets as a word, the first lowest. */
const lowFirst = (bytes: Uint8Array, at: number): number =>
  bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)

/** By WebAssembly; undefined where there is none. */
export function compiledCookieHash(): CookieHash | undefined {
  const sip = compileSip()
  if (sip === undefined) return undefined
  const { hash, high } = sip
  return (key, cookie, client, out) => {
    const isLong = client.length === 16 ? 1 : 0
    out[0] = hash(
      key[0]!,
      key[1]!,
      key[2]!,
      key[3]!,
      cookie.getInt32(0, true),
      cookie.getInt32(4, true),
      cookie.getInt32(8, true),
      cookie.getInt32(12, true),
      lowFirst(client, 0),
      isLong === 1 ? lowFirst(client, 4) : 0,
      isLong === 1 ? lowFirst(client, 8) : 0,
      isLong === 1 ? lowFirst(client, 12) : 0,
      isLong,
    )
    out[1] = high()
  }
}

let known: CookieHash | undefined

/** The faster one of this engine, made once a thread. */
export function cookieHash(): CookieHash {
  known ??= compiledCookieHash() ?? plainCookieHash()
  return known
}
