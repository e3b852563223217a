/**
 * The numbered events on disk: segments `events/feed-NNNNNNNNNNNNNNNN.log`, each named after its
 * first number, of framed records (core/health/frames.ts).
 *
 * An event gets its number when its group is committed, and readers hear of it after that; so no
 * number that anybody saw is given twice, and what was told is on disk. Where the end of the log is
 * damaged as many numbers are passed over as may have been there. Events that the disk refuses are
 * told without a number and not kept. Reading goes by marks, a place in the file for every so many
 * events, and never beyond what is committed.
 */
import { readdir, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { Packr } from 'msgpackr/pack'
import { limits } from '../../core/base/limits.ts'
import { type EventDraft, type FeedEvent, storedEvent } from '../../core/events/event.ts'
import { frame } from '../../core/health/frames.ts'
import type { DiskFaults, EventLogSettings, FeedLog, FeedPage } from './contract.ts'
import { groupCommit } from './ports-commit.ts'
import { eventOf, FeedSegment, scanSegment } from './ports-feed-segment.ts'
import { makeFolder } from './ports-folder.ts'
import { type FrameFile, openFrameFile, syncFolder } from './ports-frames.ts'

const packr = new Packr({ useRecords: false, variableMapSize: true })
const NAME = /^feed-(\d{16})\.log$/
const nameOf = (first: number) => `feed-${String(first).padStart(16, '0')}.log`

/** No record is shorter: its frame, its number, its time and two words. */
const RECORD_BYTES_LEAST = 24

interface Group {
  readonly events: readonly FeedEvent[]
  readonly records: readonly Uint8Array[]
}

class Feed {
  next: number
  told: (events: readonly FeedEvent[]) => void = () => {}
  readonly #folder: string
  readonly #settings: EventLogSettings
  readonly #faults: DiskFaults
  readonly #segments: FeedSegment[]
  #file: FrameFile | undefined
  #openedAtMs = 0
  #pending: EventDraft[] = []

  constructor(folder: string, settings: EventLogSettings, faults: DiskFaults, found: Found) {
    this.#folder = folder
    this.#settings = settings
    this.#faults = faults
    this.#segments = found.segments
    this.next = found.next
    this.#file = found.file
    this.#openedAtMs = Date.now()
  }

  get first(): number {
    return this.#segments[0]?.first ?? this.next
  }

  isEmpty(): boolean {
    return this.#pending.length === 0
  }

  add(draft: EventDraft): void {
    if (this.#pending.length < limits.feedPendingEvents.default) this.#pending.push(draft)
    else this.#faults.dropped++
  }

  async commit(): Promise<void> {
    const drafts = this.#pending
    this.#pending = []
    const group = this.#numbered(drafts)
    try {
      await this.#write(group)
    } catch (error) {
      // Operators need to hear of things when the disk is full, of all times.
      this.told(drafts.map((draft) => ({ ...draft, number: 0 })))
      throw error
    }
    this.next += group.events.length
    this.told(group.events)
  }

  async read(from: number, limit: number): Promise<FeedPage> {
    const events: FeedEvent[] = []
    let bytes = 0
    const after = this.#segments.findIndex(({ first }) => first > from)
    const at = after < 0 ? this.#segments.length - 1 : Math.max(0, after - 1)
    for (let index = Math.max(0, at); index < this.#segments.length; index++) {
      const end = this.#segments[index + 1]?.first ?? this.next
      const wanted = { from, end, events: limit - events.length }
      const page = await this.#segments[index]!.read(wanted).catch(() => undefined)
      // A segment that retention has just removed, or a damaged one, is a gap for the reader.
      events.push(...(page?.events ?? []))
      bytes += page?.bytes ?? 0
      if (events.length >= limit || bytes >= limits.feedPageBytes.default) break
    }
    return { events, first: this.first, next: this.next }
  }

  async close(): Promise<void> {
    await this.#file?.close()
  }

  #numbered(drafts: readonly EventDraft[]): Group {
    const events = drafts.map((draft, index) => ({ ...draft, number: this.next + index }))
    return { events, records: events.map((event) => frame(packr.pack(storedEvent(event)))) }
  }

  async #write({ events, records }: Group): Promise<void> {
    const group = Buffer.concat(records)
    const file = await this.#current(group.length)
    const segment = this.#segments.at(-1)!
    const at = file.bytes
    await file.append(group)
    segment.grew(
      at,
      events.map(({ number }) => number),
      records,
    )
  }

  /** The file to write to; a new segment where the last is full, old or torn. */
  async #current(bytes: number): Promise<FrameFile> {
    const { retentionMs, maxBytes } = this.#settings
    const held = this.#file?.bytes ?? 0
    const most = Math.min(limits.feedSegmentBytes.default, Math.ceil(maxBytes / 8))
    const ageMs = retentionMs / limits.eventSegmentsPerRetention.default
    const isFull = held > 0 && held + bytes > most
    const isOld = held > 0 && Date.now() - this.#openedAtMs > ageMs
    if (this.#file !== undefined && !isFull && !isOld && !this.#file.isTorn) return this.#file
    const path = join(this.#folder, nameOf(this.next))
    const file = await openFrameFile(path)
    await syncFolder(this.#folder)
    // The remains of a segment that was begun with this number and never told.
    if (file.bytes > 0) await file.cut(0)
    await this.#file?.close()
    this.#file = file
    this.#openedAtMs = Date.now()
    if (this.#segments.at(-1)?.first === this.next) this.#segments.pop()
    this.#segments.push(new FeedSegment(path, this.next))
    await this.#retain()
    return file
  }

  /** Removes the oldest segments that are past retention; never the one being written. */
  async #retain(): Promise<void> {
    const sizes: number[] = []
    const times: number[] = []
    for (const { path } of this.#segments) {
      const found = await stat(path).catch(() => undefined)
      sizes.push(found?.size ?? 0)
      times.push(found?.mtimeMs ?? 0)
    }
    let total = sizes.reduce((sum, size) => sum + size, 0)
    const oldestMs = Date.now() - this.#settings.retentionMs
    let gone = 0
    while (gone < this.#segments.length - 1) {
      if (times[gone]! >= oldestMs && total <= this.#settings.maxBytes) break
      await unlink(this.#segments[gone]!.path).catch(() => undefined)
      total -= sizes[gone]!
      gone++
    }
    this.#segments.splice(0, gone)
  }
}

interface Found {
  readonly segments: FeedSegment[]
  readonly next: number
  /** The last segment, to be written on; absent when another one must be begun. */
  readonly file: FrameFile | undefined
}

/** What is there: which segments, and which number comes next. */
async function findSegments(folder: string): Promise<Found> {
  const names = (await readdir(folder)).filter((name) => NAME.test(name)).sort()
  const segments = names.map((name) => {
    const first = Number(NAME.exec(name)![1])
    return new FeedSegment(join(folder, name), first)
  })
  const tail = segments.at(-1)
  if (tail === undefined) return { segments, next: 1, file: undefined }
  const { size } = await stat(tail.path)
  const scan = await scanSegment(tail.path).catch(() => undefined)
  const last = scan?.payloads.map(eventOf).findLast((event) => event !== undefined)
  const after = (last?.number ?? tail.first - 1) + 1
  const lost = size - (scan?.validBytes ?? 0)
  if (lost > 0) {
    const passed = Math.ceil(lost / RECORD_BYTES_LEAST)
    return { segments, next: after + passed, file: undefined }
  }
  return { segments, next: after, file: await openFrameFile(tail.path) }
}

/** Opens what is under `{dataDir}/events`. Rejects only when that cannot be made or read. */
export async function openFeedLog(
  dataDir: string,
  settings: EventLogSettings,
  faults: DiskFaults,
): Promise<FeedLog> {
  const folder = join(dataDir, 'events')
  makeFolder(folder)
  const feed = new Feed(folder, settings, faults, await findSegments(folder))
  const group = groupCommit(
    () => feed.isEmpty(),
    () => feed.commit(),
    faults,
    limits.feedCommitDelayMs.default,
    limits.feedCommitLeadMs.default,
  )
  return {
    append: (draft) => {
      feed.add(draft)
      group.wake()
    },
    onTold: (run) => {
      feed.told = run
    },
    read: (from, limit) => feed.read(from, limit),
    bounds: () => ({ first: feed.first, next: feed.next }),
    flush: () => group.flush(),
    close: async () => {
      await group.close()
      await feed.close()
    },
  }
}
