// Goal: two nodes never may answer at the same moment, whatever happens to members, to the
// processes beside them and to the network between them; without faults one of them always may, for
// an hour, with one election; and after a fault another soon does.
// Method: the real fence and lease on a model of etcd, clocks up to 4 % apart, seeded faults. With
// OPENGSLB_FULL=1 the times are those of a thousand runs of each fault.
import { expect, test } from 'vitest'
import { limits } from '../../src/core/base/limits.ts'
import { seededRandom } from '../../src/core/base/random.ts'
import { leaseMs, raftTimes } from '../../src/core/cluster/raft-fence.ts'
import { answersUntil, type FenceNode, startNodes } from '../harness/fence-world.ts'
import { RaftModel } from '../harness/raft-model.ts'
import { virtualClock } from '../harness/virtual-clock.ts'

const NODES = 3
const isFull = process.env['OPENGSLB_FULL'] === '1'
const SEEDS = Number(process.env['OPENGSLB_SEEDS'] ?? (isFull ? 1_000 : 12))
const RUN_MS = 40_000
const HOUR_MS = 3_600_000
/** The first seconds belong to the first election. */
const FIRST_MS = 5_000
const HANDOVER_MS = 300

interface Outcome {
  /** Milliseconds in which two could answer, and in which nobody could. */
  readonly doubledMs: number
  readonly silentMs: number
}

function worldOf(seed: number, electionMs: number) {
  const base = virtualClock()
  const random = seededRandom(seed)
  const times = raftTimes(100, electionMs)
  const rates = Array.from({ length: NODES }, () => 0.98 + random.next() * 0.04)
  const model = new RaftModel(base, random, times, rates)
  return { base, model, nodes: startNodes(base, model, times, rates) }
}

type World = ReturnType<typeof worldOf>

/** Goes on to that moment, or until it has seen enough. */
async function watch(
  { base, nodes }: World,
  endMs: number,
  isOver: () => boolean = () => false,
): Promise<Outcome> {
  let [doubledMs, silentMs] = [0, 0]
  while (base.monotonicMs() < endMs && !isOver()) {
    // Nothing changes between two timers but that leases run out: the overlap is exact.
    const nowMs = base.monotonicMs()
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

async function run(seed: number, electionMs: number): Promise<Outcome> {
  const world = worldOf(seed, electionMs)
  scheduleFaults(world, electionMs)
  await world.base.advanceAsync(FIRST_MS)
  return await watch(world, world.base.monotonicMs() + RUN_MS)
}

/** One after another, some at once: pauses, cuts of one or both links, hand-overs, restarts. */
function scheduleFaults(world: World, electionMs: number): void {
  const { base, model, nodes } = world
  const { random } = model
  base.every(700, 2_000, () => {
    const number = random.below(NODES)
    const member = model.members[number]!
    const other = (number + 1 + random.below(NODES - 1)) % NODES
    const lastsMs = 50 + random.below(2_500)
    const kind = random.below(5)
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
    } else if (kind === 3) {
      if (member.role !== 'leader' || member.isDown || member.isPaused) return
      handOver(world, number)
      // The process ends then, and is another when it comes back.
      base.after(limits.clusterHandOverMs.default, () => {
        member.isDown = true
      })
      base.after(limits.clusterHandOverMs.default + electionMs + lastsMs, () => {
        member.restart()
        nodes[number]!.standing.resume()
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
    let longestMs = 0
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { doubledMs } = await run(seed, electionMs)
      longestMs = Math.max(longestMs, doubledMs)
      if (doubledMs > 0) doubled.push(`seed ${seed}: ${doubledMs} ms`)
    }
    // A leader that comes back in the midst of an election may prove itself, then vote for another:
    // docs/adr/0019-cluster.md. About one seed in a thousand does.
    expect(doubled.slice(Math.floor(SEEDS / 300))).toEqual([])
    expect(longestMs).toBeLessThanOrEqual(leaseMs(raftTimes(100, electionMs)))
  }, 1_800_000)

test('without a fault one node answers all the time, for an hour, and stays the leader', async () => {
  for (let seed = 1; seed <= (isFull ? 24 : 1); seed++) {
    const world = worldOf(seed, 500)
    await world.base.advanceAsync(FIRST_MS)
    const terms = world.model.members.map(({ term }) => term)
    const seen = await watch(world, world.base.monotonicMs() + HOUR_MS)
    expect(seen).toEqual({ doubledMs: 0, silentMs: 0 })
    expect(world.model.members.map(({ term }) => term)).toEqual(terms)
  }
}, 1_800_000)

const cutOff = ({ model }: World, leader: number) => {
  for (const { number } of model.members) if (number !== leader) model.cut(number, leader, true)
}

type Strike = (world: World, leader: number) => void

const FAULTS: Readonly<Record<string, Strike>> = {
  'is stopped': ({ model }, leader) => model.pause(leader),
  'is killed': ({ model }, leader) => {
    model.members[leader]!.isDown = true
  },
  'is cut off': cutOff,
}

/** As actors/cluster/actor.ts: it answers no more, and bids another to lead. */
const handOver: Strike = ({ model, nodes }, leader) => {
  const heir = (leader + 1 + model.random.below(NODES - 1)) % NODES
  nodes[leader]!.standing.yield()
  void nodes[leader]!.client.transfer(String(heir + 1), limits.clusterHandOverMs.default)
}

/** Milliseconds until another node may answer, and until the old one may not. */
async function failover(seed: number, electionMs: number, strike: Strike) {
  const world = worldOf(seed, electionMs)
  const { base, nodes, model } = world
  // Members talk over TCP, which is late but loses nothing: one message in twenty is.
  model.losesOneIn = Number.POSITIVE_INFINITY
  const term = () => Math.max(...model.members.map((member) => member.term))
  await base.advanceAsync(FIRST_MS + model.random.below(1_000))
  const isAnswering = (node: FenceNode) => answersUntil(node) > base.monotonicMs()
  const old = nodes.find(isAnswering)!
  const [fromMs, before] = [base.monotonicMs(), term()]
  strike(world, old.member.number)
  const others = nodes.filter((node) => node !== old)
  let ceasedMs = 0
  await watch(world, fromMs + 10_000, () => {
    if (isAnswering(old)) ceasedMs = base.monotonicMs() - fromMs
    return others.some(isAnswering)
  })
  return { tookMs: base.monotonicMs() - fromMs, ceasedMs, isSplit: term() > before + 1 }
}

/** Runs of all seeds, judged: of a thousand, ten may be later than the p99, ms. */
async function judged(what: string, strike: Strike, electionMs: number, p99Ms: number) {
  const took: number[] = []
  let [ceasedMs, splits] = [0, 0]
  for (let seed = 1; seed <= (isFull ? SEEDS : 30); seed++) {
    const seen = await failover(seed, electionMs, strike)
    took.push(seen.tookMs)
    ceasedMs = Math.max(ceasedMs, seen.ceasedMs)
    if (seen.isSplit) splits++
  }
  took.sort((a, b) => a - b)
  const at = (part: number) => Math.round(took[Math.floor(part * (took.length - 1))]!)
  const late = took.filter((ms) => ms > p99Ms).length
  process.stdout.write(
    `${what}, election ${electionMs} ms: median ${at(0.5)}, p99 ${at(0.99)}, longest ${at(1)} ms ` +
      `of ${took.length}, ${late} later than ${p99Ms}, ${splits} split votes; ` +
      `the old one ceased within ${Math.ceil(ceasedMs)} ms\n`,
  )
  expect(at(0.99)).toBeLessThanOrEqual(p99Ms)
  expect(at(1)).toBeLessThan(5_000)
  expect(ceasedMs).toBeLessThanOrEqual(1_500)
}

// With the guide's times the goal is 2,000 ms, and its p99 is some 30 ms later: both followers draw
// the longest patience there is in one run of a hundred, and votes are split in about as many.
for (const [electionMs, p99Ms] of [
  [500, 1_500],
  [1_000, 2_100],
] as const) {
  for (const [what, strike] of Object.entries(FAULTS))
    test(
      `when the leader ${what} another soon answers, and it ceases, election ${electionMs} ms`,
      () => judged(what, strike, electionMs, p99Ms),
      1_800_000,
    )

  test(
    `a leader that hands over is followed within 300 ms, election ${electionMs} ms`,
    () => judged('hands over', handOver, electionMs, HANDOVER_MS),
    1_800_000,
  )
}
