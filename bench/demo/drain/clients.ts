/**
 * The clients of the demo, in a process of their own: pools that send requests at a fixed rate.
 *
 * - `direct`: resolves at the overwatch, obeys the TTL, a new connection each time.
 * - `unbound`: the same behind a real resolver.
 * - `keep-alive`: keeps connections for seconds, and never asks again while one is kept.
 * - `holder`: resolves once in thirty seconds, whatever the TTL says.
 *
 * Requests do not wait for each other (an open loop, up to a bound), and nothing is retried. What a
 * busy machine kept the clients from sending is told: who falls silent cannot be counted.
 */
import { Connection, type Outcome } from './fetch.ts'
import { Lookup, Resolver } from './lookup.ts'

export const poolNames = ['direct', 'unbound', 'keep-alive', 'holder'] as const
export type PoolName = (typeof poolNames)[number]

export interface ClientsPlan {
  readonly name: string
  readonly port: number
  readonly overwatch: { readonly host: string; readonly port: number }
  readonly resolver: { readonly host: string; readonly port: number } | undefined
  /** Requests a second of each pool. */
  readonly rates: Readonly<Record<PoolName, number>>
  readonly holdMs: number
  /** How long a kept connection lives. */
  readonly keepMs: number
}

export interface Failure {
  readonly atMs: number
  readonly pool: PoolName
  readonly address: string
  readonly fault: Exclude<Outcome, 'ok'>
}

/** What happened since the last message: requests ended well by address, and every failure. */
export interface ClientsSaid {
  readonly served: Readonly<Record<string, number>>
  readonly pools: Readonly<Record<string, number>>
  readonly failures: readonly Failure[]
  readonly inFlight: number
  /** Requests that were not sent, for want of answers to earlier ones. */
  readonly skipped: number
  /** The longest that nothing at all was sent, milliseconds. */
  readonly silentMs: number
}

const CLIENTS_OF_A_POOL = 6
const TICK_MS = 10
const REPORT_MS = 200
const KEPT_MAX = 64
/** Past so many of a pool under way it sends no more: a busy machine is not what is measured. */
const IN_FLIGHT_MAX = 128

class Tally {
  #served: Record<string, number> = {}
  #pools: Record<string, number> = {}
  #failures: Failure[] = []
  inFlight = 0
  skipped = 0
  silentMs = 0

  count(pool: PoolName, address: string, outcome: Outcome): void {
    if (outcome !== 'ok') {
      this.#failures.push({ atMs: Date.now(), pool, address, fault: outcome })
      return
    }
    this.#served[address] = (this.#served[address] ?? 0) + 1
    this.#pools[pool] = (this.#pools[pool] ?? 0) + 1
  }

  take(): ClientsSaid {
    const { inFlight, skipped, silentMs } = this
    const said = { served: this.#served, pools: this.#pools, failures: this.#failures }
    this.#served = {}
    this.#pools = {}
    this.#failures = []
    this.skipped = 0
    this.silentMs = 0
    return { ...said, inFlight, skipped, silentMs }
  }
}

class Pool {
  readonly #name: PoolName
  readonly #plan: ClientsPlan
  readonly #tally: Tally
  readonly #resolvers: readonly Resolver[]
  readonly #kept: Connection[] = []
  #turn = 0
  #inFlight = 0

  constructor(name: PoolName, plan: ClientsPlan, lookup: Lookup, tally: Tally) {
    this.#name = name
    this.#plan = plan
    this.#tally = tally
    const holdMs = name === 'holder' ? plan.holdMs : 0
    this.#resolvers = Array.from(
      { length: CLIENTS_OF_A_POOL },
      () => new Resolver(lookup, plan.name, holdMs),
    )
  }

  /** Sends one, unless too many are under way. */
  send(): void {
    if (this.#inFlight >= IN_FLIGHT_MAX) {
      this.#tally.skipped++
      return
    }
    this.#inFlight++
    this.#tally.inFlight++
    void this.#request().finally(() => {
      this.#inFlight--
      this.#tally.inFlight--
    })
  }

  async #request(): Promise<void> {
    const found = await this.#connection()
    const outcome = found === undefined ? 'dns' : await found.request()
    this.#tally.count(this.#name, found?.address ?? '', outcome)
    if (found === undefined) return
    if (this.#name === 'keep-alive' && this.#kept.length < KEPT_MAX) this.#keep(found)
    else found.end()
  }

  async #connection(): Promise<Connection | undefined> {
    const kept = this.#kept.shift()
    if (kept?.isIdle && Date.now() < kept.untilMs) return kept
    kept?.end()
    const resolver = this.#resolvers[this.#turn++ % this.#resolvers.length]!
    const address = await resolver.address()
    if (address === undefined) return undefined
    // Drawn apart, or all would be given up in the same instant.
    const lifeMs = this.#plan.keepMs * (0.75 + Math.random() / 2)
    return new Connection(address, this.#plan.port, Date.now() + lifeMs)
  }

  #keep(connection: Connection): void {
    if (connection.isIdle && Date.now() < connection.untilMs) this.#kept.push(connection)
    else connection.end()
  }
}

function run(plan: ClientsPlan): void {
  const tally = new Tally()
  const direct = new Lookup(plan.overwatch.host, plan.overwatch.port)
  const resolver = plan.resolver && new Lookup(plan.resolver.host, plan.resolver.port)
  const pools = poolNames.flatMap((name) => {
    if (name === 'unbound' && resolver === undefined) return []
    const lookup = name === 'unbound' && resolver !== undefined ? resolver : direct
    return [{ pool: new Pool(name, plan, lookup, tally), rate: plan.rates[name], sent: 0 }]
  })
  const startedMs = performance.now()
  let lastMs = startedMs
  const beat = setInterval(() => {
    const nowMs = performance.now()
    tally.silentMs = Math.max(tally.silentMs, nowMs - lastMs)
    lastMs = nowMs
    const seconds = (nowMs - startedMs) / 1_000
    for (const one of pools)
      for (const due = Math.floor(seconds * one.rate); one.sent < due; one.sent++) one.pool.send()
  }, TICK_MS)
  setInterval(() => process.send?.(tally.take()), REPORT_MS)
  process.on('message', (word) => {
    if (word === 'stop') clearInterval(beat)
  })
}

if (process.send !== undefined && process.argv[2] !== undefined) {
  process.on('disconnect', () => process.exit(0))
  run(JSON.parse(process.argv[2]) as ClientsPlan)
}
