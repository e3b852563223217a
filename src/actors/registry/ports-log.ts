/**
 * The event log on disk: segments `events/NNNNNNNN.log` of framed records (core/health/frames.ts).
 *
 * Records are only ever appended, and a group of them is synced before it counts as committed. On
 * opening, the last segment is cut at its first damage, so that what follows can be read. Retention
 * removes whole segments, oldest first.
 */
import { readdir, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { Packr } from 'msgpackr/pack'
import { limits } from '../../core/base/limits.ts'
import { type HealthEvent, parseEvent } from '../../core/health/events.ts'
import { frame } from '../../core/health/frames.ts'
import type { DiskFaults, EventLog, EventLogSettings, LoggedEvents } from './contract.ts'
import { groupCommit } from './ports-commit.ts'
import { makeFolder } from './ports-folder.ts'
import { type FrameFile, openFrameFile, readFrames, syncFolder } from './ports-frames.ts'

const packr = new Packr({ useRecords: false, variableMapSize: true })
const NAME = /^\d{8}\.log$/
const nameOf = (number: number) => `${String(number).padStart(8, '0')}.log`

/** Largest segment that is read: one full segment and the group that overfilled it. */
const readableBytes = () => limits.eventSegmentBytes.max + limits.eventLogPendingBytesMax.max

interface Segment {
  readonly number: number
  readonly file: FrameFile
  readonly openedAtMs: number
}

async function segmentsOf(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => [] as string[])
  return names.filter((name) => NAME.test(name)).sort()
}

const scanSegment = (path: string) => readFrames(path, readableBytes(), limits.eventBytesMax.max)

function eventOf(payload: Uint8Array): HealthEvent | undefined {
  try {
    return parseEvent(packr.unpack(payload))
  } catch {
    return undefined
  }
}

/** The newest segments that together stay within the size, oldest first; always the last one. */
async function newestSegments(folder: string, bytes: number): Promise<string[]> {
  const names = await segmentsOf(folder)
  if (bytes === Number.POSITIVE_INFINITY) return names
  let total = 0
  let from = names.length
  while (from > 0) {
    total += (await stat(join(folder, names[from - 1]!))).size
    if (total > bytes && from < names.length) break
    from--
  }
  return names.slice(from)
}

/** The events under `folder`, oldest first; never throws on what the files hold. */
export async function readEvents(
  folder: string,
  newestBytes: number = Number.POSITIVE_INFINITY,
): Promise<LoggedEvents> {
  const events: HealthEvent[] = []
  let unreadable = 0
  let damagedSegments = 0
  for (const name of await newestSegments(folder, newestBytes)) {
    const scan = await scanSegment(join(folder, name)).catch(() => undefined)
    if (scan === undefined || scan.validBytes < scan.size) damagedSegments++
    for (const payload of scan?.payloads ?? []) {
      const event = eventOf(payload)
      if (event === undefined) unreadable++
      else events.push(event)
    }
  }
  return { events, unreadable, damagedSegments }
}

async function openSegment(folder: string, number: number): Promise<Segment> {
  const file = await openFrameFile(join(folder, nameOf(number)))
  await syncFolder(folder)
  return { number, file, openedAtMs: Date.now() }
}

/** The last segment, cut at its first damage; a new one when there is none. */
async function openTail(folder: string): Promise<Segment> {
  const last = (await segmentsOf(folder)).at(-1)
  if (last === undefined) return openSegment(folder, 1)
  const number = Number(last.slice(0, 8))
  const scan = await scanSegment(join(folder, last))
  // A file that no one of us can have written is left alone for inspection.
  if (scan === undefined) return openSegment(folder, number + 1)
  const segment = await openSegment(folder, number)
  await segment.file.cut(scan.validBytes)
  return segment
}

/** Removes the oldest segments that are past retention; never the one being written. */
async function applyRetention(
  folder: string,
  current: Segment,
  settings: EventLogSettings,
): Promise<void> {
  const files = []
  for (const name of await segmentsOf(folder)) {
    const { size, mtimeMs } = await stat(join(folder, name))
    files.push({ name, size, mtimeMs })
  }
  let total = files.reduce((sum, file) => sum + file.size, 0)
  for (const { name, size, mtimeMs } of files) {
    if (name === nameOf(current.number)) return
    const old = mtimeMs < Date.now() - settings.retentionMs
    if (!old && total <= settings.maxBytes) return
    await unlink(join(folder, name))
    total -= size
  }
}

class Writer {
  readonly #folder: string
  readonly #settings: EventLogSettings
  readonly #faults: DiskFaults
  #segment: Segment
  #pending: Uint8Array[] = []
  #pendingBytes = 0

  constructor(folder: string, settings: EventLogSettings, faults: DiskFaults, tail: Segment) {
    this.#folder = folder
    this.#settings = settings
    this.#faults = faults
    this.#segment = tail
  }

  isEmpty(): boolean {
    return this.#pending.length === 0
  }

  add(event: HealthEvent): void {
    const payload = packr.pack(event)
    const over =
      payload.length > limits.eventBytesMax.default ||
      this.#pendingBytes + payload.length > limits.eventLogPendingBytesMax.default
    if (over) {
      this.#faults.dropped++
      return
    }
    const record = frame(payload)
    this.#pending.push(record)
    this.#pendingBytes += record.length
  }

  async commit(): Promise<void> {
    const records = this.#pending
    const group = Buffer.concat(records)
    this.#pending = []
    try {
      const segment = await this.#current(group.length)
      await segment.file.append(group)
    } catch (error) {
      this.#pending = [...records, ...this.#pending]
      throw error
    }
    this.#pendingBytes -= group.length
  }

  async close(): Promise<void> {
    await this.#segment.file.close()
  }

  /** The segment to write to; a new one where the last is full, old or torn. */
  async #current(bytes: number): Promise<Segment> {
    const segment = this.#segment
    const most = Math.min(limits.eventSegmentBytes.default, Math.ceil(this.#settings.maxBytes / 8))
    const { bytes: held } = segment.file
    const full = held > 0 && held + bytes > most
    const ageMs = this.#settings.retentionMs / limits.eventSegmentsPerRetention.default
    const old = held > 0 && Date.now() - segment.openedAtMs > ageMs
    if (!full && !old && !segment.file.isTorn) return segment
    const next = await openSegment(this.#folder, segment.number + 1)
    this.#segment = next
    await segment.file.close()
    await applyRetention(this.#folder, next, this.#settings)
    return next
  }
}

/** Opens the log under `{dataDir}/events`. Rejects only when the folder cannot be made or read. */
export async function openEventLog(
  dataDir: string,
  settings: EventLogSettings,
  faults: DiskFaults,
): Promise<EventLog> {
  const folder = join(dataDir, 'events')
  makeFolder(folder)
  const tail = await openTail(folder)
  await applyRetention(folder, tail, settings)
  const writer = new Writer(folder, settings, faults, tail)
  const group = groupCommit(
    () => writer.isEmpty(),
    () => writer.commit(),
    faults,
  )
  return {
    append: (event) => {
      writer.add(event)
      group.wake()
    },
    flush: () => group.flush(),
    read: async (newestBytes) => {
      await group.flush()
      return readEvents(folder, newestBytes)
    },
    close: async () => {
      await group.close()
      await writer.close()
    },
  }
}
