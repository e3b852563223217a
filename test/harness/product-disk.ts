/**
 * The disk of the registry in a simulated world: it outlives the registry, and forgets what was not
 * committed.
 *
 * What is queued is committed as one group: after the commit delay, and then after a write that
 * takes its time twice, before the group holds and before anybody is told. A kill loses the groups
 * that do not hold yet, whole. Rows are read back as the real store reads them, as untrusted data.
 */
import { openGeographer } from '../../src/actors/registry/ports-geo.ts'
import type {
  CommitOutcome,
  Compile,
  EventLog,
  FeedLog,
  ObjectStore,
  RegistryPorts,
  SharedStore,
  StateStore,
} from '../../src/actors/registry/contract.ts'
import { memoryFeed, memoryHistory } from '../../src/actors/registry/ports-memory.ts'
import { ownMemory } from '../../src/core/base/memory.ts'
import { limits } from '../../src/core/base/limits.ts'
import type { EventDraft, FeedEvent } from '../../src/core/events/event.ts'
import type { HealthEvent } from '../../src/core/health/events.ts'
import { tableOf } from '../../src/core/zone/table-source.ts'
import { parseRow, type ServerRow } from '../../src/core/health/rows.ts'
import type { Life } from './world.ts'

/** Where in a commit something happens: before its group holds, and before anybody is told. */
export type CommitMoment = 'unwritten' | 'unacknowledged'

export class ProductDisk {
  readonly rows = new Map<string, unknown>()
  readonly shared = new Map<string, Uint8Array>()
  readonly objects = new Map<string, unknown>()
  readonly events: HealthEvent[] = []
  readonly feed: FeedEvent[] = []
  commits = 0
  /** While true every write fails. */
  isFull = false
  /** Called at both moments of every commit; where a test kills. */
  onCommit: (moment: CommitMoment) => void = () => {}

  /** The ports of one incarnation. */
  ports(life: Life): RegistryPorts {
    const faults = { failedCommits: 0, dropped: 0 }
    const queue = new CommitQueue(this, life, () => void faults.failedCommits++)
    const close = async () => void (await queue.flush())
    const put = (key: string, row: ServerRow | undefined) => queue.add({ key, row })
    const store: StateStore = {
      load: async (nowMs) => {
        await life.delay(WRITE_MS)
        return this.#load(nowMs)
      },
      put,
      remove: (key) => put(key, undefined),
      flush: () => queue.flush(),
      close,
    }
    const log: EventLog = {
      append: (event) => queue.add({ event }),
      flush: () => queue.flush(),
      read: async () => ({ events: [...this.events], unreadable: 0, damagedSegments: 0 }),
      close,
    }
    const compile: Compile = async (source) => {
      await life.delay(COMPILE_MS)
      return { code: 'compiled', table: tableOf(source, ownMemory) }
    }
    const keep = (key: string, bytes: Uint8Array | undefined) => queue.add({ shared: key, bytes })
    const shared: SharedStore = {
      load: async () => structuredClone(this.shared),
      put: keep,
      remove: (key) => keep(key, undefined),
      flush: () => queue.flush(),
      close,
    }
    const { add, commit, ...rest } = memoryFeed(this.feed)
    const feed: FeedLog = {
      ...rest,
      append: (draft: EventDraft) => {
        add(draft)
        void life.delay(limits.stateCommitDelayMs.default).then(() => {
          if (life.isAlive()) commit()
        })
      },
      flush: () => queue.flush(),
      close,
    }
    const edit = (key: string, value: unknown) => queue.add({ object: key, value })
    const objects: ObjectStore = {
      load: async () => structuredClone(this.objects),
      put: edit,
      remove: (key) => edit(key, undefined),
      flush: () => queue.flush(),
      close,
    }
    const history = memoryHistory()
    const geographer = openGeographer()
    return { store, log, shared, feed, objects, history, faults, compile, geographer, close }
  }

  hold(group: readonly Queued[]): void {
    this.commits++
    for (const queued of group) {
      if ('event' in queued) this.events.push(structuredClone(queued.event))
      else if ('object' in queued) {
        if (queued.value === undefined) this.objects.delete(queued.object)
        else this.objects.set(queued.object, structuredClone(queued.value))
      } else if ('shared' in queued) {
        if (queued.bytes === undefined) this.shared.delete(queued.shared)
        else this.shared.set(queued.shared, queued.bytes)
      } else if (queued.row === undefined) this.rows.delete(queued.key)
      else this.rows.set(queued.key, structuredClone(queued.row))
    }
  }

  #load(nowMs: number) {
    const rows = new Map<string, ServerRow>()
    let dropped = 0
    for (const [key, value] of this.rows) {
      const row = parseRow(structuredClone(value), nowMs)
      if (row === undefined) dropped++
      else rows.set(key, row)
    }
    return { rows, dropped, damaged: false }
  }
}

type Queued =
  | { readonly event: HealthEvent }
  | { readonly object: string; readonly value: unknown }
  | { readonly shared: string; readonly bytes: Uint8Array | undefined }
  | { readonly key: string; readonly row: ServerRow | undefined }

const WRITE_MS = 1
/** As long as a table of some hundred thousand names takes. */
const COMPILE_MS = 300

/** Group commit on the virtual clock: one at a time, and what comes meanwhile is the next group. */
class CommitQueue {
  readonly #disk: ProductDisk
  readonly #life: Life
  readonly #onFailed: () => void
  #waiting: Queued[] = []
  #running: Promise<CommitOutcome> | undefined
  #isArmed = false

  constructor(disk: ProductDisk, life: Life, onFailed: () => void) {
    this.#disk = disk
    this.#life = life
    this.#onFailed = onFailed
  }

  add(queued: Queued): void {
    if (!this.#life.isAlive()) return
    this.#waiting.push(queued)
    this.#arm(limits.stateCommitDelayMs.default)
  }

  /** Ends with a commit that began after the call. */
  async flush(): Promise<CommitOutcome> {
    while (this.#running !== undefined) await this.#running
    return this.#waiting.length === 0 ? 'committed' : await this.#start()
  }

  #arm(delayMs: number): void {
    if (this.#isArmed || this.#running !== undefined) return
    this.#isArmed = true
    void this.#life.delay(delayMs).then(() => {
      this.#isArmed = false
      if (this.#running === undefined && this.#waiting.length > 0) void this.#start()
    })
  }

  #start(): Promise<CommitOutcome> {
    const run = this.#commit().then((outcome) => {
      this.#running = undefined
      const { diskRetryMs, stateCommitDelayMs } = limits
      const delayMs = outcome === 'failed' ? diskRetryMs.default : stateCommitDelayMs.default
      if (this.#waiting.length > 0) this.#arm(delayMs)
      return outcome
    })
    this.#running = run
    return run
  }

  async #commit(): Promise<CommitOutcome> {
    const group = this.#waiting
    this.#waiting = []
    await this.#moment('unwritten')
    if (this.#disk.isFull) {
      this.#waiting = [...group, ...this.#waiting]
      this.#onFailed()
      return 'failed'
    }
    this.#disk.hold(group)
    await this.#moment('unacknowledged')
    return 'committed'
  }

  /** A write that the end of its incarnation overtakes never comes back. */
  async #moment(moment: CommitMoment): Promise<void> {
    // In the middle of it everything else has come as far as it can.
    await this.#life.delay(WRITE_MS / 2)
    if (this.#life.isAlive()) this.#disk.onCommit(moment)
    await this.#life.delay(WRITE_MS / 2)
    if (!this.#life.isAlive()) await new Promise(() => {})
  }
}
