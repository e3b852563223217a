// Goal: orders that were acknowledged are there afterwards, and what the store shows of them is
// linearizable, whatever happens to nodes, network, quorum and clocks; all end with the same.
// Method: the real replica of three nodes on a model of etcd, seeded faults, and the checker of
// test/harness/history.ts; the registry is played by what it does with a record.
import { expect, test } from 'vitest'
import type { CallOutcome, Gateway } from '../../src/actors/cluster/contract.ts'
import { Client } from '../../src/actors/cluster/client.ts'
import { Replica } from '../../src/actors/cluster/replica.ts'
import type { ClusterCtx } from '../../src/actors/cluster/standing.ts'
import { limits } from '../../src/core/base/limits.ts'
import { seededRandom } from '../../src/core/base/random.ts'
import { keyOfRecord, recordOf } from '../../src/core/cluster/records.ts'
import { compareVersions, type SharedRecord } from '../../src/core/gossip/peers/record.ts'
import { encodeBody, overrideEvent } from '../../src/core/health/shared-bodies.ts'
import { fakeCtx } from '../harness/ctx.ts'
import { EtcdModel } from '../harness/etcd-model.ts'
import { judge, type Operation } from '../harness/history.ts'
import { type VirtualClock, virtualClock } from '../harness/virtual-clock.ts'

const SEEDS = process.env['OPENGSLB_FULL'] === '1' ? 1_000 : 25
const FAULTS = 12
const KEYS = ['a', 'b'] as const
const CALL_MS = limits.clusterCallMs.default

type Random = ReturnType<typeof seededRandom>

const reasonOf = (record: SharedRecord | undefined): string => {
  const event = record === undefined ? undefined : overrideEvent(record)
  return event?.kind === 'override-set' ? event.reason : ''
}

/** A node: its replica, and what its registry has on disk. */
class Node {
  readonly name: string
  readonly ledger = new Map<string, SharedRecord>()
  isCut = false
  isUp = false
  skewMs = 0
  replica: Replica | undefined
  readonly #clock: VirtualClock
  readonly #model: EtcdModel
  readonly #random: Random
  #watches: (() => void)[] = []

  constructor(name: string, clock: VirtualClock, model: EtcdModel, random: Random) {
    this.name = name
    this.#clock = clock
    this.#model = model
    this.#random = random
    this.start()
  }

  start(): void {
    this.isUp = true
    const client = new Client(this.#gateway())
    const ctx = {
      ...fakeCtx('cluster').ctx,
      clock: { ...this.#clock, nowMs: () => this.#clock.nowMs() + this.skewMs },
      publish: (id: string, record: SharedRecord) => {
        if (id === 'cluster.record-learned') this.#keep(record)
      },
    } as unknown as ClusterCtx
    this.replica = new Replica({ ctx, client: () => client, present: new Map() })
    this.replica.start()
    // A registry tells a cluster actor that starts anew all it has.
    for (const record of this.ledger.values()) this.replica.told(record)
  }

  kill(): void {
    this.isUp = false
    this.replica?.stop()
    this.breakWatches()
  }

  cut(isCut: boolean): void {
    this.isCut = isCut
    if (isCut) this.breakWatches()
  }

  breakWatches(): void {
    for (const end of this.#watches.splice(0)) end()
  }

  #keep(record: SharedRecord): void {
    const known = this.ledger.get(record.id)
    if (known === undefined || compareVersions(record, known) > 0)
      this.ledger.set(record.id, record)
  }

  /** What the registry does with an order; true once it may be acknowledged. */
  async order(id: string, reason: string): Promise<boolean> {
    const { replica } = this
    if (!this.isUp || replica === undefined) return false
    const nowMs = this.#clock.nowMs() + this.skewMs
    const stamp = Math.max(nowMs, (this.ledger.get(id)?.stamp ?? 0) + 1)
    const body = encodeBody({ healthy: false, reason, by: this.name })
    const record = { kind: 'override', id, origin: this.name, stamp, seq: 0, keepUntilMs: 0, body }
    this.#keep(record)
    replica.told(record)
    const isStored = await replica.stored(limits.clusterWriteMs.default)
    return isStored && this.isUp
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#clock.after(ms, resolve))
  }

  #gateway(): Gateway {
    const own = this.#model.gateway()
    const isGone = () => this.isCut || !this.isUp
    const late = async (): Promise<CallOutcome> => {
      await this.#pause(CALL_MS)
      return { code: 'timed-out', message: 'cut off' }
    }
    return {
      ...own,
      call: async (path, body, timeoutMs) => {
        await this.#pause(this.#random.below(20))
        if (isGone()) return late()
        const outcome = await own.call(path, body, timeoutMs)
        await this.#pause(this.#random.below(20))
        return isGone() || outcome.code !== 'answered' ? late() : outcome
      },
      watch: (body, line, ended) => {
        let isOver = false
        const stop = own.watch(
          body,
          (text) =>
            void this.#clock.after(20, () => {
              if (!isOver && !isGone()) line(text)
            }),
          (why) => void this.#clock.after(20, () => end(why)),
        )
        const end = (why: string) => {
          if (isOver) return
          isOver = true
          stop()
          ended(why)
        }
        if (isGone()) void this.#clock.after(20, () => end('cut off'))
        this.#watches.push(() => end('cut off'))
        return () => {
          isOver = true
          stop()
        }
      },
    }
  }
}

class World {
  readonly clock = virtualClock()
  readonly model = new EtcdModel()
  readonly random: Random
  readonly nodes: readonly Node[]
  readonly history = new Map<string, Operation[]>(KEYS.map((key) => [key, []]))
  acknowledged = 0
  #written = 0

  constructor(seed: number) {
    this.random = seededRandom(seed)
    this.nodes = ['n1', 'n2', 'n3'].map(
      (name) => new Node(name, this.clock, this.model, this.random),
    )
    for (const node of this.nodes) node.skewMs = this.random.below(200) - 100
  }

  stored(key: string): SharedRecord | undefined {
    const place = keyOfRecord({ kind: 'override', id: key })
    const row = this.model.rows.get(place)
    return row === undefined ? undefined : recordOf({ key: place, value: row.value })
  }

  /** A client that gives orders and reads the store, one after the other. */
  async client(isOver: () => boolean): Promise<void> {
    const pause = (ms: number) => new Promise<void>((resolve) => void this.clock.after(ms, resolve))
    while (!isOver()) {
      await pause(this.random.below(300))
      const key = KEYS[this.random.below(KEYS.length)]!
      const calledMs = this.clock.monotonicMs()
      if (this.random.below(2) === 0) {
        await pause(this.random.below(10))
        if (!this.model.hasQuorum) continue
        const value = reasonOf(this.stored(key))
        await pause(this.random.below(10))
        this.#note(key, { kind: 'read', value, calledMs, endedMs: this.clock.monotonicMs() })
      } else {
        const value = `w${++this.#written}`
        const open = { kind: 'write', value, calledMs, endedMs: Number.POSITIVE_INFINITY } as const
        const list = this.history.get(key)!
        const at = list.push(open) - 1
        const node = this.nodes[this.random.below(this.nodes.length)]!
        if (!(await node.order(key, value))) continue
        this.acknowledged++
        list[at] = { ...open, endedMs: this.clock.monotonicMs() }
      }
    }
  }

  #note(key: string, operation: Operation): void {
    this.history.get(key)!.push(operation)
  }

  /** One fault, and what ends it. */
  fault(): () => void {
    const node = this.nodes[this.random.below(this.nodes.length)]!
    switch (this.random.below(6)) {
      case 0:
        if (node.isUp) node.kill()
        return () => {
          if (!node.isUp) node.start()
        }
      case 1:
        node.cut(true)
        return () => node.cut(false)
      case 2:
        this.model.hasQuorum = false
        return () => {
          this.model.hasQuorum = true
        }
      case 3:
        node.skewMs += this.random.below(20_000) - 10_000
        return () => {}
      case 4:
        this.model.losesAnswers += 2
        return () => {}
      default:
        this.model.compact()
        for (const one of this.nodes) one.breakWatches()
        return () => {}
    }
  }

  async run(): Promise<void> {
    let isOver = false
    await this.clock.advanceAsync(500)
    const clients = [1, 2, 3].map(() => this.client(() => isOver))
    for (let at = 0; at < FAULTS; at++) {
      const heal = this.fault()
      await this.clock.advanceAsync(200 + this.random.below(2_500))
      heal()
      await this.clock.advanceAsync(this.random.below(1_000))
    }
    this.model.losesAnswers = 0
    isOver = true
    await this.clock.advanceAsync(20_000)
    await Promise.all(clients)
    for (const key of KEYS) {
      const atMs = this.clock.monotonicMs()
      const value = reasonOf(this.stored(key))
      this.#note(key, { kind: 'read', value, calledMs: atMs, endedMs: atMs })
    }
  }
}

test(`acknowledged orders survive ${FAULTS} faults and are linearizable, ${SEEDS} seeds`, async () => {
  let acknowledged = 0
  for (let seed = 1; seed <= SEEDS; seed++) {
    const world = new World(seed)
    await world.run()
    acknowledged += world.acknowledged
    for (const key of KEYS) {
      const { holds, text } = judge(world.history.get(key)!)
      expect(holds, `seed ${seed}, ${key}: ${text}`).toBe(true)
      const told = world.nodes.map(({ ledger }) => reasonOf(ledger.get(key)))
      const stored = reasonOf(world.stored(key))
      expect(told, `seed ${seed}, ${key}`).toEqual(world.nodes.map(() => stored))
    }
  }
  expect(acknowledged).toBeGreaterThan(SEEDS * 10)
  process.stdout.write(`${acknowledged} acknowledged orders in ${SEEDS} runs\n`)
}, 1_200_000)
