// Goal: two nodes never may answer at the same moment, whatever happens to members, to the
// processes beside them and to the network between them; and without faults one of them always may.
// Method: the real fence and lease on a model of etcd, clocks up to 4 % apart, seeded faults.
import { expect, test } from 'vitest'
import { seededRandom } from '../../src/core/base/random.ts'
import { leaseMemory } from '../../src/core/cluster/lease.ts'
import { raftTimes } from '../../src/core/cluster/raft-fence.ts'
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

/** The clock of one machine: its own rate, and nothing fires while its processes are stopped. */
function machineClock(base: VirtualClock, rate: number, isPaused: () => boolean): Clock {
  const monotonicMs = () => base.monotonicMs() * rate
  const after = (delayMs: number, run: () => void): Cancel => {
    let cancel: Cancel = () => {}
    const fire = () => {
      if (isPaused()) cancel = base.after(1, fire)
      else run()
    }
    cancel = base.after(delayMs / rate, fire)
    return () => cancel()
  }
  return {
    nowMs: () => base.nowMs(),
    monotonicMs,
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

async function run(seed: number, hasFaults: boolean, electionMs: number): Promise<Outcome> {
  const base = virtualClock()
  const random = seededRandom(seed)
  const times = raftTimes(100, electionMs)
  const rates = Array.from({ length: NODES }, () => 0.98 + random.next() * 0.04)
  const model = new RaftModel(base, random, times, rates)
  const nodes = model.members.map((member) => {
    const clock = machineClock(base, rates[member.number]!, () => member.isPaused)
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
    return { member, standing }
  })
  if (hasFaults) scheduleFaults(base, model, electionMs)
  let [doubledMs, silentMs] = [0, 0]
  // The first seconds belong to the first election.
  await base.advanceAsync(5_000)
  for (let at = 0; at < RUN_MS; at++) {
    await base.advanceAsync(1)
    const answering = nodes.filter(({ member, standing }) => !member.isPaused && standing.answers)
    if (answering.length > 1) doubledMs++
    if (answering.length === 0) silentMs++
  }
  return { doubledMs, silentMs }
}

/** One fault after another, some at once: pauses, cuts of one or both links, restarts. */
function scheduleFaults(base: VirtualClock, model: RaftModel, electionMs: number): void {
  const { random } = model
  base.every(700, 2_000, () => {
    const number = random.below(NODES)
    const member = model.members[number]!
    const other = (number + 1 + random.below(NODES - 1)) % NODES
    const lastsMs = 50 + random.below(2_500)
    const kind = random.below(4)
    if (kind === 0 && !member.isPaused) {
      model.pause(number)
      base.after(lastsMs, () => model.resume(number))
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
