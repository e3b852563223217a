/**
 * What is done to the leader, and what brings it back.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type ClusterSite, machineMs } from '../../../test/harness/cluster-site.ts'

export interface Fault {
  readonly name: 'kill' | 'stop' | 'partition' | 'term'
  readonly text: string
  /** What a run of it may take, from the fault to the first right answer of another node, ms. */
  readonly goalMs: number
  /** The old leader can still be asked, and must cease to answer within this time, ms. */
  readonly ceasesMs?: number
  strike(site: ClusterSite, leader: number): Promise<void>
  heal(site: ClusterSite, leader: number): Promise<void>
}

/** How long the old leader is kept away after another answered: it comes back to a new term. */
const FROZEN_MS = 1_000

export const faults: readonly Fault[] = [
  {
    name: 'kill',
    text: 'kill -9 of the leader',
    goalMs: 2_000,
    strike: async (site, leader) => site.program(leader).signal('SIGKILL'),
    heal: async (site, leader) => {
      await site.program(leader).exited()
      site.start(leader)
    },
  },
  {
    name: 'stop',
    text: 'SIGSTOP of the leader and its etcd, and SIGCONT 1.5 s after another answered',
    goalMs: 2_000,
    strike: (site, leader) => site.signal(leader, 'SIGSTOP'),
    heal: async (site, leader) => {
      await sleep(FROZEN_MS)
      await site.signal(leader, 'SIGCONT')
    },
  },
  {
    name: 'partition',
    text: 'the leader is cut off from the others, and not from clients',
    goalMs: 2_000,
    ceasesMs: 1_500,
    strike: async (site, leader) => site.cut(leader),
    heal: async (site, leader) => {
      await sleep(FROZEN_MS)
      site.heal(leader)
    },
  },
  {
    name: 'term',
    text: 'SIGTERM of the leader',
    goalMs: 300,
    strike: async (site, leader) => site.program(leader).signal('SIGTERM'),
    heal: async (site, leader) => {
      await site.program(leader).exited()
      site.start(leader)
    },
  },
]

export interface Run {
  readonly fault: Fault
  /** From the fault to the first right answer of another node. */
  readonly failoverMs: number
  /** From the fault to the last answer of the old leader; 0 where it gave none. */
  readonly ceasedMs: number
  /** Answers of the old leader to questions asked after another had answered. */
  readonly doubled: number
  readonly answers: number
}

const GIVE_UP_MS = 15_000
/** A node that has just come back is still warming up; one fault at a time is what is measured. */
const CALM_MS = 1_000

export async function strike(site: ClusterSite, fault: Fault, nodes: number): Promise<Run> {
  await settled(site, nodes)
  await sleep(CALM_MS)
  const leader = await settled(site, nodes)
  site.heard.length = 0
  await sleep(200)
  // The pids are looked up before the clock starts.
  await site.pids(leader)
  const fromMs = machineMs()
  await fault.strike(site, leader)
  const firstOf = () =>
    site.heard.find((one) => one.node !== leader && one.sentMs >= fromMs && site.isAnswer(one))
  while (firstOf() === undefined && machineMs() - fromMs < GIVE_UP_MS) await sleep(10)
  const first = firstOf()
  await sleep(500)
  await fault.heal(site, leader)
  // What a leader that comes back would answer by mistake is heard as well.
  await sleep(1_000)
  const own = site.heard.filter((one) => one.node === leader && site.isAnswer(one))
  const later = site.heard.filter((one) => one.sentMs >= fromMs && site.isAnswer(one))
  const last = own.filter(({ sentMs }) => first === undefined || sentMs < first.gotMs).at(-1)
  return {
    fault,
    failoverMs: first === undefined ? Number.POSITIVE_INFINITY : first.gotMs - fromMs,
    ceasedMs: Math.max(0, (last?.sentMs ?? fromMs) - fromMs),
    doubled: site.doubled(fromMs - 200).length,
    answers: later.length,
  }
}

/** An hour, or less, in which nothing is done to anybody. */
export interface Calm {
  readonly seconds: number
  /** Leaders elected meanwhile, as the nodes count them. */
  readonly changes: number
  /** The longest time between two right answers, ms. */
  readonly gapMs: number
  readonly answers: number
}

async function elections(site: ClusterSite, nodes: number): Promise<number> {
  let most = 0
  for (let node = 1; node <= nodes; node++) {
    const text = await site.metrics(node)
    most = Math.max(most, Number(/^opengslb_cluster_elections_total (\d+)/m.exec(text)?.[1] ?? 0))
  }
  return most
}

export async function calm(site: ClusterSite, nodes: number, seconds: number): Promise<Calm> {
  await settled(site, nodes)
  await sleep(CALM_MS)
  const before = await elections(site, nodes)
  let [gapMs, answers, lastMs] = [0, 0, machineMs()]
  const untilMs = machineMs() + seconds * 1_000
  while (machineMs() < untilMs) {
    await sleep(1_000)
    for (const one of site.heard.splice(0)) {
      if (!site.isAnswer(one)) continue
      answers++
      gapMs = Math.max(gapMs, one.gotMs - lastMs)
      lastMs = Math.max(lastMs, one.gotMs)
    }
  }
  const changes = (await elections(site, nodes)) - before
  return { seconds, changes, gapMs: Math.max(gapMs, machineMs() - lastMs - 1_000), answers }
}

/** Waits until every node is a member that lives and one of them answers; gives that one. */
async function settled(site: ClusterSite, nodes: number): Promise<number> {
  for (let tries = 0; tries < 400; tries++) {
    const recent = site.heard.filter(({ gotMs }) => gotMs > machineMs() - 600)
    const answering = new Set(recent.filter((one) => site.isAnswer(one)).map(({ node }) => node))
    const asked = new Set(recent.map(({ node }) => node))
    const [leader] = answering
    if (answering.size === 1 && asked.size === nodes && leader !== undefined)
      if (await site.isWhole(nodes, leader)) return leader
    await sleep(200)
  }
  throw new Error('the cluster did not settle')
}
