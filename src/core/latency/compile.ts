/**
 * From the words of agents to the rows that answers are made from, for one steered name.
 *
 * Reports are told to the policy (policy.ts), which ranks regions for each pair of a network, or of
 * what it lies in, and a class of geography. What is published is each distinct row once and a map
 * from address to row; an address that nothing was learned for is in no row. Which rows explore in
 * a slot follows from a hash of network, name and slot, so that who replays gets the same.
 */
import type { Memory } from '../base/memory.ts'
import { clientMapParts } from '../net/client-map.ts'
import type { Prefix } from '../net/address.ts'
import { differenceOf, mergeRanges, remergeRanges } from '../net/ranges-merge.ts'
import { rangeAt, RangeList, type Ranges } from '../net/ranges.ts'
import type { ServiceRoutes } from '../steer/routes.ts'
import { latencyPolicyLimits } from '../base/limits/latency-policy.ts'
import { expectationsOf, type Ground, type SteeredService } from './ground.ts'
import { systemOf } from './beliefs.ts'
import { catchmentsToKeep, Keeping } from './keeping.ts'
import type { KeptCatchments } from './kept-catchments.ts'
import { Nodes } from './nodes.ts'
import { defaultLatencySettings, LatencyPolicy } from './policy.ts'
import { Resolvers } from './resolvers.ts'
import { explores, keyOf, LEARNED } from './rows.ts'

/** What the agents of a region say together of a network. */
export interface Measured {
  readonly prefix: Prefix
  readonly region: string
  readonly rttMs: number
  readonly deviationMs: number
  /** Since they began to count. */
  readonly samples: number
  /** The same, decayed and discounted. */
  readonly weight: number
  readonly observedMs: number
}

/** Shares are rounded to this, so that few rows are distinct. */
const SHARE_STEP = 50
const FAMILIES = [4, 6] as const

interface Layers {
  networks: Ranges
  merged: Ranges
}

export class ServiceCompiler {
  readonly service: SteeredService
  readonly #ground: Ground
  readonly #nodes: Nodes
  readonly #regions: ReadonlyMap<string, number>
  readonly #resolvers: Resolvers
  /** A pair is a node and a class, and maybe a resolver: a row of the policy. */
  readonly #pairs = new Map<string, number>()
  readonly #pairNodes: number[] = []
  readonly #pairResolvers: number[] = []
  readonly #pairClasses: number[] = []
  readonly #layers: Record<4 | 6, Layers | undefined> = { 4: undefined, 6: undefined }
  /** By node and region, what was told last. */
  readonly #told = new Map<number, { readonly samples: number; readonly observedMs: number }>()
  #policy: LatencyPolicy | undefined
  #nodesLaid = 0
  /** What was known before and is not taken up yet. */
  #kept: Keeping | undefined
  readonly #expected: ReturnType<typeof expectationsOf>

  constructor(ground: Ground, service: SteeredService) {
    this.service = service
    this.#ground = ground
    this.#nodes = new Nodes(ground)
    this.#expected = expectationsOf(ground, service)
    this.#resolvers = new Resolvers(service.regions.length)
    this.#regions = new Map(service.regions.map((name, at) => [name, at]))
  }

  /**
   * Takes words of agents; those of too few samples, or of other regions, wait or are left.
   * @param isHistory they are of before: connections of this round are none of them
   */
  take(news: readonly Measured[], isHistory = false): void {
    const heard = news.flatMap((one) => {
      const region = this.#regions.get(one.region)
      if (region === undefined || one.samples < this.service.minSamples) return []
      if (this.#nodes.count + 4 > latencyPolicyLimits.latencyNodesMax.default) return []
      return [{ one, region, node: this.#nodes.of(one.prefix) }]
    })
    if (heard.length === 0) return
    this.#grow()
    for (const { one, region, node } of heard) this.#tell(node, region, one, isHistory)
  }

  #tell(node: number, region: number, one: Measured, isHistory: boolean): void {
    const { rttMs, deviationMs, samples, weight, observedMs } = one
    const cell = node * this.service.regions.length + region
    const before = this.#told.get(cell)
    // Agents say networks without news again; nobody arrived for that.
    const isNews =
      before === undefined || samples > before.samples || observedMs > before.observedMs
    if (!isNews) return
    this.#told.set(cell, { samples, observedMs })
    // An agent that was started again counts from nothing.
    const isMore = before !== undefined && samples > before.samples
    const news = Math.max(1, isMore ? samples - before.samples : Math.min(samples, weight))
    if (!isHistory) this.#resolvers.catchments.arrived(node, region, news)
    this.#policy!.tell(node, region, {
      ewmaMs: rttMs,
      variance: deviationMs * deviationMs,
      samples: news,
      lastMs: observedMs,
    })
  }

  /** One that said nothing of its clients was told a region so many times. */
  asked(bytes: Uint8Array, region: string, answers: number): void {
    const at = this.#regions.get(region)
    const value = this.#valueAt(bytes)
    if (at === undefined || value === undefined) return
    const { classes } = this.#ground
    const base = -2 - value
    const node = value >= 0 ? this.#pairNodes[value]! : this.#nodes.around(base)
    const system = node < 0 ? -1 : systemOf(this.#nodes, node)
    const { catchments } = this.#resolvers
    // In a system with networks of clients it asks for those.
    if (system >= 0) {
      const place = value >= 0 ? this.#pairClasses[value]! : classes[base]!
      catchments.toldSystem(system, place, at, answers)
    } else if (value < 0) this.#resolvers.told(base, bytes, at, answers)
  }

  /** Ends a round of questions: who is behind resolvers is found anew. */
  divide(): void {
    this.#policy?.divide()
    if (this.#policy === undefined || !this.#resolvers.admit(this.#ground.classes)) return
    this.#nodesLaid = 0
    this.#grow()
  }

  /** Who is behind resolvers, as far as it is known. */
  keptCatchments(): KeptCatchments {
    return {
      name: this.service.name,
      ...catchmentsToKeep(this.#nodes, this.#resolvers, this.#kept),
    }
  }

  /**
   * Takes up what was known of them before, each network once it is measured.
   * @param trust 0 to 1: so much each connection of then counts now
   */
  restoreCatchments(kept: KeptCatchments, trust = 1): void {
    this.#kept = new Keeping(kept, trust)
    if (this.#policy === undefined) return
    this.#nodesLaid = 0
    this.#grow()
  }

  /** Its number; -1 where its system has networks of its own by now. */
  #restoreResolver(address: Uint8Array): number {
    const value = this.#valueAt(address)
    if (value === undefined || value >= 0) return -1
    const base = -2 - value
    const node = this.#nodes.around(base)
    if (node >= 0 && systemOf(this.#nodes, node) >= 0) return -1
    return this.#resolvers.restore(base, this.#ground.classes[base]!, address)
  }

  /** Resolvers of whose clients nothing is told, and how many networks are known behind them. */
  catchments(): { readonly resolvers: number; readonly networks: number } {
    return this.#resolvers.catchments.sizes()
  }

  /** Makes room for nodes that are new, and finds the rows of all addresses again. */
  #grow(): void {
    const nodes = this.#nodes
    if (this.#policy !== undefined && nodes.count === this.#nodesLaid) return
    this.#nodesLaid = nodes.count
    for (const family of FAMILIES) this.#layers[family] = this.#layer(family)
    this.#kept?.takeUp(this.#nodes, this.#resolvers, (address) => this.#restoreResolver(address))
    for (let base = 0; base < this.#ground.classes.length; base++) this.#pairOfBase(base)
    const before = this.#policy
    const { expected, guessed } = this.#expected
    this.#policy = new LatencyPolicy(
      {
        tree: { parents: Int32Array.from(nodes.parents), levels: Uint8Array.from(nodes.levels) },
        regions: this.service.regions.length,
        nodePlaces: Int32Array.from(nodes.places),
        ...{ expected, guessed, placed: true },
      },
      {
        nodes: Int32Array.from(this.#pairNodes),
        places: Int32Array.from(this.#pairClasses),
        keys: Uint32Array.from(this.#pairNodes, (_, pair) => this.#keyOf(pair)),
        resolvers: Int32Array.from(this.#pairResolvers),
      },
      { ...defaultLatencySettings, maxLatencyMs: this.service.maxLatencyMs },
      this.#resolvers.catchments,
    )
    if (before !== undefined) this.#policy.inherit(before)
  }

  #keyOf(pair: number): number {
    const name = this.#nodes.names[this.#pairNodes[pair]!]!
    const resolver = this.#pairResolvers[pair]!
    const own = resolver < 0 ? name : `${name} resolver ${resolver}`
    return keyOf(own, keyOf(this.service.name))
  }

  /** Pairs by address; below -1 the bases of what lies in no network. */
  #layer(family: 4 | 6): Layers {
    const base = family === 4 ? this.#ground.v4 : this.#ground.v6
    const networks = this.#nodes.ranges(family)
    const combine = (values: Int32Array): number =>
      values[0]! < 0 ? -2 - values[1]! : this.#pairOf(values[0]!, this.#ground.classes[values[1]!]!)
    const layers = [networks, base]
    const held = this.#layers[family]
    if (held === undefined) return { networks, merged: mergeRanges(layers, combine) }
    const dirty = differenceOf(held.networks, networks)
    return { networks, merged: remergeRanges(held.merged, layers, combine, dirty) }
  }

  #pairOf(node: number, place: number, resolver = -1): number {
    const key = `${node} ${place} ${resolver}`
    const known = this.#pairs.get(key)
    if (known !== undefined) return known
    this.#pairs.set(key, this.#pairNodes.length)
    this.#pairClasses.push(place)
    this.#pairResolvers.push(resolver)
    return this.#pairNodes.push(node) - 1
  }

  #pairOfBase(base: number): number {
    const node = this.#nodes.around(base)
    const isOwn = node >= 0 && systemOf(this.#nodes, node) >= 0
    const resolver = isOwn ? -1 : this.#resolvers.idOf(base)
    if (node < 0 && resolver < 0) return -1
    return this.#pairOf(Math.max(0, node), this.#ground.classes[base]!, resolver)
  }

  /** A pair; below -1 a base; undefined while nothing was measured. */
  #valueAt(bytes: Uint8Array): number | undefined {
    const layers = this.#layers[bytes.length === 16 ? 6 : 4]
    if (layers === undefined) return undefined
    const { merged } = layers
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    const key = Uint32Array.from({ length: merged.words }, (_, at) => view.getUint32(at * 4))
    return merged.values[rangeAt(merged, key, 0)]!
  }

  /** Rows for a slot; undefined while nothing is learned. */
  compile(nowMs: number, slot: number, budget: number, memory: Memory): ServiceRoutes | undefined {
    const policy = this.#policy
    if (policy === undefined) return undefined
    policy.compile(nowMs)
    const rows = new DistinctRows(policy, this.service.regions.length, slot, budget)
    const ofPair = Int32Array.from(this.#pairNodes, (_, pair) => rows.numberOf(pair))
    const ofBase = Int32Array.from(this.#ground.classes, (_, base) => {
      const pair = this.#pairOfBase(base)
      return pair < 0 ? -1 : ofPair[pair]!
    })
    if (rows.count === 0) return undefined
    const rowOf = (value: number) => (value >= 0 ? ofPair[value]! : ofBase[-2 - value]!)
    const [v4, v6] = FAMILIES.map((family) => mapped(this.#layers[family]!.merged, rowOf))
    const { name, regions } = this.service
    return { name, regions, map: clientMapParts(v4!, v6!, memory), ...rows.laid(memory) }
  }

  /** What is expected for a client, and from where up the tree. */
  describe(bytes: Uint8Array, nowMs: number): LearnedView | undefined {
    const policy = this.#policy
    const value = this.#valueAt(bytes)
    if (policy === undefined || value === undefined) return undefined
    const pair = value >= 0 ? value : this.#pairOfBase(-2 - value)
    if (pair < 0) return undefined
    const { levels, parents } = policy.beliefs.tree
    let node = this.#pairNodes[pair]!
    const { means, regions } = policy.beliefs
    const own = node
    while (node !== 0 && !policy.predictions.informs(node)) node = parents[node]!
    const catchment = this.#resolvers.catchments.of(this.#pairResolvers[pair]!)
    return {
      source: catchment === undefined ? levelNames[levels[node]!]! : 'catchment',
      network: this.#nodes.names[node]!,
      ...(catchment === undefined ? {} : { networksBehind: catchment.networks }),
      regions: this.service.regions.map((region, at) => {
        const { ms, deviationMs } = policy.expectation(pair, at)
        const cell = own * regions + at
        const measured = means[cell]! > 0
        const certain = Math.sqrt(policy.beliefs.varianceAt(cell, nowMs))
        return {
          ...{ region, expectedMs: ms, deviationMs },
          ...(measured ? { measuredMs: means[cell]!, measuredDeviationMs: certain } : {}),
        }
      }),
    }
  }
}

const levelNames = ['world', 'country', 'system', 'wider network', 'network'] as const

/** The data behind a decision, for those who ask why. */
export interface LearnedView {
  /** How far up the tree its measurements come from. */
  readonly source: (typeof levelNames)[number] | 'catchment'
  /** That node; of a catchment the one that would speak without it. */
  readonly network: string
  /** Of a catchment: how many networks are taken to be behind it, each by its part. */
  readonly networksBehind?: number
  readonly regions: readonly {
    readonly region: string
    readonly expectedMs: number
    /** Standard deviation: the confidence. */
    readonly deviationMs: number
    /** What was measured for the network itself. */
    readonly measuredMs?: number
    readonly measuredDeviationMs?: number
  }[]
}

function mapped({ words, starts, values }: Ranges, rowOf: (value: number) => number): Ranges {
  const list = new RangeList(words)
  for (let at = 0; at < values.length; at++) list.add(starts, at, rowOf(values[at]!))
  return list.done()
}

/** Rows of the policy, each distinct one once. */
class DistinctRows {
  count = 0
  readonly #policy: LatencyPolicy
  readonly #regions: number
  readonly #slot: number
  readonly #budget: number
  readonly #known = new Map<string, number>()
  readonly #ranking: number[] = []
  readonly #shares: number[] = []
  readonly #exploring: number[] = []

  constructor(policy: LatencyPolicy, regions: number, slot: number, budget: number) {
    this.#policy = policy
    this.#regions = regions
    this.#slot = slot
    this.#budget = budget
  }

  /** The number of a pair's row; -1 where nothing is learned for it. */
  numberOf(pair: number): number {
    const { method, explore, keys, ranking, shares } = this.#policy.rows
    if (method[pair] !== LEARNED) return -1
    const from = pair * this.#regions
    const target = explore[pair]!
    const isExploring = target >= 0 && explores(keys[pair]!, this.#slot, this.#budget)
    const order = [...ranking.subarray(from, from + this.#regions)]
    const parts = [...shares.subarray(from, from + this.#regions)].map(
      (share) => Math.round(share / SHARE_STEP) * SHARE_STEP,
    )
    if (isExploring) {
      order.splice(order.indexOf(target), 1)
      order.unshift(target)
      parts.fill(0)
    }
    if (!parts.some((share) => share > 0) || isExploring) parts[0] = 1_000
    const key = `${order.join()} ${parts.join()} ${isExploring}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    this.#known.set(key, this.count)
    this.#ranking.push(...order)
    this.#shares.push(...parts)
    this.#exploring.push(isExploring ? 1 : 0)
    return this.count++
  }

  laid(memory: Memory): Pick<ServiceRoutes, 'ranking' | 'shares' | 'exploring'> {
    const ranking = new Uint8Array(memory(this.#ranking.length))
    const shares = new Uint16Array(memory(this.#shares.length * 2))
    const exploring = new Uint8Array(memory(this.#exploring.length))
    ranking.set(this.#ranking)
    shares.set(this.#shares)
    exploring.set(this.#exploring)
    return { ranking, shares, exploring }
  }
}
