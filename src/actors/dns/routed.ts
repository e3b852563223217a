/**
 * Counts decisions by latency, by steered name and how they were found, and says some of them.
 *
 * The last of each name is told when one was made since the last time, and the last that fell back
 * to geography; and always a client that is routed otherwise than before (moves.ts). That is looked
 * at only when something changed since the client asked, which costs the others one comparison.
 */
import { limits } from '../../core/base/limits.ts'
import { formatAddress } from '../../core/net/address.ts'
import { type PoolLabels, readLabels } from '../../core/dns/labels.ts'
import type { Exchange } from '../../core/dns/exchange.ts'
import type { Serving } from '../../core/dns/serving.ts'
import { types } from '../../core/dns/types.ts'
import { readGeoNames } from '../../core/geo/parts.ts'
import { isTallied, noteTally, poolFound, routeFound } from '../../core/steer/client-cache.ts'
import { composedTraits, SPLITS } from '../../core/steer/composed-layout.ts'
import { methodOf, ROW, SLOT, STICKY, WEIGHTED } from '../../core/steer/modes.ts'
import { FIXED, FIXED_POLICY, FIXED_STICKY, policies } from '../../core/steer/pool-layout.ts'
import { homeOf } from '../../core/steer/routed.ts'
import { COLD_START, GEO_FALLBACK, LEARNED, routeMethods } from '../../core/steer/routes.ts'
import { Moves, type Routed } from './moves.ts'
import { ROUTED_KINDS, UNTIMED } from './tallies.ts'

const BY_CLIENT = 1
const BY_TIMES = 2
const CLIENT_BYTES = { 4: 3, 16: 6 } as const

export interface RoutingNews {
  readonly domain: string
  /** The network of the client. */
  readonly client: string
  readonly method: string
  readonly server: string
  /** Of a client that is routed otherwise than before: its region, and what was before. */
  readonly region?: string
  readonly was?: string
}

/** The lines that a name has. */
export type Line = typeof ANY | typeof FALLBACK
const ANY = 0
const FALLBACK = 1

/** @param slot of the name, which it has in all threads */
export type MayTell = (slot: number, line: Line) => boolean

/** Lets each line of a name through once a period, of all threads together. */
export function toldOnce(memory: SharedArrayBuffer | undefined, nowMs: () => number): MayTell {
  const words = memory && new Int32Array(memory)
  return (slot, line) => {
    const at = slot * 2 + line
    if (words === undefined || at >= words.length) return true
    // Not 0, which is a name that nobody told.
    const period = (Math.floor(nowMs() / limits.routingLogMs.default) % 0x7fff_ffff) + 1
    const before = Atomics.load(words, at)
    return before !== period && Atomics.compareExchange(words, at, before, period) === before
  }
}

export class RoutedCounts {
  /** By pool, ROUTED_KINDS numbers. */
  readonly words: Int32Array
  readonly #serving: Serving | undefined
  readonly #moves: Moves
  /** By pool: BY_CLIENT, BY_TIMES, or 0 for other policies. */
  readonly #kinds: Uint8Array
  readonly #told: Int32Array
  /** Beside `words`: the entry of the last client, and who was chosen. */
  readonly #entries: Int32Array
  readonly #chosen: Int32Array
  /** By pool, the last method. */
  readonly #methods: Uint8Array
  readonly #isAny: boolean
  /** What regions are called, by number. */
  readonly #regions: readonly string[]
  #labels: readonly PoolLabels[] | undefined

  /** @param words zeroed, ROUTED_KINDS for each pool */
  constructor(words: Int32Array, serving: Serving | undefined, moves = new Moves()) {
    this.words = words
    this.#serving = serving
    this.#moves = moves
    const fixed = serving?.pools.layout.fixed ?? new Int32Array(0)
    this.#kinds = Uint8Array.from({ length: words.length / ROUTED_KINDS }, (_, pool) => {
      const policy = policies[fixed[pool * FIXED + FIXED_POLICY]!]
      // Of a policy made of others a leaf may go by it.
      if (policy === 'composed') return BY_CLIENT
      return policy === 'learned_latency' ? BY_CLIENT : policy === 'latency' ? BY_TIMES : 0
    })
    this.#isAny = this.#kinds.includes(BY_CLIENT)
    const geo = this.#isAny ? serving?.parts.geo : undefined
    this.#regions = geo === undefined ? [] : readGeoNames(geo.labels).regions
    this.#told = new Int32Array(words.length)
    this.#entries = new Int32Array(words.length)
    this.#chosen = new Int32Array(words.length).fill(-1)
    this.#methods = new Uint8Array(this.#kinds.length)
  }

  /** Counts a query that asked a pool; called before its client's place is tallied. */
  count(x: Exchange): void {
    const kind = this.#kinds[x.pool]!
    if (kind === 0) return
    if (kind === BY_CLIENT) {
      if (x.method < 0) return
      const at = x.pool * ROUTED_KINDS + x.method
      this.words[at]!++
      this.#entries[at] = this.#serving!.pools.cache.at
      this.#chosen[at] = x.chosen > 0 ? x.choice[0]! : -1
      this.#methods[x.pool] = x.method
      this.#compare(x)
      return
    }
    if (x.chosen === 0) return
    const mode = this.#serving!.pools.modeOf(x.pool, x.qtype === types.AAAA ? 6 : 4)
    const method = methodOf(mode)
    if (method !== WEIGHTED && method !== STICKY) this.words[x.pool * ROUTED_KINDS + UNTIMED]!++
  }

  /** Notes how the client is routed, where that may have changed since it asked. */
  #compare(x: Exchange): void {
    const { pools } = this.#serving!
    const { composed } = pools
    if (composed === undefined || composed.layout.rootOf[x.pool]! < 0) {
      if (!isTallied(pools.cache)) this.#note(x, pools, x.pool)
      return
    }
    const { leaves, layout } = composed
    // Of a split the turn chooses the way, and nobody was moved.
    if (isTallied(leaves.cache) || (composedTraits(layout, x.pool) & SPLITS) !== 0) return
    noteTally(leaves.cache, 0)
    this.#note(x, leaves, poolFound(leaves.cache))
  }

  /** @param own the pool or the leaf that answered, of `of` */
  #note(x: Exchange, of: Serving['pools'], own: number): void {
    const { pools } = this.#serving!
    const family = x.qtype === types.AAAA ? 6 : 4
    const chosen = x.chosen > 0 ? x.choice[0]! : -1
    const isSticky = of.layout.fixed[own * FIXED + FIXED_STICKY] !== 0
    let region = ''
    if (x.method === LEARNED && !isSticky) region = homeOf(of, own, family, routeFound(of.cache))
    else if (chosen >= 0 && (x.method !== COLD_START || isSticky))
      region = this.#regions[pools.layout.regions[pools.addressFrom(x.pool) + chosen]!] ?? ''
    const slot = pools.rows[x.pool * ROW + SLOT]!
    this.#moves.note(slot, x.pool, family, x.subject, x.method, region, chosen)
  }

  /** What is to be told since the last call. */
  *news(mayTell: MayTell = () => true): Iterable<RoutingNews> {
    if (!this.#isAny) return
    const { pools } = this.#serving!
    yield* this.moved()
    for (let pool = 0; pool < this.#kinds.length; pool++) {
      if (this.#kinds[pool] !== BY_CLIENT || !this.#isNews(pool)) continue
      const slot = pools.rows[pool * ROW + SLOT]!
      const last = this.#methods[pool]!
      const fallback = pool * ROUTED_KINDS + GEO_FALLBACK
      if (mayTell(slot, ANY)) {
        yield this.#last(pool, last, this.#labelsOf(pool))
        // It stands for the others, but for one that fell back to geography.
        for (let method = 0; method < UNTIMED; method++)
          if (method !== GEO_FALLBACK || last === GEO_FALLBACK) this.#tell(pool, method)
      }
      if (this.words[fallback] === this.#told[fallback] || !mayTell(slot, FALLBACK)) continue
      yield this.#last(pool, GEO_FALLBACK, this.#labelsOf(pool))
      this.#tell(pool, GEO_FALLBACK)
    }
  }

  /** Clients that are routed otherwise than before, each network once. */
  *moved(): Iterable<RoutingNews> {
    const told = new Set<string>()
    for (const { pool, chosen, client, now, before } of this.#moves.take()) {
      const of = this.#labelsOf(pool)
      const news: RoutingNews = {
        ...{ domain: of?.name ?? '', client: networkOf(client) },
        ...{ method: routeMethods[now.method] ?? '', server: of?.servers[chosen] ?? '' },
        ...{ region: now.region, was: described(before) },
      }
      const key = [news.domain, news.client, news.method, news.region, news.was].join(' ')
      if (told.has(key)) continue
      told.add(key)
      yield news
    }
  }

  /** Read once it is needed. */
  #labelsOf(pool: number): PoolLabels | undefined {
    this.#labels ??= readLabels(this.#serving!.parts.labels)
    return this.#labels[pool]
  }

  #isNews(pool: number): boolean {
    const from = pool * ROUTED_KINDS
    for (let at = from; at < from + UNTIMED; at++)
      if (this.words[at] !== this.#told[at]) return true
    return false
  }

  #tell(pool: number, method: number): void {
    const at = pool * ROUTED_KINDS + method
    this.#told[at] = this.words[at]!
  }

  #last(pool: number, method: number, labels: PoolLabels | undefined): RoutingNews {
    const at = pool * ROUTED_KINDS + method
    const client = networkOf(this.#serving!.pools.cache.clientAt(this.#entries[at]!))
    const server = labels?.servers[this.#chosen[at]!] ?? ''
    return { domain: labels?.name ?? '', client, method: routeMethods[method]!, server }
  }
}

const described = ({ method, region }: Routed): string =>
  [routeMethods[method]!, ...(region === '' ? [] : [region])].join(' ')

/** Whole addresses of clients are in no log. */
function networkOf(bytes: Uint8Array): string {
  const kept = bytes.length === 16 ? CLIENT_BYTES[16] : CLIENT_BYTES[4]
  return `${formatAddress(bytes.map((byte, at) => (at < kept ? byte : 0)))}/${kept * 8}`
}
