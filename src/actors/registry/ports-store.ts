/**
 * The state of every server on disk: `{dataDir}/state.log`, where the last record of a key holds.
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
import { parseRow, type ServerRow } from '../../core/health/rows.ts'
import type { DiskFaults, StateStore, StoredRows } from './contract.ts'
import { groupCommit } from './ports-commit.ts'
import { makeFolder } from './ports-folder.ts'
import { type FrameFile, openFrameFile, readFrames, syncFolder } from './ports-frames.ts'

const packr = new Packr({ useRecords: false, variableMapSize: true })

const isKey = (key: unknown): key is string =>
  typeof key === 'string' && key !== '' && key.length <= limits.stateKeyBytesMax.default

/** The record that a server has this row, or none any more. */
const recordOf = (key: string, row: ServerRow | undefined) =>
  frame(packr.pack(row === undefined ? [key] : [key, row]))

function readRecord(payload: Uint8Array): readonly unknown[] {
  try {
    const record: unknown = packr.unpack(payload)
    return Array.isArray(record) ? record : []
  } catch {
    return []
  }
}

class StateFile {
  readonly #folder: string
  /** The records that hold, by key, as they are in the file. */
  readonly #live = new Map<string, Uint8Array>()
  #liveBytes = 0
  #file: FrameFile
  #pending = new Map<string, Uint8Array | undefined>()
  readonly #damaged: boolean
  #dropped = 0

  constructor(folder: string, file: FrameFile, found: readonly Uint8Array[], damaged: boolean) {
    this.#folder = folder
    this.#file = file
    this.#damaged = damaged
    for (const payload of found) {
      const [key, row] = readRecord(payload)
      const full = this.#live.size >= limits.stateRowsMax.default
      if (!isKey(key) || (full && !this.#live.has(key))) this.#dropped++
      else this.#hold(key, row === undefined ? undefined : frame(payload))
    }
  }

  load(nowMs: number): StoredRows {
    const rows = new Map<string, ServerRow>()
    let dropped = this.#dropped
    for (const [key, record] of this.#live) {
      const row = parseRow(readRecord(record.subarray(FRAME_HEADER_BYTES))[1], nowMs)
      if (row === undefined) dropped++
      else rows.set(key, row)
    }
    return { rows, dropped, damaged: this.#damaged }
  }

  isEmpty(): boolean {
    return this.#pending.size === 0
  }

  /** False when it cannot be queued. */
  queue(key: string, row: ServerRow | undefined): boolean {
    const full = this.#pending.size >= limits.statePendingRowsMax.default && !this.#pending.has(key)
    if (!isKey(key) || full) return false
    const record = recordOf(key, row)
    if (record.length > limits.stateRowBytesMax.default) return false
    this.#pending.set(key, row === undefined ? undefined : record)
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
    if (this.#file.bytes > least) await this.#rewrite(new Map())
  }

  close(): Promise<void> {
    return this.#file.close()
  }

  #hold(key: string, record: Uint8Array | undefined): void {
    this.#liveBytes += (record?.length ?? 0) - (this.#live.get(key)?.length ?? 0)
    if (record === undefined) this.#live.delete(key)
    else this.#live.set(key, record)
  }

  /** Writes what holds, with the group on top, to a new file that takes the place of the old. */
  async #rewrite(group: ReadonlyMap<string, Uint8Array | undefined>): Promise<void> {
    const next = join(this.#folder, 'state.next')
    const rows = [...new Map([...this.#live, ...group]).values()]
    await rm(next, { force: true })
    const file = await openFrameFile(next)
    await file.append(Buffer.concat(rows.filter((record) => record !== undefined)))
    await rename(next, join(this.#folder, 'state.log'))
    await syncFolder(this.#folder)
    await this.#file.close()
    this.#file = file
  }
}

async function openStateFile(dataDir: string): Promise<StateFile> {
  const path = join(dataDir, 'state.log')
  const file = await openFrameFile(path)
  const scan = await readFrames(path, limits.stateFileBytesMax.default, limits.stateRowBytesMax.max)
  if (scan === undefined) {
    // No one of us can have written it: it is set aside, whatever it is.
    await file.close()
    await rename(path, `${path}.damaged`)
    return new StateFile(dataDir, await openFrameFile(path), [], true)
  }
  await file.cut(scan.validBytes)
  await syncFolder(dataDir)
  return new StateFile(dataDir, file, scan.payloads, scan.validBytes < scan.size)
}

/** Opens the store; rejects only with what the file system says of the folder. */
export async function openStateStore(dataDir: string, faults: DiskFaults): Promise<StateStore> {
  makeFolder(dataDir)
  const state = await openStateFile(dataDir)
  const group = groupCommit(
    () => state.isEmpty(),
    () => state.commit(),
    faults,
  )
  const queue = (key: string, row: ServerRow | undefined) => {
    if (!state.queue(key, row)) faults.dropped++
    group.wake()
  }
  return {
    load: async (nowMs) => state.load(nowMs),
    put: queue,
    remove: (key) => queue(key, undefined),
    flush: () => group.flush(),
    close: async () => {
      await group.close()
      await state.close()
    },
  }
}
