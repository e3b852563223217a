/**
 * What another configuration would change for the clients there were: recorded questions answered
 * under what is served now and under what would be, with the words of now and the turn they had.
 */
import { replayLimits } from '../base/limits/replay.ts'
import type { ServingPool } from '../steer/snapshot.ts'
import { decodeMessage } from './decode.ts'
import { asked, type Execution } from './execute.ts'
import type { Sample } from './sample.ts'

/** One side: tables with words, and what their numbers mean. */
export interface Side {
  readonly execution: Execution
  readonly pools: readonly ServingPool[]
}

/** Where one question leads. */
export interface Decision {
  /** The steered name, or the name asked for where nothing was chosen. */
  readonly service: string
  readonly outcome: string
  /** Key of the first server of the answer; empty where none was chosen. */
  readonly server: string
  readonly region: string
}

export interface Flow {
  readonly service: string
  readonly from: string
  readonly to: string
  readonly queries: number
  /** Of all queries of the service. */
  readonly share: number
}

export interface ServiceChange {
  readonly service: string
  readonly queries: number
  readonly moved: number
  readonly movedShare: number
  readonly clients: number
  readonly clientsMoved: number
}

export interface Plan {
  readonly samples: number
  readonly queries: number
  readonly movedShare: number
  readonly services: readonly ServiceChange[]
  readonly flows: readonly Flow[]
  /** Queries by the server they lead to, by key: now and then. */
  readonly load: readonly {
    readonly server: string
    readonly region: string
    readonly before: number
    readonly after: number
  }[]
}

/** Answers a question and says where it leads. */
export function decisionOf({ execution, pools }: Side, sample: Sample): Decision {
  const bytes = execution.answer(asked(sample.query, sample.client, sample.turn))
  const { pool, chosen, choice } = execution.last
  const spec = pool < 0 ? undefined : pools[pool]
  const { rcode, name, records } = decodeMessage(bytes)
  const member = chosen > 0 ? spec?.members[choice[0]!] : undefined
  const fallback = chosen > 0 && member === undefined ? 'fallback' : ''
  return {
    service: spec?.name ?? name.toLowerCase().replace(/\.$/, ''),
    outcome: rcode === 'NOERROR' && records.length === 0 ? 'NODATA' : rcode,
    server: member?.key ?? fallback,
    region: member?.region ?? '',
  }
}

const placeOf = ({ server, region, outcome }: Decision): string =>
  server === '' ? outcome : region === '' ? server : `${region}/${server}`

interface Tally {
  queries: number
  moved: number
  readonly clients: Set<string>
  readonly movedClients: Set<string>
}

class Tallies {
  readonly services = new Map<string, Tally>()
  readonly flows = new Map<string, { service: string; from: string; to: string; queries: number }>()
  readonly load = new Map<string, { region: string; before: number; after: number }>()

  add(sample: Sample, before: Decision, after: Decision): void {
    const { service } = before
    const known = this.services.get(service)
    const tally = known ?? { queries: 0, moved: 0, clients: new Set(), movedClients: new Set() }
    if (known === undefined) this.services.set(service, tally)
    const client = sample.client.join('.')
    const [from, to] = [placeOf(before), placeOf(after)]
    tally.queries += sample.standsFor
    tally.clients.add(client)
    this.#carry(before, sample.standsFor, 0)
    this.#carry(after, 0, sample.standsFor)
    if (from === to) return
    tally.moved += sample.standsFor
    tally.movedClients.add(client)
    const key = `${service} ${from} ${to}`
    const flow = this.flows.get(key)
    if (flow !== undefined) flow.queries += sample.standsFor
    else if (this.flows.size < replayLimits.planFlows.default)
      this.flows.set(key, { service, from, to, queries: sample.standsFor })
  }

  #carry({ server, region }: Decision, before: number, after: number): void {
    if (server === '') return
    const held = this.load.get(server) ?? { region, before: 0, after: 0 }
    held.before += before
    held.after += after
    this.load.set(server, held)
  }
}

const shareOf = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole)

/** Compares the two sides over samples; what was held back or not asked whole is left out. */
export function planOver(now: Side, next: Side, samples: readonly Sample[]): Plan {
  const tallies = new Tallies()
  const used = samples.slice(-replayLimits.planSamples.default)
  for (const sample of used) tallies.add(sample, decisionOf(now, sample), decisionOf(next, sample))
  const services = [...tallies.services].map(
    ([service, tally]): ServiceChange => ({
      service,
      queries: tally.queries,
      moved: tally.moved,
      movedShare: shareOf(tally.moved, tally.queries),
      clients: tally.clients.size,
      clientsMoved: tally.movedClients.size,
    }),
  )
  const queries = services.reduce((sum, one) => sum + one.queries, 0)
  const moved = services.reduce((sum, one) => sum + one.moved, 0)
  const flows = [...tallies.flows.values()].map((flow) => ({
    ...flow,
    share: shareOf(flow.queries, tallies.services.get(flow.service)!.queries),
  }))
  return {
    samples: used.length,
    queries,
    movedShare: shareOf(moved, queries),
    services: services.sort((a, b) => b.moved - a.moved),
    flows: flows.sort((a, b) => b.queries - a.queries),
    load: [...tallies.load].map(([server, held]) => ({ server, ...held })),
  }
}
