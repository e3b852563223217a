/**
 * A zone on several nodes, its parent, and resolvers that validate, on a virtual clock.
 *
 * The resolvers fetch DS, keys and signed records at different times, from any node that answers,
 * and keep each for its TTL. Half of them take any valid path, half want all algorithms of the DS
 * set. What a resolver cannot validate is noted: the list of it must stay empty.
 */
import { createHash } from 'node:crypto'
import { nodeDnssecCrypto } from '../../src/actors/signer/ports-crypto.ts'
import { type Random, seededRandom } from '../../src/core/base/random.ts'
import type { Algorithm } from '../../src/core/dnssec/algorithms.ts'
import type { DnssecCrypto } from '../../src/core/dnssec/crypto.ts'
import type { DsSet, KeySet, RollEvent, RollPolicy } from '../../src/core/dnssec/roll/types.ts'
import { keySetOf, signingOf } from '../../src/core/dnssec/roll/views.ts'
import { KeyRing } from '../../src/core/dnssec/sync/ring.ts'
import type { Bundle, SyncMessage } from '../../src/core/dnssec/sync/types.ts'
import { type Cached, Resolver } from './dnssec-resolver.ts'

export const ZONE = 'gslb.example.com'
const HOUR = 3_600

export const plainPolicy: RollPolicy = {
  algorithm: 13,
  isSplit: false,
  dnskeyTtlSeconds: HOUR,
  zoneTtlSeconds: HOUR,
  safetySeconds: HOUR,
  parentSeconds: 24 * HOUR,
  zskLifetimeSeconds: 0,
  kskLifetimeSeconds: 0,
}

/** Keys that are random octets: the model looks at who signs, not at signatures. */
function modelCrypto(random: Random): DnssecCrypto {
  const sizes: Readonly<Record<number, number>> = { 13: 64, 14: 96, 15: 32 }
  return {
    ...nodeDnssecCrypto(),
    sha256: (bytes) => new Uint8Array(createHash('sha256').update(bytes).digest()),
    isPair: () => true,
    generate: (algorithm: Algorithm) => ({
      publicKey: {
        algorithm,
        bytes: Uint8Array.from({ length: sizes[algorithm]! }, () => random.below(256)),
      },
      privateKey: {
        kind: 'scalar',
        scalar: new Uint8Array(algorithm === 14 ? 48 : 32).fill(1),
      },
    }),
  }
}

interface View {
  readonly keys: KeySet
  readonly signing: readonly string[]
  readonly offered: DsSet
}

const UNSIGNED: View = { keys: { members: [], signers: [] }, signing: [], offered: [] }

export class Node {
  readonly name: string
  readonly ring: KeyRing
  readonly clockOffsetSeconds: number
  policy: RollPolicy
  isUp = true
  /** Cut off from the other nodes and the parent; resolvers reach it. */
  isCutOff = false
  startedSeconds: number
  view: View = UNSIGNED
  #pending: { readonly edition: string; readonly atSeconds: number } | undefined
  #edition = ''

  constructor(
    name: string,
    ring: KeyRing,
    clockOffsetSeconds: number,
    policy: RollPolicy,
    startedSeconds: number,
  ) {
    this.name = name
    this.ring = ring
    this.clockOffsetSeconds = clockOffsetSeconds
    this.policy = policy
    this.startedSeconds = startedSeconds
  }

  /** Signs what the document says now, which takes a while, and then serves it. */
  serve(nowSeconds: number, delaySeconds: number): void {
    const state = this.ring.zone(ZONE)?.bundle?.state
    if (state === undefined) return
    const edition = JSON.stringify([state.lineage, state.version, state.terms])
    if (this.#pending?.edition !== edition && edition !== this.#edition)
      this.#pending = { edition, atSeconds: nowSeconds + delaySeconds }
    if (this.#pending === undefined || nowSeconds < this.#pending.atSeconds) return
    this.#edition = edition
    this.#pending = undefined
    this.view = { keys: keySetOf(state), signing: signingOf(state), offered: state.offered }
    this.ring.zone(ZONE)!.served(state.lineage, state.version)
  }
}

export interface WorldOptions {
  readonly seed: number
  readonly nodes: number
  readonly policy?: Partial<RollPolicy>
  /** What the nodes are told, where it differs from what is true. */
  readonly told?: Partial<RollPolicy>
  readonly parentDelaySeconds?: number
  /** A parent that takes CDS up only when all nodes that answer show the same. */
  readonly isParentCareful?: boolean
  readonly loss?: number
  readonly resolvers?: number
  /** How far clocks are off, to either side. */
  readonly clocksSeconds?: number
}

export class RollWorld {
  readonly random: Random
  readonly crypto: DnssecCrypto
  policy: RollPolicy
  readonly options: WorldOptions
  readonly nodes: Node[] = []
  readonly resolvers: Resolver[]
  readonly events: RollEvent[] = []
  readonly bogus: string[] = []
  readonly dsTtlSeconds = 2 * HOUR
  /** What each of the parent's servers publishes. */
  readonly parent: DsSet[] = [[], []]
  isParentDeaf = false
  nowSeconds = 1_800_000_000
  #parentWork: { readonly set: DsSet; readonly server: number; readonly atSeconds: number }[] = []
  #parentLooks = 0
  validated = 0

  constructor(options: WorldOptions) {
    this.options = options
    this.random = seededRandom(options.seed)
    this.crypto = modelCrypto(this.random)
    this.policy = { ...plainPolicy, ...options.policy }
    this.resolvers = Array.from(
      { length: options.resolvers ?? 16 },
      (_, at) => new Resolver(at % 2 === 1),
    )
    for (let at = 0; at < options.nodes; at++) this.add()
  }

  add(stored: readonly Bundle[] = []): Node {
    const name = `node-${this.nodes.length + 1}`
    const clocks = this.options.clocksSeconds ?? 300
    const offset = this.random.below(2 * clocks + 1) - clocks
    const node = new Node(
      name,
      this.#ring(name, stored),
      offset,
      this.#toldPolicy(),
      this.nowSeconds,
    )
    node.ring.setZones([{ zone: ZONE, policy: node.policy }])
    this.nodes.push(node)
    return node
  }

  #toldPolicy(): RollPolicy {
    return { ...this.policy, ...this.options.told }
  }

  #ring(node: string, stored: readonly Bundle[], formerly: readonly string[] = []): KeyRing {
    const newLineage = () =>
      Array.from({ length: 32 }, () => this.random.below(16).toString(16)).join('')
    return new KeyRing({ node, formerly, crypto: this.crypto, rsaBits: 2_048, newLineage }, stored)
  }

  setPolicy(change: Partial<RollPolicy>): void {
    this.policy = { ...this.policy, ...change }
    for (const node of this.nodes) {
      node.policy = { ...node.policy, ...change }
      node.ring.setZones([{ zone: ZONE, policy: node.policy }])
    }
  }

  clockOf(node: Node): number {
    return this.nowSeconds + node.clockOffsetSeconds
  }

  /** Stops the node; what it stored stays, and it may come back under another name. */
  kill(node: Node): (name?: string) => void {
    node.isUp = false
    const stored = node.ring.bundles()
    return (name = node.name) => {
      const formerly = name === node.name ? [] : [node.name]
      const back = new Node(
        name,
        this.#ring(name, stored, formerly),
        node.clockOffsetSeconds,
        node.policy,
        this.nowSeconds,
      )
      back.ring.setZones([{ zone: ZONE, policy: node.policy }])
      this.nodes[this.nodes.indexOf(node)] = back
      // It asks its peers before it serves.
      for (const peer of this.nodes) this.#exchange(back, peer, true)
      back.serve(this.clockOf(back), 0)
    }
  }

  #canTalk(a: Node, b: Node): boolean {
    return a !== b && a.isUp && b.isUp && !a.isCutOff && !b.isCutOff
  }

  #exchange(a: Node, b: Node, isSure = false): void {
    if (!this.#canTalk(a, b)) return
    const isLost = () => !isSure && this.random.next() < (this.options.loss ?? 0.1)
    let request: SyncMessage = a.ring.request('', this.clockOf(a))
    for (let round = 0; round < 4; round++) {
      if (isLost()) return
      const answer = b.ring.exchange(request, this.clockOf(b))
      this.#note(answer.outcome)
      if (isLost()) return
      const next = a.ring.exchange(answer.reply, this.clockOf(a))
      this.#note(next.outcome)
      if (next.isDone) return
      request = next.reply
    }
  }

  #note({ events }: { readonly events: readonly RollEvent[] }): void {
    this.events.push(...events)
  }

  /** Half a minute. */
  step(): void {
    this.nowSeconds += 30
    for (const node of this.nodes) this.#turn(node)
    this.#parentTurn()
    for (let at = 0; at < 4; at++)
      this.#resolve(this.resolvers[this.random.below(this.resolvers.length)]!)
  }

  #turn(node: Node): void {
    if (!node.isUp) return
    const nowSeconds = this.clockOf(node)
    if (this.random.next() < 0.05) for (const peer of this.nodes) this.#exchange(node, peer)
    const outcome = node.ring.turn({
      nowSeconds,
      startedSeconds: node.startedSeconds + node.clockOffsetSeconds,
      takeoverSeconds: 2 * HOUR,
      patienceSeconds: 14 * 24 * HOUR,
    })
    this.#note(outcome)
    node.serve(nowSeconds, this.random.below(120))
    if (!node.isCutOff && this.random.next() < 0.1) {
      const [first, second] = this.parent as [DsSet, DsSet]
      const isComplete = this.random.next() < 0.8
      const sets = isComplete ? [first, second] : [first]
      const look = { atSeconds: nowSeconds, isComplete, sets, ttlSeconds: this.dsTtlSeconds }
      this.#note(node.ring.look(ZONE, look))
    }
  }

  /** The parent asks any node for CDS, and publishes what it says when it gets to it. */
  #parentTurn(): void {
    const due = this.#parentWork.filter((work) => work.atSeconds <= this.nowSeconds)
    this.#parentWork = this.#parentWork.filter((work) => work.atSeconds > this.nowSeconds)
    for (const { set, server } of due.sort((a, b) => a.atSeconds - b.atSeconds))
      this.parent[server] = set
    if (this.isParentDeaf || this.#parentLooks++ % 20 !== 0) return
    const node = this.#reachable()
    if (node === undefined || node.view.offered.length === 0) return
    const set = node.view.offered
    const others = this.nodes.filter((each) => each.isUp && each.view !== UNSIGNED)
    const agree = others.every((each) => each.view.offered.join() === set.join())
    if (this.options.isParentCareful === true && !agree) return
    const planned = this.#parentWork.at(-1)?.set ?? this.parent[0]!
    if (
      planned.join() === set.join() &&
      (this.parent[1]!.join() === set.join() || this.#parentWork.length > 0)
    )
      return
    const delay = this.options.parentDelaySeconds ?? 600
    for (const server of [0, 1]) {
      // A parent may be slow, but what it read later it publishes later.
      const queued = this.#parentWork.filter((work) => work.server === server)
      const last = Math.max(this.nowSeconds, ...queued.map((work) => work.atSeconds))
      const atSeconds = last + this.random.below(delay + 1)
      this.#parentWork.push({ set, server, atSeconds })
    }
  }

  #reachable(): Node | undefined {
    const up = this.nodes.filter((node) => node.isUp && node.view !== UNSIGNED)
    return up[this.random.below(up.length)]
  }

  #resolve(resolver: Resolver): void {
    const node = this.#reachable()
    const other = this.#reachable()
    if (node === undefined || other === undefined) return
    const now = this.nowSeconds
    const fresh = <T>(cached: Cached<T> | undefined) =>
      cached !== undefined && cached.untilSeconds > now ? cached : undefined
    const some = (ttl: number) => now + 1 + this.random.below(ttl)
    const { dnskeyTtlSeconds, zoneTtlSeconds } = this.policy
    const which = this.random.below(resolver.answers.length)
    const ds = fresh(resolver.ds) ?? {
      value: this.parent[this.random.below(2)]!,
      untilSeconds: some(this.dsTtlSeconds),
    }
    const keys = fresh(resolver.keys) ?? {
      value: node.view.keys,
      untilSeconds: now + dnskeyTtlSeconds,
    }
    const answer = fresh(resolver.answers[which]) ?? {
      value: other.view.signing,
      untilSeconds: this.random.next() < 0.3 ? now + zoneTtlSeconds : some(zoneTtlSeconds),
    }
    resolver.ds = ds
    resolver.keys = keys
    resolver.answers[which] = answer
    this.#validate(resolver, ds.value, keys.value, answer.value)
  }

  #validate(resolver: Resolver, ds: DsSet, keys: KeySet, signing: readonly string[]): void {
    if (ds.length === 0) return
    this.validated++
    const entry = ds.filter((id) => keys.members.includes(id) && keys.signers.includes(id))
    const signed = signing.filter((id) => keys.members.includes(id))
    const algorithmOf = (id: string) => this.algorithms.get(id)
    const covers = (ids: readonly string[]) =>
      ds.every((id) => ids.some((each) => algorithmOf(each) === algorithmOf(id)))
    const isValid =
      entry.length > 0 &&
      signed.length > 0 &&
      (!resolver.isStrict || (covers(entry) && covers(signed)))
    if (isValid) return
    const tags = (ids: readonly string[]) => ids.map((id) => this.tags.get(id) ?? id).join(',')
    this.bogus.push(
      `${this.nowSeconds} ${resolver.isStrict ? 'strict' : 'lenient'}: DS ${tags(ds)}; keys ` +
        `${tags(keys.members)} by ${tags(keys.signers)}; zone by ${tags(signing)}`,
    )
  }

  readonly algorithms = new Map<string, number>()
  readonly tags = new Map<string, number>()

  #learnKeys(): void {
    for (const node of this.nodes)
      for (const key of node.ring.zone(ZONE)?.bundle?.state.keys ?? []) {
        this.algorithms.set(key.id, key.algorithm)
        this.tags.set(key.id, key.tag)
      }
  }

  /** Runs until the condition holds; whether it did in that time. */
  runUntil(isReached: () => boolean, maxSeconds: number): boolean {
    const end = this.nowSeconds + maxSeconds
    while (this.nowSeconds < end) {
      this.step()
      this.#learnKeys()
      if (isReached()) return true
    }
    return false
  }

  run(seconds: number): void {
    this.runUntil(() => false, seconds)
  }

  state(at = 0) {
    return this.nodes[at]?.ring.zone(ZONE)?.bundle?.state
  }

  /** The one key of each role in use, by tag, when all nodes serve the same and nothing rolls. */
  settledTags(): string | undefined {
    const up = this.nodes.filter((node) => node.isUp)
    const states = up.map((node) => node.ring.zone(ZONE)?.bundle?.state)
    const names = new Set(
      states.map((state) =>
        state === undefined
          ? 'none'
          : state.keys.map((key) => `${key.tag}:${key.goal}:${key.signsZone}`).join(),
      ),
    )
    const [state] = states
    const views = new Set(up.map((node) => JSON.stringify(node.view)))
    if (names.size !== 1 || views.size !== 1 || state === undefined) return undefined
    if (state.keys.some((key) => key.goal === 'gone')) return undefined
    if (this.parent.some((set) => set.join() !== state.offered.join())) return undefined
    if (state.offered.length === 0 || state.keys.some((key) => !key.isPublished)) return undefined
    return state.keys.map((key) => `${key.role}-${key.algorithm}-${key.tag}`).join(' ')
  }
}
