// Goal: two nodes never may answer at the same moment, whatever happens to members, to the
// processes beside them and to the network between them; and without faults one of them always may.
// Method: the real fence and lease on a model of etcd, clocks up to 4 % apart, seeded faults.
import { expect, test } from 'vitest'
import { seededRandom } from '../../src/core/base/random.ts'
import { leaseMemory } from '../../src/core/cluster/lease.ts'
import { type RaftTimes, raftTimes } from '../../src/core/cluster/raft-fence.ts'
import { paths } from '../../src/core/cluster/gateway.ts'
import { Client } from '../../src/actors/cluster/client.ts'
import type { CallOutcome, Gateway } from '../../src/actors/cluster/contract.ts'
import { Fence } from '../../src/actors/cluster/fence.ts'
import { type ClusterCtx, Standing } from '../../src/actors/cluster/standing.ts'
import type { Cancel, Clock } from '../../src/kernel/clock.ts'
import { fakeCtx } from '../harness/ctx.ts'
import { type ModelMember, RaftModel } from '../harness/raft-model.ts'
import { type VirtualClock, virtualClock } from '../harness/virtual-clock.ts'

const NODES = 3
const SEEDS = process.env['OPENGSLB_FULL'] === '1' ? 1_000 : 12
const RUN_MS = 40_000

/** A machine: a clock of its own rate, on which nothing fires while its processes are stopped. */
class Machine {
  readonly clock: Clock
  readonly #member: ModelMember
  #held: (() => void)[] = []

  constructor(base: VirtualClock, rate: number, member: ModelMember) {
    this.#member = member
    const after = (delayMs: number, run: () => void): Cancel => {
      let isOver = false
      const fire = () => {
        if (isOver) return
        if (this.#member.isPaused) this.#held.push(() => base.after(0, fire))
        else run()
      }
      const cancel = base.after(delayMs / rate, fire)
      return () => {
        isOver = true
        cancel()
      }
    }
    this.clock = {
      nowMs: () => base.nowMs(),
      monotonicMs: () => base.monotonicMs() * rate,
      after,
      every: (intervalMs, phaseMs, run) => {
        let cancel = after(phaseMs, tick)
        function tick() {
          run()
          cancel = after(intervalMs, tick)
        }
        return () => cancel()
      },
    }
  }

  /** What fell due meanwhile fires now. */
  wake(): void {
    for (const run of this.#held.splice(0)) run()
  }
}

const header = (member: ModelMember) => ({
  member_id: String(member.number + 1),
  raft_term: String(member.term),
})

/** The gateway of a member, as far as the fence asks it. */
function gatewayOf(member: ModelMember, clock: Clock): Gateway {
  const answerOf = async (path: string): Promise<CallOutcome> => {
    const delay = () => new Promise<void>((resolve) => clock.after(1, resolve))
    await delay()
    if (path === paths.status) {
      const leader = member.leader < 0 ? {} : { leader: String(member.leader + 1) }
      const raftTerm = String(member.term)
      return { code: 'answered', answer: { header: header(member), raftTerm, ...leader } }
    }
    const term = await member.read()
    await delay()
    return { code: 'answered', answer: { header: { ...header(member), raft_term: String(term) } } }
  }
  return {
    call: (path, _body, timeoutMs) =>
      new Promise((resolve) => {
        if (!member.isDown) void answerOf(path).then(resolve)
        clock.after(timeoutMs, () => resolve({ code: 'timed-out', message: 'late' }))
      }),
    watch: () => () => {},
    close: () => {},
  }
}

interface Outcome {
  /** Milliseconds in which two could answer, and in which nobody could. */
  readonly doubledMs: number
  readonly silentMs: number
}

interface Node {
  readonly member: ModelMember
  readonly machine: Machine
  readonly standing: Standing
  readonly rate: number
}

/** Until when a node may answer by what it knows now, on the clock of the world. */
function answersUntil({ member, standing, rate }: Node): number {
  if (member.isPaused || !standing.answers) return Number.NEGATIVE_INFINITY
  const { leave } = standing.leadership
  // That the memory the DNS threads read says the same is shown by `answers`.
  return typeof leave === 'number' ? leave / rate : Number.NEGATIVE_INFINITY
}

function startNodes(base: VirtualClock, model: RaftModel, times: RaftTimes, rates: number[]) {
  return model.members.map((member): Node => {
    const rate = rates[member.number]!
    const machine = new Machine(base, rate, member)
    const { clock } = machine
    const ctx = { ...fakeCtx('cluster').ctx, clock } as ClusterCtx
    const standing = new Standing(ctx, {
      self: `node-${member.number}`,
      followerDns: 'refuse',
      onLostLease: 'refuse',
      lease: leaseMemory(),
    } as never)
    const client = new Client(gatewayOf(member, clock))
    const fence = new Fence({ ctx, standing, times, client: () => client, nameOf: (id) => id })
    fence.start()
    return { member, machine, standing, rate }
  })
}

async function run(seed: number, hasFaults: boolean, electionMs: number): Promise<Outcome> {
  const base = virtualClock()
  const random = seededRandom(seed)
  const times = raftTimes(100, electionMs)
  const rates = Array.from({ length: NODES }, () => 0.98 + random.next() * 0.04)
  const model = new RaftModel(base, random, times, rates)
  const nodes = startNodes(base, model, times, rates)
  if (hasFaults) scheduleFaults(base, model, nodes, electionMs)
  let [doubledMs, silentMs] = [0, 0]
  // The first seconds belong to the first election.
  await base.advanceAsync(5_000)
  const endMs = base.monotonicMs() + RUN_MS
  for (;;) {
    // Nothing changes between two timers but that leases run out: the overlap is exact.
    const nowMs = base.monotonicMs()
    if (nowMs >= endMs) break
    const nextMs = Math.min(endMs, base.nextDueMs() ?? endMs)
    if (nextMs > nowMs) {
      const ends = nodes.map(answersUntil).sort((a, b) => b - a)
      doubledMs += Math.max(0, Math.min(nextMs, ends[1]!) - nowMs)
      silentMs += Math.max(0, nextMs - Math.max(nowMs, ends[0]!))
    }
    await base.turnAsync(nextMs)
  }
  return { doubledMs, silentMs }
}

/** One fault after another, some at once: pauses, cuts of one or both links, restarts. */
function scheduleFaults(
  base: VirtualClock,
  model: RaftModel,
  nodes: readonly Node[],
  electionMs: number,
): void {
  const { random } = model
  base.every(700, 2_000, () => {
    const number = random.below(NODES)
    const member = model.members[number]!
    const other = (number + 1 + random.below(NODES - 1)) % NODES
    const lastsMs = 50 + random.below(2_500)
    const kind = random.below(4)
    if (kind === 0 && !member.isPaused) {
      model.pause(number)
      base.after(lastsMs, () => {
        model.resume(number)
        nodes[number]!.machine.wake()
      })
    } else if (kind === 1) {
      model.cut(number, other, true)
      base.after(lastsMs, () => model.cut(number, other, false))
    } else if (kind === 2) {
      for (const { number: one } of model.members) if (one !== number) model.cut(number, one, true)
      base.after(lastsMs, () => {
        for (const { number: one } of model.members) model.cut(number, one, false)
      })
    } else if (!member.isDown && !member.isPaused) {
      member.isDown = true
      // As actors/cluster/embedded.ts: no sooner than an election timeout after its end.
      base.after(electionMs + random.below(500), () => member.restart())
    }
  })
}

for (const electionMs of [500, 1_000])
  test(`two nodes never answer at once, under ${SEEDS} seeds of faults, election ${electionMs} ms`, async () => {
    const doubled: string[] = []
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { doubledMs } = await run(seed, true, electionMs)
      if (doubledMs > 0) doubled.push(`seed ${seed}: ${doubledMs} ms`)
    }
    expect(doubled).toEqual([])
  }, 600_000)

test('without faults one node answers all the time', async () => {
  for (let seed = 1; seed <= 5; seed++)
    expect(await run(seed, false, 500)).toEqual({ doubledMs: 0, silentMs: 0 })
}, 120_000)
