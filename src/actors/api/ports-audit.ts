/**
 * The audit log on disk: segments `audit/NNNNNNNN.log`, one record a line (core/audit/chain.ts).
 *
 * Records are only ever appended, and a group of them is synced before it counts as written. A file
 * is never repaired: where the last segment is damaged, by a power cut or by a hand, it is left as
 * it is and a new one begins, whose anchor says so. Retention removes whole segments, oldest first,
 * and is itself recorded before it acts.
 */
import { mkdir, open, readdir, readFile, stat, unlink } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { type ChainHead, ChainReader, chainStart, sealAnchor } from '../../core/audit/chain.ts'
import { sealEntry, type Sha256 } from '../../core/audit/chain.ts'
import type { AuditFields } from '../../core/audit/entry.ts'
import { limits } from '../../core/base/limits.ts'
import type { AuditPort, AuditSettings, AuditState } from './contract.ts'

const NAME = /^\d{8}\.log$/
const nameOf = (number: number) => `${String(number).padStart(8, '0')}.log`
const numberOf = (name: string) => Number(name.slice(0, 8))

/** Larger than any segment of ours: what exceeds it was not written here and is not read. */
const readableBytes = () => limits.auditSegmentBytes.max * 2

async function segmentsOf(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => [] as string[])
  return names.filter((name) => NAME.test(name)).sort()
}

async function textOf(folder: string, name: string): Promise<string> {
  const { size } = await stat(join(folder, name))
  if (size > readableBytes()) throw new Error(`${name} is too large to be a segment`)
  return readFile(join(folder, name), 'utf8')
}

interface Waiting {
  readonly fields: AuditFields
  readonly settle: (outcome: 'committed' | 'failed') => void
}

interface Tail {
  readonly head: ChainHead
  /** Of the last segment; 0 when there is none. */
  readonly number: number
  readonly bytes: number
  readonly openedAtMs: number
  /** Why the last segment is not written to any more. */
  readonly damage?: string
}

/** Where the chain goes on: from the last segment, or the one before when that tells nothing. */
async function findTail(folder: string, sha256: Sha256): Promise<Tail> {
  const names = await segmentsOf(folder)
  const last = names.at(-1)
  if (last === undefined) return { head: chainStart, number: 0, bytes: 0, openedAtMs: 0 }
  let damage: string | undefined
  for (const name of [...names].reverse()) {
    const reader = new ChainReader(sha256)
    const text = await textOf(folder, name).catch((error: Error) => {
      damage ??= `${name}: ${error.message}`
      return undefined
    })
    if (text !== undefined) reader.read(name, text)
    const [fault] = reader.faults
    if (fault !== undefined) damage ??= `${fault.segment}, line ${fault.line}: ${fault.what}`
    if (reader.head === undefined) continue
    const { size: bytes, birthtimeMs: openedAtMs } = await stat(join(folder, last))
    const told = damage === undefined ? {} : { damage }
    return { head: reader.head, number: numberOf(last), bytes, openedAtMs, ...told }
  }
  const told = { damage: damage ?? 'no segment can be read' }
  return { head: chainStart, number: numberOf(last), bytes: 0, openedAtMs: 0, ...told }
}

class Writer {
  lost = 0
  failedWrites = 0
  head: ChainHead
  readonly #folder: string
  readonly #settings: AuditSettings
  readonly #sha256: Sha256
  #number: number
  #bytes: number
  #openedAtMs: number
  #damage: string | undefined
  #file: FileHandle | undefined
  #waiting: Waiting[] = []
  /** Records that a failed write left to be tried again. */
  #again: Waiting[] = []
  #pumping: Promise<void> | undefined
  #retry: NodeJS.Timeout | undefined
  /** Of the lost, how many a record in the log tells of. */
  #toldLost = 0

  constructor(folder: string, settings: AuditSettings, sha256: Sha256, tail: Tail) {
    this.#folder = folder
    this.#settings = settings
    this.#sha256 = sha256
    this.head = tail.head
    this.#number = tail.number
    this.#bytes = tail.bytes
    this.#openedAtMs = tail.openedAtMs
    this.#damage = tail.damage
  }

  append(fields: AuditFields): Promise<'committed' | 'failed'> {
    return new Promise((settle) => {
      this.#waiting.push({ fields, settle })
      this.#pumping ??= this.#pump()
    })
  }

  /** What a failed write left is tried once more. */
  async close(): Promise<void> {
    while (this.#pumping !== undefined) await this.#pumping
    if (this.#again.length > 0) await this.#attempt([])
    clearTimeout(this.#retry)
    await this.#file?.close().catch(() => undefined)
    this.#file = undefined
  }

  /** What gathers while one group is written is the next group. */
  async #pump(): Promise<void> {
    // Not before the caller holds the promise of this pump.
    await Promise.resolve()
    do {
      const fresh = this.#waiting
      this.#waiting = []
      await this.#attempt(fresh)
    } while (this.#waiting.length > 0)
    // In the same turn as the look at what waits: who appends next starts the pump again.
    this.#pumping = undefined
  }

  async #attempt(fresh: readonly Waiting[]): Promise<void> {
    clearTimeout(this.#retry)
    const group = [...this.#again, ...fresh]
    if (group.length === 0) return
    const missing = this.lost - this.#toldLost
    const told = missing > 0 ? [lossRecord(missing)] : []
    try {
      await this.#write([...told, ...group.map(({ fields }) => fields)])
      this.#toldLost += missing
      this.#again = []
      for (const { settle } of fresh) settle('committed')
    } catch {
      this.failedWrites++
      const most = limits.auditPendingRecords.default
      this.lost += Math.max(0, group.length - most)
      this.#again = group.slice(-most)
      for (const { settle } of fresh) settle('failed')
      // A disk that is well again is not made to wait for the next change.
      this.#retry = setTimeout(() => {
        this.#pumping ??= this.#pump()
      }, limits.diskRetryMs.default).unref()
    }
  }

  async #write(records: readonly AuditFields[]): Promise<void> {
    const file = await this.#segment()
    let { head } = this
    const lines: string[] = []
    for (const fields of records) {
      const sealed = sealEntry(head, fields, this.#sha256)
      lines.push(sealed.line)
      head = sealed.head
    }
    await this.#put(file, lines.join(''))
    this.head = head
  }

  /** Writes and syncs; what a failed write left behind is taken back, or the segment given up. */
  async #put(file: FileHandle, text: string): Promise<void> {
    const bytes = Buffer.from(text)
    try {
      await file.appendFile(bytes)
      await file.datasync()
    } catch (error) {
      await file.truncate(this.#bytes).catch(() => {
        this.#damage = 'a write failed halfway'
      })
      throw error
    }
    this.#bytes += bytes.length
  }

  /** The segment to write to; a new one where the last is damaged, full or old. */
  async #segment(): Promise<FileHandle> {
    const { maxBytes, retentionMs } = this.#settings
    const most = Math.min(limits.auditSegmentBytes.default, Math.ceil(maxBytes / 8))
    const ageMs = retentionMs / limits.auditSegmentsPerRetention.default
    const over = this.#bytes >= most || Date.now() - this.#openedAtMs > ageMs
    if (this.#number > 0 && !over && this.#damage === undefined) {
      this.#file ??= await open(join(this.#folder, nameOf(this.#number)), 'a', 0o600)
      return this.#file
    }
    return this.#begin()
  }

  /** Opens a segment with its anchor; where that fails there is no new segment. */
  async #begin(): Promise<FileHandle> {
    const segment = this.#number + 1
    const path = join(this.#folder, nameOf(segment))
    const note = this.#damage
    const anchor = { atMs: Date.now(), segment, ...(note === undefined ? {} : { note }) }
    const sealed = sealAnchor(this.head, anchor, this.#sha256)
    const file = await open(path, 'a', 0o600)
    try {
      await file.appendFile(sealed.line)
      await file.datasync()
      await syncFolder(this.#folder)
    } catch (error) {
      await file.close().catch(() => undefined)
      await unlink(path).catch(() => undefined)
      throw error
    }
    await this.#file?.close().catch(() => undefined)
    this.#file = file
    this.#number = segment
    this.#bytes = Buffer.byteLength(sealed.line)
    this.#openedAtMs = anchor.atMs
    this.#damage = undefined
    this.head = sealed.head
    await this.#retain(file)
    return file
  }

  /** Removes the oldest segments that are past retention; never the one being written. */
  async #retain(file: FileHandle): Promise<void> {
    const { maxBytes, retentionMs } = this.#settings
    const old: string[] = []
    const names = await segmentsOf(this.#folder)
    const sizes = await Promise.all(names.map((name) => stat(join(this.#folder, name))))
    let total = sizes.reduce((sum, { size }) => sum + size, 0)
    for (const [at, name] of names.entries()) {
      const { size, mtimeMs } = sizes[at]!
      const past = mtimeMs < Date.now() - retentionMs
      if (numberOf(name) >= this.#number || (!past && total <= maxBytes)) break
      old.push(name)
      total -= size
    }
    const last = old.at(-1)
    if (last === undefined) return
    const sealed = sealEntry(this.head, retentionRecord(numberOf(last)), this.#sha256)
    await this.#put(file, sealed.line)
    this.head = sealed.head
    for (const name of old) await unlink(join(this.#folder, name)).catch(() => undefined)
  }
}

/** A system record: what the disk did not take in time, before the records it takes now. */
const lossRecord = (count: number): AuditFields => ({
  atMs: Date.now(),
  action: 'loss',
  resource: 'audit-log',
  actor: 'opengslb',
  actorType: 'system',
  status: 'failure',
  details: { lost: count },
})

const retentionRecord = (removedThrough: number): AuditFields => ({
  atMs: Date.now(),
  action: 'retention',
  resource: 'audit-log',
  actor: 'opengslb',
  actorType: 'system',
  status: 'success',
  details: { removed_through: removedThrough },
})

/** A new name is durable only once its folder is synced. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Opens the log; rejects only when its folder cannot be made. */
export async function openAudit(
  settings: AuditSettings,
  sha256: Sha256,
): Promise<AuditPort & { close(): Promise<void> }> {
  const { folder } = settings
  await mkdir(folder, { mode: 0o750 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  const tail = await findTail(folder, sha256)
  const writer = new Writer(folder, settings, sha256, tail)
  const through = tail.number
  let checked: ChainReader | undefined
  let tell: (state: AuditState) => void = () => {}
  const state = (): AuditState => ({
    chain: checked === undefined ? 'checking' : checked.faultCount === 0 ? 'intact' : 'broken',
    faults: checked?.faults ?? [],
    faultCount: checked?.faultCount ?? 0,
    seq: writer.head.seq,
    hash: writer.head.hash,
    lost: writer.lost,
    failedWrites: writer.failedWrites,
  })
  const check = checkAll(folder, sha256, through).then((reader) => {
    checked = reader
    tell(state())
  })
  const queue = oneAtATime()
  return {
    append: (fields) => writer.append(fields),
    read: (take) =>
      queue(async () => {
        for (const name of await segmentsOf(folder)) {
          const text = await textOf(folder, name).catch(() => '')
          if (!take(new ChainReader(sha256).read(name, text))) return
        }
      }),
    state,
    onChecked: (run) => {
      tell = run
      if (checked !== undefined) run(state())
    },
    close: async () => {
      await check
      await writer.close()
    },
  }
}

/** Reads what was there at the start, a segment at a time, so that requests get their turn. */
async function checkAll(folder: string, sha256: Sha256, through: number): Promise<ChainReader> {
  const reader = new ChainReader(sha256)
  const names = (await segmentsOf(folder)).filter((name) => numberOf(name) <= through)
  for (const name of names) reader.read(name, await textOf(folder, name).catch(() => ''))
  if (names.length > 0) reader.finish()
  return reader
}

/** Runs one job at a time; past a few that wait the next is told to come again. */
function oneAtATime() {
  let last: Promise<unknown> = Promise.resolve()
  let waiting = 0
  return async (job: () => Promise<void>): Promise<'read' | 'busy'> => {
    if (waiting >= limits.auditReadsWaiting.default) return 'busy'
    waiting++
    const run = last.then(job).catch(() => undefined)
    last = run
    await run
    waiting--
    return 'read'
  }
}
