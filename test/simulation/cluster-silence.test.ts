// Goal: while nobody answers, nobody is told REFUSED: at once for no longer than followers take to
// suspect a leader, and where the same is asked again not at all; and while a leader answers,
// followers do refuse.
// Method: the real fence, pulse, silence and held refusals of three nodes on a model of etcd; a
// client asks all of them every few milliseconds while one fault strikes the leader.
import { expect, test } from 'vitest'
import { Pulse } from '../../src/actors/cluster/pulse.ts'
import { limits } from '../../src/core/base/limits.ts'
import { seededRandom } from '../../src/core/base/random.ts'
import { Held } from '../../src/core/cluster/held.ts'
import { raftTimes } from '../../src/core/cluster/raft-fence.ts'
import { answersUntil, type FenceNode, startNodes } from '../harness/fence-world.ts'
import { RaftModel } from '../harness/raft-model.ts'
import { virtualClock } from '../harness/virtual-clock.ts'

const NODES = 3
const isFull = process.env['OPENGSLB_FULL'] === '1'
const SEEDS = Number(process.env['OPENGSLB_SEEDS'] ?? (isFull ? 1_000 : 40))
const CALM_MS = 5_000
const ASKED_MS = 3_000
const STEP_MS = 1
/** On the way from a leader to a follower. */
const WAY_MS = 5
/** The latest pulse, a beat until that is seen, the way, and clocks that run apart. */
const SUSPECTED_MS =
  limits.clusterPulseLatestMs.default + limits.clusterPulseMs.default + WAY_MS + 10

interface Asked {
  readonly node: FenceNode
  readonly held: Held
  readonly askedMs: number[]
}

class World {
  readonly base = virtualClock()
  readonly random
  readonly model: RaftModel
  readonly nodes: readonly FenceNode[]
  readonly pulses: readonly Pulse[]
  readonly asked: readonly Asked[]
  readonly links = new Map<number, Set<() => void>>()
  readonly dead = new Set<number>()
  /** Whose pulse reaches nobody, though its links do not end. */
  readonly mute = new Set<number>()
  /** The last moment at which some node could answer a client. */
  answeredMs = 0
  /** How long after that a question was refused at once, at most. */
  lateMs = 0
  /** Refusals that waited, and those of them that came to questions asked after that moment. */
  refused = 0
  untrue = 0

  constructor(seed: number) {
    this.random = seededRandom(seed)
    const times = raftTimes(1_000, 1_000)
    const rates = Array.from({ length: NODES }, () => 0.98 + this.random.next() * 0.04)
    this.model = new RaftModel(this.base, this.random, times, rates)
    this.nodes = startNodes(this.base, this.model, times, rates)
    this.asked = this.nodes.map((node) => ({ node, held: new Held(512), askedMs: [] }))
    this.pulses = this.nodes.map((node) => this.#pulseOf(node))
    for (const [at, { standing }] of this.nodes.entries()) {
      standing.onChange = () => this.pulses[at]!.changed()
      this.pulses[at]!.start()
    }
  }

  /** The model calls members by their number, from 1. */
  #pulseOf({ ctx, standing, machine, member }: FenceNode): Pulse {
    const later = (run: () => void) =>
      this.base.after(1 + this.random.below(WAY_MS), () => machine.clock.after(0, run))
    const listen: ConstructorParameters<typeof Pulse>[0]['ports']['listen'] = (door, ears) => {
      const at = Number(door) - 1
      let isOver = false
      const unlessOver = (run: () => void) => later(() => !isOver && run())
      if (this.dead.has(at)) {
        unlessOver(ears.ended)
        return () => {}
      }
      const leave = this.pulses[at]!.heard((answers) => {
        if (!this.dead.has(at) && !this.mute.has(at)) unlessOver(() => ears.told(answers))
      })
      const ends = () => unlessOver(ears.ended)
      const links = this.links.get(at) ?? new Set()
      this.links.set(at, links.add(ends))
      return () => {
        isOver = true
        leave()
        links.delete(ends)
      }
    }
    const self = String(member.number + 1)
    return new Pulse({
      ctx,
      ports: { listen },
      standing,
      self,
      tls: undefined,
      doorOf: (name) => name,
    })
  }

  isAnswering(node: FenceNode): boolean {
    return !this.dead.has(node.member.number) && answersUntil(node) > this.base.monotonicMs()
  }

  kill(leader: number): void {
    this.dead.add(leader)
    this.model.members[leader]!.isDown = true
    for (const ends of this.links.get(leader) ?? []) ends()
  }

  cutOff(leader: number): void {
    this.mute.add(leader)
    for (const { number } of this.model.members)
      if (number !== leader) this.model.cut(number, leader, true)
  }

  /** All nodes are asked, and send what waited long enough. */
  ask(isNew: boolean): void {
    const nowMs = this.base.monotonicMs()
    if (this.nodes.some((node) => this.isAnswering(node))) this.answeredMs = nowMs
    for (const { node, held, askedMs } of this.asked) {
      if (this.dead.has(node.member.number) || node.member.isPaused) continue
      const ownMs = node.machine.clock.monotonicMs()
      const { lease } = node
      for (let due = held.next(lease.heard, ownMs); due !== 'wait'; ) {
        const at = askedMs.shift()!
        if (due === 'send') this.refused++
        if (due === 'send' && at > this.answeredMs) this.untrue++
        due = held.next(lease.heard, ownMs)
      }
      if (!isNew || lease.holds(ownMs) || lease.isSilent(ownMs)) continue
      this.lateMs = Math.max(this.lateMs, nowMs - this.answeredMs)
      if (lease.hears && held.keep(lease.heard, ownMs)) askedMs.push(nowMs)
    }
  }

  async goOn(ms: number): Promise<void> {
    for (let past = 0; past < ms; past += STEP_MS) {
      await this.base.advanceAsync(STEP_MS)
      this.ask(this.random.below(3) === 0)
    }
  }
}

const FAULTS: Readonly<Record<string, (world: World, leader: number) => void>> = {
  'is killed': (world, leader) => world.kill(leader),
  'is stopped': ({ model }, leader) => model.pause(leader),
  'is cut off': (world, leader) => world.cutOff(leader),
}

for (const [what, strike] of Object.entries(FAULTS))
  test(`no node refuses what nobody answers when the leader ${what}, in ${SEEDS} runs`, async () => {
    let [lateMs, refused, untrue, before] = [0, 0, 0, 0]
    for (let seed = 1; seed <= SEEDS; seed++) {
      const world = new World(seed)
      await world.base.advanceAsync(CALM_MS)
      await world.goOn(200 + world.random.below(20))
      const leader = world.nodes.find((node) => world.isAnswering(node))!
      before += world.refused
      world.lateMs = 0
      strike(world, leader.member.number)
      await world.goOn(ASKED_MS)
      lateMs = Math.max(lateMs, world.lateMs)
      refused += world.refused
      untrue += world.untrue
    }
    expect(before).toBeGreaterThan(SEEDS)
    expect(refused).toBeGreaterThan(before)
    expect(untrue).toBe(0)
    expect(lateMs).toBeLessThanOrEqual(SUSPECTED_MS)
  }, 1_800_000)
