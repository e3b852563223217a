/**
 * A disk that is not there: for `data_dir: ""`, and the simulated twin of the real one in tests.
 *
 * What is queued counts as on disk once it is flushed or, with a clock, after the commit delay; a
 * test that drops the ports and opens them anew on the same `MemoryDisk` sees what a crash leaves.
 */
import { limits } from '../../core/base/limits.ts'
import type { EventDraft, FeedEvent } from '../../core/events/event.ts'
import type { HealthEvent } from '../../core/health/events.ts'
import type { ServerRow } from '../../core/health/rows.ts'
import type { Clock } from '../../kernel/clock.ts'
import { ownMemory } from '../../core/base/memory.ts'
import { foldHistory, type HistoryRecord } from '../../core/replay/history.ts'
import { tableOf } from '../../core/zone/table-source.ts'
import { openGeographer } from './ports-geo.ts'
import type { Compile, FeedLog, History, RegistryPorts } from './contract.ts'

export interface MemoryDisk {
  rows: Map<string, ServerRow>
  events: HealthEvent[]
  shared: Map<string, Uint8Array>
  /** The numbered events; the newest of them. */
  feed: FeedEvent[]
  objects: Map<string, unknown>
}

export const emptyDisk = (): MemoryDisk => ({
  rows: new Map(),
  events: [],
  shared: new Map(),
  feed: [],
  objects: new Map(),
})

/**
 * The numbered events in memory, the newest of them.
 * @param firstNumber of an empty log; who starts over uses one that is above all before
 */
export function memoryFeed(held: FeedEvent[], firstNumber = 1) {
  let told: Parameters<FeedLog['onTold']>[0] = () => {}
  let pending: EventDraft[] = []
  const next = () => (held.at(-1)?.number ?? firstNumber - 1) + 1
  const bounds = () => ({ first: held[0]?.number ?? next(), next: next() })
  const commit = () => {
    if (pending.length === 0) return
    const from = next()
    const events = pending.map((draft, index) => ({ ...draft, number: from + index }))
    pending = []
    held.push(...events)
    held.splice(0, held.length - limits.feedMemoryEvents.default)
    told(events)
  }
  return {
    commit,
    add: (draft: EventDraft) => void pending.push(draft),
    onTold: (run: typeof told) => {
      told = run
    },
    bounds,
    read: async (from: number, limit: number) => {
      const at = held.findIndex(({ number }) => number >= from)
      return { events: at < 0 ? [] : held.slice(at, at + limit), ...bounds() }
    },
  }
}

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

/**
 * @param clock commits after the delay on it; without one, at once
 * @param firstNumber of the first event
 */
export function memoryPorts(
  disk: MemoryDisk = emptyDisk(),
  clock?: Clock,
  firstNumber = 1,
): RegistryPorts {
  const { add: addToFeed, commit: commitFeed, ...feed } = memoryFeed(disk.feed, firstNumber)
  const faults = { failedCommits: 0, dropped: 0 }
  let rows = new Map<string, ServerRow | undefined>()
  let events: HealthEvent[] = []
  let shared = new Map<string, Uint8Array | undefined>()
  let objects = new Map<string, unknown>()
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
    for (const [key, value] of objects) {
      if (value === undefined) disk.objects.delete(key)
      else disk.objects.set(key, value)
    }
    rows = new Map()
    shared = new Map()
    objects = new Map()
    events = []
    commitFeed()
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
  const hold = (key: string, value: unknown) => {
    objects.set(key, value)
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
    geographer: openGeographer(),
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
    feed: {
      ...feed,
      append: (draft) => {
        addToFeed(draft)
        wake()
      },
      flush: commit,
      close,
    },
    objects: {
      load: async () => new Map(disk.objects),
      put: hold,
      remove: (key) => hold(key, undefined),
      flush: commit,
      close,
    },
    close,
  }
}
