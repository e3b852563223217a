/**
 * A file of values by key, where the last record of a key holds.
 *
 * A file of our own and not a database, because a thread may be ended at any moment: the binding of
 * LMDB then ends the whole process or waits for ever, and a damaged database file ends it on
 * opening. Here every damage is a shorter file. Once most of it is out of date the file is written
 * anew beside itself and takes its place by a rename.
 */
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Packr } from 'msgpackr/pack'
import { limits } from '../../core/base/limits.ts'
import { FRAME_HEADER_BYTES, frame } from '../../core/health/frames.ts'
import type { CommitOutcome, DiskFaults } from './contract.ts'
import { groupCommit } from './ports-commit.ts'
import { makeFolder } from './ports-folder.ts'
import { type FrameFile, openFrameFile, readFrames, syncFolder } from './ports-frames.ts'

const packr = new Packr({ useRecords: false, variableMapSize: true })

export interface KeyedFileOptions {
  /** The file is `{name}.log`. */
  readonly name: string
  readonly keyCharsMax: number
  readonly keysMax: number
  /** Largest record with its key, once read and once written. */
  readonly readBytesMax: number
  readonly recordBytesMax: number
}

export interface KeyedFile {
  /** What holds, as read from disk and changed since; never throws on what the file held. */
  load(): { readonly values: ReadonlyMap<string, unknown>; readonly dropped: number }
  /** Some of the file could not be read. */
  readonly damaged: boolean
  /** Queues a value; undefined takes the key away. */
  put(key: string, value: unknown): void
  flush(): Promise<CommitOutcome>
  close(): Promise<void>
}

const recordOf = (key: string, value: unknown) =>
  frame(packr.pack(value === undefined ? [key] : [key, value]))

function readRecord(payload: Uint8Array): readonly unknown[] {
  try {
    const record: unknown = packr.unpack(payload)
    return Array.isArray(record) ? record : []
  } catch {
    return []
  }
}

interface Opened {
  readonly file: FrameFile
  readonly found: readonly Uint8Array[]
  readonly damaged: boolean
}

class Store {
  readonly damaged: boolean
  readonly #folder: string
  readonly #options: KeyedFileOptions
  /** The records that hold, by key, as they are in the file. */
  readonly #live = new Map<string, Uint8Array>()
  #liveBytes = 0
  /** After a compaction that failed: the size from which the next is tried. */
  #compactFrom = 0
  #file: FrameFile
  #pending = new Map<string, Uint8Array | undefined>()
  #dropped = 0

  constructor(folder: string, options: KeyedFileOptions, { file, found, damaged }: Opened) {
    this.#folder = folder
    this.#options = options
    this.#file = file
    this.damaged = damaged
    for (const payload of found) {
      const [key, value] = readRecord(payload)
      const full = this.#live.size >= options.keysMax
      if (!this.#isKey(key) || (full && !this.#live.has(key))) this.#dropped++
      else this.#hold(key, value === undefined ? undefined : frame(payload))
    }
  }

  load() {
    const values = new Map<string, unknown>()
    for (const [key, record] of this.#live)
      values.set(key, readRecord(record.subarray(FRAME_HEADER_BYTES))[1])
    return { values, dropped: this.#dropped }
  }

  isEmpty(): boolean {
    return this.#pending.size === 0
  }

  /** False when it cannot be queued. */
  queue(key: string, value: unknown): boolean {
    const full = this.#pending.size >= limits.statePendingRowsMax.default && !this.#pending.has(key)
    if (!this.#isKey(key) || full) return false
    const record = recordOf(key, value)
    if (record.length > this.#options.recordBytesMax) return false
    this.#pending.set(key, value === undefined ? undefined : record)
    return true
  }

  async commit(): Promise<void> {
    const group = this.#pending
    this.#pending = new Map()
    try {
      const records = [...group].map(([key, record]) => record ?? recordOf(key, undefined))
      if (this.#file.isTorn) await this.#rewrite(group)
      else await this.#file.append(Buffer.concat(records))
      for (const [key, record] of group) this.#hold(key, record)
    } catch (error) {
      // What was queued meanwhile is newer.
      this.#pending = new Map([...group, ...this.#pending])
      throw error
    }
    const { stateCompactBytes, stateCompactRatio } = limits
    const least = Math.max(stateCompactBytes.default, this.#liveBytes * stateCompactRatio.default)
    if (this.#file.bytes <= Math.max(least, this.#compactFrom)) return
    try {
      await this.#rewrite(new Map())
      this.#compactFrom = 0
    } catch {
      // What was to be kept is; the file is longer than it could be, until it has grown again.
      this.#compactFrom = this.#file.bytes + stateCompactBytes.default
    }
  }

  close(): Promise<void> {
    return this.#file.close()
  }

  #isKey(key: unknown): key is string {
    return typeof key === 'string' && key !== '' && key.length <= this.#options.keyCharsMax
  }

  #hold(key: string, record: Uint8Array | undefined): void {
    this.#liveBytes += (record?.length ?? 0) - (this.#live.get(key)?.length ?? 0)
    if (record === undefined) this.#live.delete(key)
    else this.#live.set(key, record)
  }

  /** Writes what holds, with the group on top, to a new file that takes the place of the old. */
  async #rewrite(group: ReadonlyMap<string, Uint8Array | undefined>): Promise<void> {
    const { name } = this.#options
    const next = join(this.#folder, `${name}.next`)
    const records = [...new Map([...this.#live, ...group]).values()]
    await rm(next, { force: true })
    const file = await openFrameFile(next)
    try {
      await file.append(Buffer.concat(records.filter((record) => record !== undefined)))
      await rename(next, join(this.#folder, `${name}.log`))
    } catch (error) {
      await file.close()
      throw error
    }
    await syncFolder(this.#folder)
    await this.#file.close()
    this.#file = file
  }
}

async function openFile(folder: string, options: KeyedFileOptions): Promise<Opened> {
  const path = join(folder, `${options.name}.log`)
  const file = await openFrameFile(path)
  const scan = await readFrames(path, limits.stateFileBytesMax.default, options.readBytesMax)
  if (scan === undefined) {
    // No one of us can have written it: it is set aside, whatever it is.
    await file.close()
    await rename(path, `${path}.damaged`)
    return { file: await openFrameFile(path), found: [], damaged: true }
  }
  await file.cut(scan.validBytes)
  await syncFolder(folder)
  return { file, found: scan.payloads, damaged: scan.validBytes < scan.size }
}

/** Opens the file; rejects only with what the file system says of the folder. */
export async function openKeyedFile(
  folder: string,
  options: KeyedFileOptions,
  faults: DiskFaults,
): Promise<KeyedFile> {
  makeFolder(folder)
  const store = new Store(folder, options, await openFile(folder, options))
  const group = groupCommit(
    () => store.isEmpty(),
    () => store.commit(),
    faults,
  )
  return {
    load: () => store.load(),
    damaged: store.damaged,
    put: (key, value) => {
      if (!store.queue(key, value)) faults.dropped++
      group.wake()
    },
    flush: () => group.flush(),
    close: async () => {
      await group.close()
      await store.close()
    },
  }
}
