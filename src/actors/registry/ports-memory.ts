/**
 * A disk that is not there: for `data_dir: ""`, and the simulated twin of the real one in tests.
 *
 * What is queued counts as on disk once it is flushed or, with a clock, after the commit delay; a
 * test that drops the ports and opens them anew on the same `MemoryDisk` sees what a crash leaves.
 */
import { limits } from '../../core/base/limits.ts'
import type { HealthEvent } from '../../core/health/events.ts'
import type { ServerRow } from '../../core/health/rows.ts'
import type { Clock } from '../../kernel/clock.ts'
import { ownMemory } from '../../core/base/memory.ts'
import { foldHistory, type HistoryRecord } from '../../core/replay/history.ts'
import { tableOf } from '../../core/zone/table-source.ts'
import type { Compile, History, RegistryPorts } from './contract.ts'

export interface MemoryDisk {
  rows: Map<string, ServerRow>
  events: HealthEvent[]
  shared: Map<string, Uint8Array>
}

export const emptyDisk = (): MemoryDisk => ({ rows: new Map(), events: [], shared: new Map() })

const compileHere: Compile = (source) => ({ code: 'compiled', table: tableOf(source, ownMemory) })

/** The newest stretches in memory, so that a past moment can be looked at without a disk. */
export function memoryHistory(): History {
  let stretches: HistoryRecord[][] = []
  const configs = new Map<string, string>()
  const add = (record: HistoryRecord) => {
    if (record.kind === 'checkpoint') {
      stretches = [...stretches.slice(1 - limits.sampleEpochs.default), [record]]
      return
    }
    const last = stretches.at(-1)
    if (last !== undefined && last.length < limits.stateRowsMax.default) last.push(record)
  }
  return {
    checkpoint: add,
    append: add,
    keepConfig: (hash, text) => {
      configs.clear()
      configs.set(hash, text)
    },
    read: async (atMs) => {
      const heldFromMs = stretches[0]?.[0]?.atMs
      const held = heldFromMs === undefined ? {} : { heldFromMs }
      const past = foldHistory(stretches.flat(), atMs)
      if (past === undefined) return { outcome: 'nothing-held', ...held }
      const configuration = configs.get(past.configHash)
      const named = configuration === undefined ? {} : { configuration }
      return { outcome: 'found', ...held, past: { ...past, ...named } }
    },
    flush: async () => 'committed',
    close: async () => undefined,
  }
}

/** @param clock commits after the delay on it; without one, at once */
export function memoryPorts(disk: MemoryDisk = emptyDisk(), clock?: Clock): RegistryPorts {
  const faults = { failedCommits: 0, dropped: 0 }
  let rows = new Map<string, ServerRow | undefined>()
  let events: HealthEvent[] = []
  let shared = new Map<string, Uint8Array | undefined>()
  let isArmed = false

  const commit = async (): Promise<'committed'> => {
    for (const [key, row] of rows) {
      if (row === undefined) disk.rows.delete(key)
      else disk.rows.set(key, row)
    }
    // Nobody reads the log of a disk that is not there back, so it keeps a bounded tail.
    disk.events.push(...events)
    disk.events.splice(0, disk.events.length - limits.stateRowsMax.default)
    for (const [key, bytes] of shared) {
      if (bytes === undefined) disk.shared.delete(key)
      else disk.shared.set(key, bytes)
    }
    rows = new Map()
    shared = new Map()
    events = []
    return 'committed'
  }

  const wake = () => {
    if (clock === undefined) return void commit()
    if (isArmed) return
    isArmed = true
    clock.after(limits.stateCommitDelayMs.default, () => {
      isArmed = false
      void commit()
    })
  }

  const put = (key: string, row: ServerRow | undefined) => {
    rows.set(key, row)
    wake()
  }
  const keep = (key: string, bytes: Uint8Array | undefined) => {
    shared.set(key, bytes)
    wake()
  }
  const append = (event: HealthEvent) => {
    events.push(event)
    wake()
  }
  const close = async () => void (await commit())
  return {
    faults,
    compile: compileHere,
    history: memoryHistory(),
    store: {
      load: async () => ({ rows: new Map(disk.rows), dropped: 0, damaged: false }),
      put,
      remove: (key) => put(key, undefined),
      flush: commit,
      close,
    },
    log: {
      append,
      flush: commit,
      read: async () => {
        await commit()
        return { events: [...disk.events], unreadable: 0, damagedSegments: 0 }
      },
      close,
    },
    shared: {
      load: async () => new Map(disk.shared),
      put: keep,
      remove: (key) => keep(key, undefined),
      flush: commit,
      close,
    },
    close,
  }
}
