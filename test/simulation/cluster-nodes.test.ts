// Goal: whole nodes of a cluster keep what is promised under faults: never two that may answer for
// longer than the stated bound, orders that were acknowledged are there and linearizable, a pool
// with a healthy server is never empty, nothing older overwrites what was told, and all nodes end
// with the same.
// Method: test/harness/cluster-world.ts, seeded faults of 86 s each, so that a thousand seeds are a
// day. OPENGSLB_SEEDS says how many, OPENGSLB_SEED which is the first.
import { expect, test } from 'vitest'
import { keyOfRecord, recordOf } from '../../src/core/cluster/records.ts'
import { overrideEvent } from '../../src/core/health/shared-bodies.ts'
import { ClusterWorld, type ClusterNode } from '../harness/cluster-world.ts'
import { answersUntil } from '../harness/fence-world.ts'
import { judge, type Operation } from '../harness/history.ts'
import { keyOf, poolOf, topologyOf } from '../unit/core/health/sample.ts'
import { A, B, configOf } from '../unit/actors/registry-world.ts'

const isFull = process.env['OPENGSLB_FULL'] === '1'
const SEEDS = Number(process.env['OPENGSLB_SEEDS'] ?? (isFull ? 1_000 : 4))
const FIRST = Number(process.env['OPENGSLB_SEED'] ?? 1)
const RUN_MS = 64_000
/** For the last election, the last watch and the last try to write. */
const REST_MS = 20_000
/** What docs/adr/0019-cluster.md states: a lease of the defaults. */
const BOUND_MS = 350
/** Looks at what nodes would answer, besides those after every turn. */
const LOOK_MS = 500
const SERVERS = [A, B] as const
const CONFIG = configOf(topologyOf(poolOf('app', SERVERS)))

class Run {
  readonly world: ClusterWorld
  readonly history = new Map<string, Operation[]>(SERVERS.map((one) => [one, []]))
  acknowledged = 0
  /** Of these. */
  cleared = 0
  faults = 0
  /** How long two might answer, in the longest stretch. */
  doubledMs = 0
  #doublingMs = 0
  silentMs = 0
  emptied = ''
  #written = 0
  #isOver = false

  constructor(seed: number) {
    this.world = new ClusterWorld(seed, CONFIG)
  }

  stored(address: string): string {
    const id = keyOf('app', address)
    const place = keyOfRecord({ kind: 'override', id })
    const row = this.world.etcd.rows.get(place)
    const record = row && recordOf({ key: place, value: row.value })
    const event = record && overrideEvent(record)
    return event?.kind === 'override-set' ? event.reason : ''
  }

  async run(): Promise<void> {
    const { world } = this
    const { clock } = world
    await world.start()
    for (const node of world.nodes) for (const one of SERVERS) node.verdict(keyOf('app', one), 'up')
    await this.#watch(5_000)
    clock.every(900, 0, () => this.#isOver || this.#strike())
    clock.every(LOOK_MS, 0, () => void this.#look())
    clock.every(3_000, 1_000, () => this.#turn())
    const clients = [1, 2, 3].map(() => this.#client())
    await this.#watch(RUN_MS)
    this.#isOver = true
    world.etcd.losesAnswers = 0
    await this.#watch(REST_MS)
    void Promise.all(clients)
  }

  /** Servers turn, as every node sees in its own time; the second one stays up. */
  #turn(): void {
    const { world } = this
    const verdict = world.random.below(2) === 0 ? 'up' : 'down'
    for (const node of world.nodes)
      world.clock.after(world.random.below(400), () => node.verdict(keyOf('app', A), verdict))
  }

  async #look(): Promise<void> {
    for (const node of this.world.nodes) {
      const servers = await node.servers()
      const isServed = servers.some(({ status, serving }) => status === 'healthy' && serving)
      const isHealthy = servers.some(({ status }) => status === 'healthy')
      if (isHealthy && !isServed) this.emptied = `${node.name}: ${JSON.stringify(servers)}`
    }
  }

  async #watch(forMs: number): Promise<void> {
    const { clock, nodes } = this.world
    const endMs = clock.monotonicMs() + forMs
    while (clock.monotonicMs() < endMs) {
      const nowMs = clock.monotonicMs()
      const nextMs = Math.min(endMs, clock.nextDueMs() ?? endMs)
      if (nextMs > nowMs) {
        const ends = nodes.map(answersUntil).sort((a, b) => b - a)
        const bothMs = Math.max(0, Math.min(nextMs, ends[1]!) - nowMs)
        this.#doublingMs = bothMs === 0 ? 0 : this.#doublingMs + bothMs
        this.doubledMs = Math.max(this.doubledMs, this.#doublingMs)
        this.silentMs += Math.max(0, nextMs - Math.max(nowMs, ends[0]!))
      }
      await clock.turnAsync(nextMs)
    }
  }

  /** Gives orders and reads the store, one after the other. */
  async #client(): Promise<void> {
    const { clock, random, nodes } = this.world
    const pause = (ms: number) => new Promise<void>((resolve) => void clock.after(ms, resolve))
    while (!this.#isOver) {
      await pause(random.below(400))
      const address = SERVERS[random.below(SERVERS.length)]!
      const list = this.history.get(address)!
      const calledMs = clock.monotonicMs()
      if (random.below(2) === 0) {
        if (this.world.hasQuorum)
          list.push({ kind: 'read', value: this.stored(address), calledMs, endedMs: calledMs })
        continue
      }
      const node = nodes[random.below(nodes.length)]!
      const isClear = random.below(3) === 0
      const value = isClear ? '' : `w${++this.#written}`
      const open = { kind: 'write', value, calledMs, endedMs: Number.POSITIVE_INFINITY } as const
      const at = list.push(open) - 1
      const told = isClear ? node.clear(address) : node.order(address, random.below(3) > 0, value)
      // A node that dies meanwhile never says so; the client goes on after a while.
      const isDone = await Promise.race([told, pause(2_500).then(() => false)])
      // There was nothing to end: a read without an answer, which says nothing.
      if (isDone === undefined) list[at] = { ...open, kind: 'read' }
      if (!isDone) continue
      this.acknowledged++
      if (isClear) this.cleared++
      list[at] = { ...open, endedMs: clock.monotonicMs() }
    }
  }

  /** One fault, and its end. */
  #strike(): void {
    const { world } = this
    const { random, clock, nodes } = world
    const node = nodes[random.below(nodes.length)]!
    const lastsMs = 100 + random.below(2_500)
    const heal = this.#faultOn(node, random.below(7))
    if (heal === undefined) return
    this.faults++
    clock.after(lastsMs, heal)
  }

  #faultOn(node: ClusterNode, kind: number): (() => void) | undefined {
    const { world } = this
    switch (kind) {
      case 0:
        if (node.life === undefined || node.member.isPaused) return undefined
        node.kill()
        return () => world.restart(node)
      case 1:
        if (node.life === undefined || node.member.isPaused) return undefined
        world.pause(node)
        return () => world.resume(node)
      case 2:
        world.cutOff(node, true)
        return () => world.cutOff(node, false)
      case 3:
        node.skewMs += world.random.below(20_000) - 10_000
        return () => {}
      case 4:
        world.etcd.losesAnswers += 2
        return () => {}
      case 5:
        world.etcd.compact()
        return () => {}
      default:
        node.breakWatches()
        return () => {}
    }
  }
}

test(
  `nodes under faults keep every promise, ${SEEDS} seeds`,
  async () => {
    let [acknowledged, cleared, faults, simulatedMs, silentMs] = [0, 0, 0, 0, 0]
    const doubled: number[] = []
    for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
      const run = new Run(seed)
      await run.run()
      const { world, history } = run
      const at = `seed ${seed}`
      expect(run.doubledMs, at).toBeLessThanOrEqual(BOUND_MS)
      if (run.doubledMs > 0) doubled.push(run.doubledMs)
      expect(run.emptied, at).toBe('')
      expect(world.nodes.map(({ misstatement }) => misstatement).filter(Boolean), at).toEqual([])
      for (const address of SERVERS) {
        const [stored, atMs] = [run.stored(address), world.clock.monotonicMs()]
        const last = { kind: 'read', value: stored, calledMs: atMs, endedMs: atMs } as const
        const { holds, text } = judge([...history.get(address)!, last])
        expect(holds, `${at}, ${address}: ${text}`).toBe(true)
        for (const node of world.nodes) {
          const own = (await node.servers()).find(({ key }) => key === keyOf('app', address))
          expect(own?.override?.reason ?? '', `${at}, ${node.name}, ${address}`).toBe(stored)
        }
      }
      acknowledged += run.acknowledged
      cleared += run.cleared
      faults += run.faults
      simulatedMs += world.clock.monotonicMs()
      silentMs += run.silentMs
      if ((seed - FIRST) % 25 === 24)
        process.stdout.write(
          `seeds ${FIRST} to ${seed} hold: ${faults} faults, ${acknowledged} orders, ` +
            `two at once in ${doubled.length}, at most ${Math.max(0, ...doubled).toFixed(1)} ms\n`,
        )
    }
    const hours = (simulatedMs / 3_600_000).toFixed(1)
    const served = (100 * (1 - silentMs / simulatedMs)).toFixed(1)
    process.stdout.write(
      `${hours} h, ${faults} faults, ${acknowledged} acknowledged orders, ` +
        `${cleared} of them ends of one, ` +
        `a leader answers ${served} % of the time, two at once in ${doubled.length} seeds, ` +
        `at most ${Math.max(0, ...doubled).toFixed(1)} ms\n`,
    )
    expect(acknowledged).toBeGreaterThan(SEEDS * 20)
    expect(cleared).toBeGreaterThan(SEEDS * 5)
  },
  600_000 + SEEDS * 20_000,
)
