/**
 * What must hold after every step of a simulated product, whatever was killed.
 *
 * Each pool is asked as a client would ask, and the answer is held against the oracle: who must be
 * in it, who may be, and what an emptied pool says. The words are those of docs/testing.md.
 */
import type { MemberSpec, PoolSpec } from '../../src/core/steer/topology.ts'
import type { Heard } from './product-fronts.ts'
import { LAG_MS } from './product-oracle.ts'
import { INTERVAL_MS, TIMEOUT_MS } from './product-topology.ts'
import type { Product } from './product-world.ts'

const NOERROR = 0
const SERVFAIL = 2
const NXDOMAIN = 3
/** The share by which the prober varies an interval, with room. */
const JITTER = 1.06
/** Adding up every series after every step would be most of the run. */
const COUNT_EVERY = 64

type Broken = string | undefined

export class Invariants {
  readonly #product: Product
  /** Members of earlier topologies by pool: the guard-rail may keep them. */
  readonly #past = new Map<string, Map<string, MemberSpec>>()
  readonly #present = new Map<string, boolean>()
  readonly #flips = new Map<string, number>()
  /** By pool and family, who was in the last answer that servers gave. */
  readonly #served = new Map<string, ReadonlySet<string>>()
  #incarnation = 0
  #isReady = false

  constructor(product: Product) {
    this.#product = product
  }

  all(): Readonly<Record<string, () => Broken>> {
    return {
      'dns answers whoever is dead': () => this.#answering(),
      'answers follow the checks': () => this.#pools(),
      'checks follow the servers': () => this.#detection(),
      'counters add up': () => this.#counters(),
    }
  }

  #answering(): Broken {
    const { dns, oracle } = this.#product
    if (!this.#product.lives('dns')) return undefined
    const heard = dns.ask('ns1.example.com')
    if (heard === undefined)
      return this.#product.runs('dns') ? 'dns runs and does not answer' : undefined
    const incarnation = this.#product.incarnationOf('dns')
    if (incarnation !== this.#incarnation) this.#isReady = false
    this.#incarnation = incarnation
    const isReady = heard.rcode === NOERROR
    if (heard.rcode === NXDOMAIN) return 'a static name does not exist'
    if (this.#isReady && !isReady) return 'dns lost what it served'
    if (oracle.isCalm && !isReady) return 'dns has nothing to serve, though everybody lives'
    this.#isReady = isReady
    return undefined
  }

  #pools(): Broken {
    const { dns, topology } = this.#product
    for (const pool of topology.pools) {
      this.#remember(pool)
      for (const family of [4, 6] as const) {
        const heard = dns.ask(pool.name, family === 6 ? 'AAAA' : 'A')
        if (heard === undefined) return undefined
        const broken = this.#pool(pool, family, heard)
        if (broken !== undefined) return `${pool.name} IPv${family}: ${broken}`
      }
    }
    return undefined
  }

  #remember(pool: PoolSpec): void {
    const past = this.#past.get(pool.name) ?? new Map<string, MemberSpec>()
    this.#past.set(pool.name, past)
    for (const member of pool.members) past.set(member.address, member)
  }

  #pool(pool: PoolSpec, family: 4 | 6, heard: Heard): Broken {
    if (heard.rcode === NXDOMAIN) return 'NXDOMAIN for a name that exists'
    if (!this.#isReady) {
      const isEmpty = heard.rcode === SERVFAIL && heard.addresses.length === 0
      return isEmpty ? undefined : 'an answer before the first snapshot'
    }
    const { oracle } = this.#product
    const may = (member: MemberSpec) => oracle.statesOf(member.key).includes('up')
    const must = (member: MemberSpec) => may(member) && oracle.statesOf(member.key).length === 1
    const certain = pool.members.filter(must)
    const past = [...(this.#past.get(pool.name)?.values() ?? [])]
    const isPossible = past.some(may)
    const said = `${heard.rcode} [${heard.addresses.join(' ')}]`
    if (certain.length === 0) {
      const asEmptied = this.#emptied(pool, family, past, heard)
      if (!isPossible) return asEmptied ? undefined : `nobody serves, yet it answers ${said}`
      if (asEmptied) return undefined
    }
    if (heard.rcode !== NOERROR) return `somebody serves, yet it answers ${said}`
    for (const address of heard.addresses) {
      const member = past.find((one) => one.address === address)
      if (member === undefined) return `${address} is none of its servers`
      const isServed = may(member)
      if (!isServed) return `${address} is served, ${oracle.statesOf(member.key).join('/')}`
      const isDeclared = pool.members.some(({ key }) => key === member.key)
      const isGuest = !isDeclared && oracle.isCalm
      if (isGuest && certain.some((one) => one.family === family))
        return `${address} was replaced, and its successor serves`
    }
    this.#note(pool, family, certain.length > 0, heard)
    const missing = this.#missing(pool, family, certain, heard)
    // Perhaps it is the answer of an emptied pool: who served last is no matter of verdicts.
    if (pool.whenAllDown === 'last_healthy' && certain.length === 0) return missing
    return missing ?? this.#flip(pool, family, heard)
  }

  #missing(pool: PoolSpec, family: 4 | 6, all: readonly MemberSpec[], heard: Heard): Broken {
    const certain = all.filter((member) => member.family === family && member.weight > 0)
    if (certain.length > 0 && heard.addresses.length === 0) return 'empty, though a server serves'
    const { oracle } = this.#product
    const left = certain.find(({ address, key }) => {
      if (heard.addresses.includes(address)) return false
      // In a failover pool a server that came back waits; somebody else serves meanwhile.
      // A registry that was down, or compiled its names, heard of the recovery later.
      const heldMs = pool.holdDownMs + LAG_MS
      const knownMs = Math.min(oracle.steadyMs(key), oracle.wholeMs)
      return pool.holdDownMs === 0 || (knownMs > heldMs && oracle.isCalm)
    })
    return left === undefined ? undefined : `${left.address} is up and not in the answer`
  }

  /** Whether it is the answer of a pool that nobody serves. */
  #emptied(pool: PoolSpec, family: 4 | 6, past: readonly MemberSpec[], heard: Heard): boolean {
    const isNodata = heard.rcode === NOERROR && heard.addresses.length === 0
    const isFailure = heard.rcode === SERVFAIL
    const has = (wanted: 4 | 6) => past.some((member) => member.family === wanted)
    if (!has(family)) return isNodata || (isFailure && !has(family === 4 ? 6 : 4))
    switch (pool.whenAllDown) {
      case 'nodata':
        return isNodata
      case 'servfail':
        return isFailure
      case 'last_healthy':
        return this.#lastHealthy(pool, family, heard)
      case 'all':
        return heard.rcode === NOERROR && heard.addresses.length > 0
      case 'fallback':
        return heard.addresses.every((address) => pool.fallback.includes(address))
    }
  }

  /** Once somebody has served, somebody of the last who did is answered. */
  #lastHealthy(pool: PoolSpec, family: 4 | 6, heard: Heard): boolean {
    const { oracle } = this.#product
    const served = this.#served.get(`${pool.name} ${family}`)
    if (heard.rcode === SERVFAIL) return served === undefined || !oracle.isCalm
    const all = heard.addresses.every((address) => served?.has(address) === true)
    return heard.rcode === NOERROR && heard.addresses.length > 0 && all
  }

  #note(pool: PoolSpec, family: 4 | 6, isCertain: boolean, heard: Heard): void {
    if (heard.addresses.length === 0) return
    const at = `${pool.name} ${family}`
    const before = isCertain ? [] : (this.#served.get(at) ?? [])
    this.#served.set(at, new Set([...before, ...heard.addresses]))
  }

  /** No server is taken in and out more often than its thresholds were crossed. */
  #flip(pool: PoolSpec, family: 4 | 6, heard: Heard): Broken {
    if (pool.policy === 'failover') return undefined
    const { oracle } = this.#product
    for (const member of pool.members) {
      if (member.family !== family) continue
      const at = `${pool.name} ${member.address}`
      const isIn = heard.addresses.includes(member.address)
      if ((this.#present.get(at) ?? false) === isIn) continue
      this.#present.set(at, isIn)
      const flips = (this.#flips.get(at) ?? 0) + 1
      this.#flips.set(at, flips)
      const most = oracle.crossingsOf(member.key)
      if (flips > most) return `${member.address} turned ${flips} times, its checks ${most} times`
    }
    return undefined
  }

  /** A server that has changed for so long is known to have, where the chain was whole. */
  #detection(): Broken {
    const { oracle, topology } = this.#product
    for (const pool of topology.pools) {
      for (const { key, address, check } of pool.members) {
        const { mood, forMs } = this.#product.moodOf(address)
        const threshold = mood === 'up' ? check.successThreshold : check.failureThreshold
        const boundMs = threshold * INTERVAL_MS * JITTER + TIMEOUT_MS + LAG_MS
        // After a restart the first check of each server is spread over an interval.
        const isSteady = oracle.wholeMs > forMs + INTERVAL_MS * JITTER + TIMEOUT_MS
        const sinceMs = Math.min(forMs, oracle.wholeMs - INTERVAL_MS * JITTER)
        if ((isSteady ? forMs : sinceMs) <= boundMs) continue
        const verdict = oracle.verdictOf(key)
        const truth = mood === 'up' ? 'up' : 'down'
        if (verdict !== truth)
          return `${key} is ${mood} for ${forMs} ms and its checks say ${verdict ?? 'nothing'}`
      }
    }
    return undefined
  }

  #counters(): Broken {
    const { dns, tallies, world } = this.#product
    const tally = tallies.get('dns')
    if (world.steps % COUNT_EVERY !== 0 || tally === undefined) return undefined
    if (!this.#product.lives('dns')) return undefined
    tally.collect()
    const NAMES = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'] as const
    let answered = 0
    for (const [rcode, count] of dns.replies) {
      answered += count
      const counted = tally.total('opengslb_dns_queries_total', { status: NAMES[rcode] ?? '' })
      if (counted !== count) return `${count} replies with rcode ${rcode} are counted as ${counted}`
    }
    const all = tally.total('opengslb_dns_queries_total')
    if (all !== answered) return `${answered} replies are counted as ${all}`
    return undefined
  }
}
