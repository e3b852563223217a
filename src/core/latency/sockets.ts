/**
 * From what the kernel shows of TCP connections to samples of round-trip times.
 *
 * The law it keeps: a connection counts by what is new about it, never by how often it was looked
 * at. The kernel takes a sample when the handshake ends and when data of ours is acknowledged (RFC
 * 6298 section 3 leaves out what was sent again), so a connection has news the first time it
 * counts, and later only where acknowledged bytes and data segments have grown. One that is idle
 * counts no more. While it is open it counts from a certain age on; when it ends it counts once,
 * whatever its age, with what was not counted yet. Age is time since we first saw it, as the kernel
 * tells no other.
 *
 * Which figure: the smoothed time follows the path, but in a short exchange it holds the delayed
 * acknowledgements of the client (up to 0.5 s, RFC 1122 section 4.2.3.2), and with few samples it
 * is mostly the first. The least time has neither fault and ends by itself after five minutes, but
 * says nothing of a queue. So the least is taken, unless many full segments were acknowledged since
 * the last look: then the client acknowledged every second one at once, and the smoothed time is
 * what its users see.
 *
 * Left out: listeners, connections that are not established yet, loopback, and connections of this
 * machine to itself, whose two addresses are one.
 */
import { limits } from '../base/limits.ts'
import {
  LOCAL_AT,
  REMOTE_AT,
  TCP_ROW_BYTES,
  type TcpRows,
  tcpStates,
} from '../health/clients-rows.ts'
import { grown, Slots } from './slots.ts'

/** Takes one sample: where it comes from (`bytes` from `at` on), and how much it counts. */
export type TakeSample = (
  localPort: number,
  family: 4 | 6,
  bytes: Uint8Array,
  at: number,
  rttUs: number,
  samples: number,
) => void

/** Segments since the last look that make a transfer, and the size of a full one at the least. */
const BULK_SEGMENTS = 16
const BULK_SEGMENT_BYTES = 1_000

const { established, finWait1, finWait2, closeWait, lastAck, closing } = tcpStates
const OPEN: ReadonlySet<number> = new Set([
  ...[established, finWait1, finWait2, closeWait, lastAck, closing],
])

export class Sockets {
  readonly #slots: Slots
  #firstSeenMs = new Float64Array(0)
  #bytesAcked = new Float64Array(0)
  #segmentsOut = new Uint32Array(0)
  /** 0 before it counted, else 1. */
  #counted = new Uint8Array(0)
  #look = new Uint32Array(0)
  #looks = 0

  constructor(seed: number, max: number = limits.latencySocketsMax.default) {
    this.#slots = new Slots(2, max, seed)
  }

  get size(): number {
    return this.#slots.count
  }

  /** Open connections as a whole reading shows them; those it does not show are forgotten. */
  look(rows: TcpRows, nowMs: number, minAgeMs: number, take: TakeSample): void {
    this.#looks++
    for (let row = 0; row < rows.count; row++) {
      if (!OPEN.has(rows.state(row)) || !isClient(rows, row)) continue
      const entry = this.#entryOf(rows, row, nowMs)
      this.#look[entry] = this.#looks
      if (nowMs - this.#firstSeenMs[entry]! >= minAgeMs) this.#count(entry, rows, row, take)
    }
    // One that ended a moment ago is missing here before its end is told, so it is kept for a look.
    for (let entry = 0; entry < this.#slots.high; entry++)
      if (this.#slots.isUsed(entry) && this.#look[entry]! < this.#looks - 1)
        this.#slots.remove(entry)
  }

  /** Connections that ended; each counts once more, or for the first time, and is forgotten. */
  ended(rows: TcpRows, nowMs: number, take: TakeSample): void {
    for (let row = 0; row < rows.count; row++) {
      if (rows.state(row) === tcpStates.listen || !isClient(rows, row)) continue
      const entry = this.#entryOf(rows, row, nowMs)
      this.#count(entry, rows, row, take)
      this.#slots.remove(entry)
    }
  }

  #entryOf(rows: TcpRows, row: number, nowMs: number): number {
    const { key } = this.#slots
    const cookie = rows.cookie(row)
    key[0] = cookie
    key[1] = cookie / 0x1_0000_0000
    const entry = this.#slots.put()
    if (!this.#slots.isFresh) return entry
    if (this.#counted.length < this.#slots.capacity) this.#grow(this.#slots.capacity)
    this.#firstSeenMs[entry] = nowMs
    this.#bytesAcked[entry] = 0
    this.#segmentsOut[entry] = 0
    this.#counted[entry] = 0
    this.#look[entry] = this.#looks
    return entry
  }

  #count(entry: number, rows: TcpRows, row: number, take: TakeSample): void {
    const bytes = rows.bytesAcked(row) - this.#bytesAcked[entry]!
    const segments = rows.dataSegmentsOut(row) - this.#segmentsOut[entry]!
    const acknowledged = bytes > 0 && segments > 0
    const isFirst = this.#counted[entry] === 0
    if (!acknowledged && !isFirst) return
    const rttUs = estimateUs(rows.rttUs(row), rows.minRttUs(row), segments, bytes)
    if (rttUs === 0 || rttUs > limits.latencyRttMsMax.default * 1_000) return
    this.#bytesAcked[entry] = rows.bytesAcked(row)
    this.#segmentsOut[entry] = rows.dataSegmentsOut(row)
    this.#counted[entry] = 1
    // RFC 5681 section 4.2: two full segments have one acknowledgement at the least.
    const samples = (isFirst ? 1 : 0) + (acknowledged ? Math.max(1, segments >> 1) : 0)
    const counts = Math.min(limits.latencySamplesPerLook.default, samples)
    const at = row * TCP_ROW_BYTES + REMOTE_AT
    take(rows.localPort(row), rows.family(row), rows.bytes, at, rttUs, counts)
  }

  #grow(capacity: number): void {
    this.#firstSeenMs = grown(this.#firstSeenMs, new Float64Array(capacity))
    this.#bytesAcked = grown(this.#bytesAcked, new Float64Array(capacity))
    this.#segmentsOut = grown(this.#segmentsOut, new Uint32Array(capacity))
    this.#counted = grown(this.#counted, new Uint8Array(capacity))
    this.#look = grown(this.#look, new Uint32Array(capacity))
  }
}

/** 0: nothing is known. */
export function estimateUs(
  smoothedUs: number,
  leastUs: number,
  segments: number,
  bytes: number,
): number {
  if (leastUs === 0) return smoothedUs
  const isTransfer = segments >= BULK_SEGMENTS && bytes >= segments * BULK_SEGMENT_BYTES
  return isTransfer && smoothedUs > 0 ? smoothedUs : leastUs
}

/** A connection of somebody else that the kernel knows something of. */
function isClient(rows: TcpRows, row: number): boolean {
  if (!rows.hasInfo(row) || rows.remotePort(row) === 0 || rows.cookie(row) === 0) return false
  const { bytes } = rows
  const remote = row * TCP_ROW_BYTES + REMOTE_AT
  const local = row * TCP_ROW_BYTES + LOCAL_AT
  const width = rows.family(row) === 4 ? 4 : 16
  // 127.0.0.0/8 (RFC 1122 section 3.2.1.3).
  if (width === 4 && bytes[remote] === 127) return false
  // Of this machine to itself, ::1 to ::1 too.
  for (let at = 0; at < width; at++) if (bytes[remote + at] !== bytes[local + at]) return true
  return false
}
