/**
 * A reader of the feed that costs next to nothing: a socket, the numbers of the events that come,
 * and how late the first of each read was. What it does not look at, it does not parse.
 */
import { connect, type Socket } from 'node:net'

/** Every reader reads into this: what is left of a frame is copied out of it. */
const shared = Buffer.allocUnsafe(256 * 1_024)
const NUMBER_AT = '{"type":"event","number":'.length
const DIGIT_0 = 0x30
const EMPTY = Buffer.alloc(0)

export interface Tally {
  events: number
  /** Events that were not one more than the one before. */
  disorder: number
  bytes: number
  /** How late the oldest event of each read was, by milliseconds. */
  readonly lateMs: Uint32Array
}

export const tally = (): Tally => ({
  events: 0,
  disorder: 0,
  bytes: 0,
  lateMs: new Uint32Array(60_000),
})

export class FeedReader {
  last = 0
  isEnded = false
  readonly #tally: Tally
  readonly #socket: Socket
  #rest: Buffer = EMPTY
  #isUpgraded = false
  #isCounting = true

  /** @param onOpen called once the hello was read */
  constructor(port: number, query: string, to: Tally, onOpen: () => void) {
    this.#tally = to
    // Without a stream and a buffer of its own for each read, which would cost more than the
    // reading, and be counted as time that the events were under way.
    const onread = {
      buffer: shared,
      callback: (length: number) => {
        this.#take(shared.subarray(0, length), onOpen)
        return true
      },
    }
    this.#socket = connect({ port, host: '127.0.0.1', onread }, () =>
      this.#socket.write(
        `GET /api/v1/events${query} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n` +
          'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
          'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
      ),
    )
    this.#socket.on('error', () => {})
    this.#socket.on('close', () => {
      this.isEnded = true
    })
  }

  /** Reads no more, as a stuck client. */
  stick(): void {
    this.#isCounting = false
    this.#socket.pause()
  }

  /** Reads on, so that it sees how it was ended. */
  loosen(): void {
    this.#socket.resume()
  }

  end(): void {
    this.#socket.destroy()
  }

  #take(chunk: Buffer, onOpen: () => void): void {
    this.#tally.bytes += chunk.length
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    if (!this.#isUpgraded) {
      const end = bytes.indexOf('\r\n\r\n')
      if (end < 0) {
        this.#rest = Buffer.from(bytes)
        return
      }
      if (!bytes.subarray(0, 12).equals(Buffer.from('HTTP/1.1 101')))
        throw new Error(`not let in: ${bytes.toString('latin1', 0, 200)}`)
      this.#isUpgraded = true
      bytes = bytes.subarray(end + 4)
    }
    const at = this.#frames(bytes, onOpen)
    this.#rest = at === bytes.length ? EMPTY : Buffer.from(bytes.subarray(at))
  }

  /** Reads whole frames; returns where the rest begins. */
  #frames(bytes: Buffer, onOpen: () => void): number {
    let at = 0
    let isFirst = true
    while (at + 2 <= bytes.length) {
      const short = bytes[at + 1]!
      const header = short < 126 ? 2 : short === 126 ? 4 : 10
      if (at + header > bytes.length) break
      const length =
        short < 126
          ? short
          : short === 126
            ? bytes.readUInt16BE(at + 2)
            : Number(bytes.readBigUInt64BE(at + 2))
      const body = at + header
      if (body + length > bytes.length) break
      if (bytes[at] === 0x89) this.#pong(bytes.subarray(body, body + length))
      else if (bytes[body + 9] === 0x65) {
        this.#event(bytes, body, isFirst)
        isFirst = false
      } else if (bytes[body + 9] === 0x68) onOpen()
      at = body + length
    }
    return at
  }

  #event(bytes: Buffer, body: number, isFirst: boolean): void {
    let number = 0
    let at = body + NUMBER_AT
    for (; bytes[at] !== 0x2c; at++) number = number * 10 + bytes[at]! - DIGIT_0
    if (this.#isCounting) this.#tally.events++
    if (this.last !== 0 && number !== this.last + 1) this.#tally.disorder++
    this.last = number
    if (!isFirst || !this.#isCounting) return
    // ,"at":"2026-11-21T13:37:00.123Z"
    const late = Date.now() - Date.parse(bytes.toString('latin1', at + 7, at + 31))
    const slot = Math.min(this.#tally.lateMs.length - 1, Math.max(0, late))
    this.#tally.lateMs[slot]!++
  }

  /** RFC 6455 section 5.5.3; a frame of a client is masked, with zeros here. */
  #pong(payload: Buffer): void {
    const head = Buffer.from([0x8a, 0x80 | payload.length, 0, 0, 0, 0])
    this.#socket.write(Buffer.concat([head, payload]))
  }
}

/** The time that this share of the reads was not later than. */
export function percentile({ lateMs }: Tally, share: number): number {
  const total = lateMs.reduce((sum, count) => sum + count, 0)
  let seen = 0
  for (const [ms, count] of lateMs.entries()) {
    seen += count
    if (count > 0 && seen >= total * share) return ms
  }
  return 0
}
