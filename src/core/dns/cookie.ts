/**
 * DNS cookies: a token that shows a client not to use a forged address (RFC 7873), made in the way
 * that all servers of a service share (RFC 9018).
 *
 * The server cookie is version 1, three reserved octets, a time stamp and a hash over these, the
 * client's cookie and its address; nothing is remembered of any client. A cookie made under the
 * previous secret still counts, so that a secret can be changed on one server after another.
 */
import { limits } from '../base/limits.ts'
import { copyWords } from '../base/octets.ts'
import { type CookieHash, cookieHash } from './cookie-hash.ts'
import { CLIENT_COOKIE_BYTES, COOKIE_BYTES, type Exchange } from './exchange.ts'

export const SECRET_BYTES = 16

/** What came of the cookie of a query. */
export const COOKIE_NONE = 0
/** The client's own half only. */
export const COOKIE_CLIENT = 1
/** With a server's half that is not good (any more). */
export const COOKIE_BAD = 2
export const COOKIE_GOOD = 3

/** The words for them, in that order. */
export const cookieStates = ['none', 'client-only', 'bad', 'good'] as const

export interface CookieSettings {
  /** 16 octets, the same on every server of the service. */
  readonly secret: Uint8Array
  /** Also believed, so that secrets can be changed; empty when there is none. */
  readonly previousSecret: Uint8Array
  /** A client that knows cookies gets no answer over UDP without a good one. */
  readonly require: boolean
}

// Where things lie in the cookie.
const VERSION_AT = 8
const TIME_AT = 12
const HASH_AT = 16
/** RFC 9018 section 4.1. */
const VERSION = 1
/** Version 1 and reserved octets of zero, as one big-endian word. */
const FRESH_HEAD = 0x01000000

// Kept here: a table of another module is looked up with each use.
const AGE_SECONDS = limits.cookieAgeSeconds.default
const AHEAD_SECONDS = limits.cookieAheadSeconds.default
const RENEW_SECONDS = limits.cookieRenewSeconds.default

/** RFC 7873 section 4: the client's half alone, or with a server's half of 8 to 32 octets. */
const SERVER_BYTES_MIN = 8
const SERVER_BYTES_MAX = 32

/** Keeps the `length` octets of option data at `at`; false when RFC 7873 calls for FORMERR. */
export function readCookie(x: Exchange, at: number, length: number): boolean {
  const serverBytes = length - CLIENT_COOKIE_BYTES
  // RFC 7873 section 5.2.2: any other length is malformed.
  if (serverBytes !== 0 && (serverBytes < SERVER_BYTES_MIN || serverBytes > SERVER_BYTES_MAX))
    return false
  // RFC 7873 section 5.2: only the first of several options counts.
  if (x.cookieBytes > 0) return true
  copyWords(x.queryView, at, x.cookie, 0, Math.min(length, COOKIE_BYTES))
  x.cookieBytes = length
  return true
}

const wordsOf = (secret: Uint8Array): Int32Array => {
  const view = new DataView(secret.buffer, secret.byteOffset, secret.byteLength)
  return Int32Array.from([0, 4, 8, 12], (at) => view.getInt32(at, true))
}

export class CookieJar {
  readonly require: boolean
  readonly #key: Int32Array
  readonly #previous: Int32Array | undefined
  readonly #hash: CookieHash = cookieHash()
  readonly #halves = new Int32Array(2)

  constructor(settings: CookieSettings) {
    this.require = settings.require
    this.#key = wordsOf(settings.secret)
    this.#previous =
      settings.previousSecret.length === SECRET_BYTES ? wordsOf(settings.previousSecret) : undefined
  }

  /**
   * Judges the cookie of the query and leaves in its place the one to send: the same while it is
   * young, else a fresh one. `nowSeconds` is Unix time.
   */
  take(x: Exchange, nowSeconds: number): void {
    const { cookie } = x
    x.cookieState = x.cookieBytes === CLIENT_COOKIE_BYTES ? COOKIE_CLIENT : COOKIE_BAD
    if (x.cookieBytes === COOKIE_BYTES && cookie.getUint8(VERSION_AT) === VERSION) {
      // RFC 9018 section 4.3: times are compared by serial arithmetic.
      const ageSeconds = (nowSeconds - cookie.getInt32(TIME_AT)) | 0
      const timely = ageSeconds <= AGE_SECONDS && ageSeconds >= -AHEAD_SECONDS
      if (timely && this.#isOurs(x, this.#key)) {
        x.cookieState = COOKIE_GOOD
        // RFC 9018 section 4.3: renewed past half of its life.
        if (ageSeconds <= RENEW_SECONDS) return
      } else if (timely && this.#previous !== undefined && this.#isOurs(x, this.#previous))
        x.cookieState = COOKIE_GOOD
    }
    cookie.setInt32(VERSION_AT, FRESH_HEAD)
    cookie.setInt32(TIME_AT, nowSeconds)
    this.#hash(this.#key, cookie, x.client, this.#halves)
    cookie.setInt32(HASH_AT, this.#halves[0]!, true)
    cookie.setInt32(HASH_AT + 4, this.#halves[1]!, true)
  }

  #isOurs(x: Exchange, key: Int32Array): boolean {
    this.#hash(key, x.cookie, x.client, this.#halves)
    const low = x.cookie.getInt32(HASH_AT, true) ^ this.#halves[0]!
    const high = x.cookie.getInt32(HASH_AT + 4, true) ^ this.#halves[1]!
    return (low | high) === 0
  }
}
