/**
 * What a scenario is: who takes part, what is asked, and what has to hold.
 */
import type { Setup } from './setup.ts'

/** One server program under one setup; its label names it within the scenario. */
export interface Contender {
  readonly label: string
  /** A subject's name; `peers` means each peer that is installed. */
  readonly subject: string
  readonly setup: Setup
  readonly kinds: readonly string[]
  /** It is asked to warm up and then left alone: of it memory is judged and nothing else. */
  readonly atRest?: boolean
}

/** What those of many names hold more than those of few when all have settled, for each name. */
export interface MemoryGoal {
  readonly says: string
  readonly few: readonly string[]
  readonly many: readonly string[]
  readonly names: number
  readonly bytesAtMost: number
}

/**
 * Product of the rates `over` by the product of the rates `under`, in the same sweep. It is met
 * when the lower end of the interval is no more than `MARGIN` under `atLeast`.
 */
export interface Goal {
  readonly says: string
  readonly over: readonly string[]
  readonly under: readonly string[]
  readonly atLeast: number
  /** What alone decides; absent: the rate, or CPU a query where too few rounds have a rate. */
  readonly by?: Measure
}

/** What an answer costs may be that of all threads, or of the busiest one alone. */
export type Measure = 'rate' | 'CPU a query' | 'CPU a query of the thread'

export const THREAD = 'CPU a query of the thread'

export const MARGIN = 0.02

export interface Scenario {
  readonly name: string
  readonly title: string
  readonly transport: 'udp' | 'tcp'
  readonly contenders: readonly Contender[]
  readonly goals: readonly Goal[]
  readonly memory?: readonly MemoryGoal[]
  /** Not below any peer that takes part. */
  readonly abovePeers: boolean
  /** Left out unless it is asked for by name. */
  readonly onRequest?: boolean
  /** At smoke size: left out, or run without peers. */
  readonly smoke: 'none' | 'alone' | 'whole'
  /** A name that dnsperf asks for too. */
  readonly secondOpinion?: string
  /**
   * Clients are not on loopback, which response rate limiting exempts: all of it runs in a network
   * of its own, where the addresses of clients are local.
   */
  readonly limited?: boolean
}

export const ECHO = 'C echo'
export const OURS = 'OpenGSLB'
export const PEERS = 'peers'

export interface Plain {
  readonly name: string
  readonly title: string
  readonly setup: Setup
  readonly kinds: readonly string[]
  readonly atLeast?: number
  readonly transport?: 'udp' | 'tcp'
  readonly peers?: boolean
  readonly smoke?: Scenario['smoke']
  readonly secondOpinion?: string
  readonly limited?: boolean
}

/** The echo, us and the peers, all asked the same. */
export function beside(one: Plain): Scenario {
  const { setup, kinds, atLeast, peers = true } = one
  const subjects = [ECHO, OURS, ...(peers ? [PEERS] : [])]
  const goals =
    atLeast === undefined
      ? []
      : [{ says: `${OURS} to ${ECHO}`, over: [OURS], under: [ECHO], atLeast }]
  return {
    name: one.name,
    title: one.title,
    transport: one.transport ?? 'udp',
    contenders: subjects.map((subject) => ({ label: subject, subject, setup, kinds })),
    goals,
    abovePeers: peers,
    smoke: one.smoke ?? 'none',
    ...(one.secondOpinion === undefined ? {} : { secondOpinion: one.secondOpinion }),
    ...(one.limited === undefined ? {} : { limited: one.limited }),
  }
}

export type Named = readonly [label: string, setup: Setup]
export type Versus = readonly [Named, Named]

/** Us twice, under two setups. */
export function against(
  name: string,
  title: string,
  kinds: readonly string[],
  [first, second]: Versus,
  atLeast: number,
  by?: Measure,
): Scenario {
  const of = ([label, setup]: Named) => ({ label, subject: OURS, setup, kinds })
  const says = `${second[0]} to ${first[0]}`
  return {
    name,
    title,
    transport: 'udp',
    contenders: [of(first), of(second)],
    goals: [{ says, over: [second[0]], under: [first[0]], atLeast, ...(by && { by }) }],
    abovePeers: false,
    smoke: name === 'deltas' ? 'alone' : 'none',
  }
}
