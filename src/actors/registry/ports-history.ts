/**
 * The history on disk: stretches `history/<start in ms>-<number>.log` of framed records
 * (core/health/frames.ts), each of which begins with a checkpoint; and beside them, under
 * `configs/`, the configurations that checkpoints name.
 *
 * A past moment lies in the last stretch that began before it, so one file is read to find it.
 * Retention removes whole stretches, oldest first.
 */
import { readdir, readFile, rename, stat, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Packr } from 'msgpackr/pack'
import { limits } from '../../core/base/limits.ts'
import { frame } from '../../core/health/frames.ts'
import { foldHistory, type HistoryRecord, parseHistory } from '../../core/replay/history.ts'
import type { DiskFaults, EventLogSettings, History, PastOutcome } from './contract.ts'
import { groupCommit } from './ports-commit.ts'
import { makeFolder } from './ports-folder.ts'
import { type FrameFile, openFrameFile, readFrames, syncFolder } from './ports-frames.ts'

const packr = new Packr({ useRecords: false, variableMapSize: true })
const PAYLOADS_A_STEP = 250
const NAME = /^(\d{15})-(\d{6})\.log$/
const HASH = /^[0-9a-f]{64}$/

const digits = (value: number, count: number) =>
  String(Math.max(0, Math.floor(value))).padStart(count, '0')
const nameOf = (atMs: number, number: number) => `${digits(atMs, 15)}-${digits(number, 6)}.log`

interface Stretch {
  readonly name: string
  readonly startMs: number
}

async function stretchesOf(folder: string): Promise<Stretch[]> {
  const names = await readdir(folder).catch(() => [] as string[])
  return names
    .filter((name) => NAME.test(name))
    .sort()
    .map((name) => ({ name, startMs: Number(name.slice(0, 15)) }))
}

function recordOf(payload: Uint8Array): HistoryRecord | undefined {
  try {
    return parseHistory(packr.unpack(payload))
  } catch {
    return undefined
  }
}

async function applyRetention(
  folder: string,
  current: string,
  { retentionMs, maxBytes }: EventLogSettings,
): Promise<void> {
  const files = []
  for (const { name } of await stretchesOf(folder)) {
    const { size, mtimeMs } = await stat(join(folder, name))
    files.push({ name, size, mtimeMs })
  }
  let total = files.reduce((sum, file) => sum + file.size, 0)
  for (const { name, size, mtimeMs } of files) {
    if (name === current) return
    const old = mtimeMs < Date.now() - retentionMs
    // The history has a quarter of what the log may take.
    if (!old && total <= maxBytes / 4) return
    await unlink(join(folder, name))
    total -= size
  }
}

class Writer {
  readonly #folder: string
  readonly #settings: EventLogSettings
  readonly #faults: DiskFaults
  #pending: { bytes: Uint8Array; startMs: number | undefined; isBegun: boolean }[] = []
  #pendingBytes = 0
  #file: FrameFile | undefined
  #number = 0

  constructor(folder: string, settings: EventLogSettings, faults: DiskFaults) {
    this.#folder = folder
    this.#settings = settings
    this.#faults = faults
  }

  isEmpty(): boolean {
    return this.#pending.length === 0
  }

  add(record: HistoryRecord): void {
    const payload = packr.pack(record)
    const most = limits.historyRecordBytes.default
    if (payload.length > most || this.#pendingBytes + payload.length > most * 2) {
      this.#faults.dropped++
      return
    }
    const bytes = frame(payload)
    this.#pendingBytes += bytes.length
    this.#pending.push({
      bytes,
      startMs: record.kind === 'checkpoint' ? record.atMs : undefined,
      isBegun: false,
    })
  }

  async commit(): Promise<void> {
    while (this.#pending.length > 0) {
      const [first] = this.#pending
      // One that could not be written is tried again in the file that was begun for it.
      if (first!.startMs !== undefined && (!first!.isBegun || this.#file?.isTorn === true)) {
        await this.#begin(first!.startMs)
        first!.isBegun = true
      }
      let count = 1
      while (this.#pending[count] !== undefined && this.#pending[count]!.startMs === undefined)
        count++
      const group = Buffer.concat(this.#pending.slice(0, count).map(({ bytes }) => bytes))
      // Words before the first checkpoint of a process say nothing.
      if (this.#file !== undefined) await this.#file.append(group)
      this.#pending.splice(0, count)
      this.#pendingBytes -= group.length
    }
  }

  async #begin(startMs: number): Promise<void> {
    const name = nameOf(startMs, ++this.#number)
    const file = await openFrameFile(join(this.#folder, name))
    try {
      await file.cut(0)
      await syncFolder(this.#folder)
    } catch (error) {
      await file.close()
      throw error
    }
    await this.#file?.close()
    this.#file = file
    await applyRetention(this.#folder, name, this.#settings)
  }

  async close(): Promise<void> {
    await this.#file?.close()
  }
}

/** Unpacked in small steps: verdicts that arrive meanwhile must not wait for all of it. */
async function recordsOf(payloads: readonly Uint8Array[]): Promise<HistoryRecord[]> {
  const records: HistoryRecord[] = []
  for (const [at, payload] of payloads.entries()) {
    const record = recordOf(payload)
    if (record !== undefined) records.push(record)
    if (at % PAYLOADS_A_STEP === 0) await nextTurn()
  }
  return records
}

async function readPast(folder: string, configs: string, atMs: number): Promise<PastOutcome> {
  const stretches = await stretchesOf(folder)
  const heldFromMs = stretches[0]?.startMs
  const held = heldFromMs === undefined ? {} : { heldFromMs }
  for (const { name } of stretches.filter(({ startMs }) => startMs <= atMs).reverse()) {
    const path = join(folder, name)
    const most = limits.historyReadBytes.default
    const scan = await readFrames(path, most, limits.historyRecordBytes.max).catch(() => undefined)
    if (scan === undefined) continue
    const past = foldHistory(await recordsOf(scan.payloads), atMs)
    if (past === undefined) continue
    const configuration = await configOf(configs, past.configHash)
    return {
      outcome: 'found',
      ...held,
      past: { ...past, ...(configuration === undefined ? {} : { configuration }) },
    }
  }
  return { outcome: 'nothing-held', ...held }
}

async function configOf(folder: string, hash: string): Promise<string | undefined> {
  if (!HASH.test(hash)) return
  return readFile(join(folder, `${hash}.yaml`), 'utf8').catch(() => undefined)
}

/** Writes a configuration under its hash, and forgets the oldest past the limit. */
async function keepConfig(folder: string, hash: string, text: string): Promise<void> {
  if (!HASH.test(hash) || text.length > limits.keptConfigBytes.default) return
  makeFolder(folder)
  const path = join(folder, `${hash}.yaml`)
  await writeFile(`${path}.new`, text, { mode: 0o600 })
  await rename(`${path}.new`, path)
  const files = []
  for (const name of await readdir(folder))
    if (name.endsWith('.yaml')) files.push({ name, ...(await stat(join(folder, name))) })
  files.sort((a, b) => b.mtimeMs - a.mtimeMs)
  for (const { name } of files.slice(limits.keptConfigs.default)) await unlink(join(folder, name))
}

/** Opens the history under `{dataDir}/history`. Rejects only when the folder cannot be made. */
export async function openHistory(
  dataDir: string,
  settings: EventLogSettings,
  faults: DiskFaults,
): Promise<History> {
  const folder = join(dataDir, 'history')
  const configs = join(dataDir, 'configs')
  makeFolder(folder)
  const writer = new Writer(folder, settings, faults)
  const group = groupCommit(
    () => writer.isEmpty(),
    () => writer.commit(),
    faults,
  )
  let keeping = Promise.resolve()
  const add = (record: HistoryRecord) => {
    writer.add(record)
    group.wake()
  }
  return {
    checkpoint: add,
    append: add,
    keepConfig: (hash, text) => {
      keeping = keeping
        .then(() => keepConfig(configs, hash, text))
        .catch(() => void faults.failedCommits++)
    },
    read: async (atMs) => {
      await group.flush()
      await keeping
      return readPast(folder, configs, atMs).catch(() => ({ outcome: 'failed' }) as const)
    },
    flush: () => group.flush(),
    close: async () => {
      await group.close()
      await keeping
      await writer.close()
    },
  }
}
