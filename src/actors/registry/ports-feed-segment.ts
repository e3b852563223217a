/**
 * One segment of the numbered events: where in its file which number is, and pages out of it.
 *
 * The marks of the segment being written grow with it; those of an older one are made when it is
 * first read.
 */
import { open } from 'node:fs/promises'
import { Packr } from 'msgpackr/pack'
import { limits } from '../../core/base/limits.ts'
import { type FeedEvent, parseStored } from '../../core/events/event.ts'
import { FRAME_HEADER_BYTES, scanFrames } from '../../core/health/frames.ts'
import { readFrames } from './ports-frames.ts'

const packr = new Packr({ useRecords: false, variableMapSize: true })

/** Largest segment that is read: one full segment and the group that overfilled it. */
const readableBytes = () => limits.feedSegmentBytes.max + limits.feedGroupBytes.max

export const scanSegment = (path: string) =>
  readFrames(path, readableBytes(), limits.feedRecordBytes.max)

export function eventOf(payload: Uint8Array): FeedEvent | undefined {
  try {
    return parseStored(packr.unpack(payload))
  } catch {
    return undefined
  }
}

interface Wanted {
  /** From this number on. */
  readonly from: number
  /** This number and what follows is not of this segment. */
  readonly end: number
  readonly events: number
}

interface Mark {
  readonly number: number
  readonly at: number
}

export class FeedSegment {
  readonly path: string
  readonly first: number
  /** Absent until the file was looked at. */
  #marks: Mark[] | undefined
  #unmarked = 0
  /** Everything before this offset is committed. */
  #bytes = 0

  constructor(path: string, first: number) {
    this.path = path
    this.first = first
  }

  /** A group was committed at this offset. */
  grew(at: number, numbers: readonly number[], records: readonly Uint8Array[]): void {
    if (at === 0) this.#marks ??= []
    let offset = at
    for (const [index, number] of numbers.entries()) {
      this.#mark(number, offset)
      offset += records[index]!.length
    }
    this.#bytes = offset
  }

  /** Events with numbers from `from` on, as many as are wanted and a page of bytes has. */
  async read({ from, end, events: most }: Wanted) {
    if (this.#marks === undefined) await this.#look()
    const marks = this.#marks!
    let at = marks.findLast(({ number }) => number <= from)?.at ?? 0
    const events: FeedEvent[] = []
    let bytes = 0
    const handle = await open(this.path, 'r')
    try {
      while (at < this.#bytes && events.length < most && bytes < limits.feedPageBytes.default) {
        const room = Math.min(limits.feedPageBytes.default, this.#bytes - at)
        const chunk = Buffer.allocUnsafe(room)
        const { bytesRead } = await handle.read(chunk, 0, room, at)
        const scan = scanFrames(chunk.subarray(0, bytesRead), limits.feedRecordBytes.max)
        if (scan.validBytes === 0) break
        at += scan.validBytes
        for (const payload of scan.payloads) {
          const event = eventOf(payload)
          if (event === undefined || event.number < from || event.number >= end) continue
          if (events.length >= most) break
          events.push(event)
          bytes += payload.length
        }
      }
    } finally {
      await handle.close()
    }
    return { events, bytes }
  }

  /** Reads the whole file once. */
  async #look(): Promise<void> {
    const scan = await scanSegment(this.path)
    if (this.#marks !== undefined) return
    this.#marks = []
    let at = 0
    for (const payload of scan?.payloads ?? []) {
      const event = eventOf(payload)
      if (event !== undefined) this.#mark(event.number, at)
      at += FRAME_HEADER_BYTES + payload.length
    }
    // A group that was committed while the file was read is in what `grew` said.
    this.#bytes = Math.max(this.#bytes, at)
  }

  #mark(number: number, at: number): void {
    if (this.#marks === undefined) return
    if (this.#unmarked === 0) this.#marks.push({ number, at })
    this.#unmarked = (this.#unmarked + 1) % limits.feedMarkEvery.default
  }
}
