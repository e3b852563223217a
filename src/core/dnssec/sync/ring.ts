/**
 * The keys of all zones of a node, and the messages that keep them alike on all nodes.
 *
 * `KeyRing` is what the signer drives: it says which time it is, what the DNS threads serve and
 * what the parent shows, passes messages on, and publishes and stores the zones that changed. The
 * ring makes keys; it does no I/O and knows no clock.
 */
import { limits } from '../../base/limits.ts'
import type { DnssecCrypto } from '../crypto.ts'
import { restsBeside } from '../imports.ts'
import type { StoredKey } from '../keyfile.ts'
import { beginEvent, beginRoll, restRoll, rollKeyOf } from '../roll/begin.ts'
import { rolesOf } from '../roll/goals.ts'
import type { ParentLook } from '../roll/look.ts'
import { isRolling, leaderOf } from '../roll/status.ts'
import type { RollCommand, RollEvent, RollKey, RollPolicy, RollState } from '../roll/types.ts'
import { bundleBytes } from './codec.ts'
import { PeersHeard } from './peers-heard.ts'
import type {
  Bundle,
  CommandRefusal,
  Refusal,
  RingOutcome,
  SyncMessage,
  TurnSettings,
  ZoneMark,
} from './types.ts'
import { ZoneRing } from './zone-ring.ts'

export interface RingOptions {
  /** The name that no other node has. */
  readonly node: string
  /** Names that this node had before, and that documents may know it by. */
  readonly formerly?: readonly string[]
  /** 32 hexadecimal digits of this process alone: tells it from another one of the same name. */
  readonly instance?: string
  readonly crypto: DnssecCrypto
  readonly rsaBits: number
  /** 32 hexadecimal digits that nobody else draws. */
  readonly newLineage: () => string
}

export interface RingZone {
  readonly zone: string
  readonly policy: RollPolicy
}

export interface ForcedOutcome {
  readonly outcome: RingOutcome
  /** Nodes that nothing of the zone waits for any more. */
  readonly dead: readonly string[]
}

export interface Exchanged {
  readonly outcome: RingOutcome
  readonly reply: SyncMessage
  /** Both have said all there was to say. */
  readonly isDone: boolean
  /** The sender is another process under the name of this node: nothing of it is taken. */
  readonly isTwin: boolean
}

const NOTHING: RingOutcome = { changed: [], events: [], refusals: [] }
/** What becomes of a document of a peer and is no refusal. */
const QUIET: ReadonlySet<string> = new Set(['adopted', 'kept', 'known'])

export class KeyRing {
  readonly #options: RingOptions
  readonly #zones = new Map<string, ZoneRing>()
  readonly #policies = new Map<string, RollPolicy>()
  /** Keys of zones that are not configured now: they are kept. */
  readonly #shelved = new Map<string, Bundle>()
  readonly #peers: PeersHeard

  constructor(options: RingOptions, stored: readonly Bundle[] = []) {
    this.#options = options
    this.#peers = new PeersHeard(options.node, options.formerly)
    for (const bundle of stored) this.#shelved.set(bundle.state.zone, bundle)
  }

  get node(): string {
    return this.#options.node
  }

  /** Names that this node had before, the last one first. */
  get formerly(): readonly string[] {
    return this.#peers.formerly
  }

  /** The zones to sign, of which those with stored keys have them at once; all others rest. */
  setZones(zones: readonly RingZone[]): RingOutcome {
    const { node, crypto, rsaBits } = this.#options
    const names = new Set(zones.map(({ zone }) => zone))
    for (const [name, ring] of this.#zones) {
      if (names.has(name)) continue
      if (ring.bundle !== undefined) this.#shelved.set(name, ring.bundle)
      this.#zones.delete(name)
      this.#policies.delete(name)
    }
    for (const { zone, policy } of zones) {
      this.#policies.set(zone, policy)
      if (this.#zones.has(zone)) continue
      const bundle = this.#shelved.get(zone)
      this.#shelved.delete(zone)
      const options = { node, zone, crypto, rsaBits, heard: this.#peers }
      this.#zones.set(zone, new ZoneRing(options, bundle))
    }
    return { ...NOTHING, changed: this.#rest() }
  }

  /** The names of those that rested not yet. Kept, so that a start hereafter knows of it. */
  #rest(): string[] {
    const changed: string[] = []
    for (const [name, bundle] of this.#shelved) {
      const state = restRoll(bundle.state)
      if (state === bundle.state || leaderOf(state) !== this.#options.node) continue
      this.#shelved.set(name, { ...bundle, state })
      changed.push(name)
    }
    return changed
  }

  /** All that is to be stored. */
  bundles(): readonly Bundle[] {
    const held = [...this.#zones.values()].map((ring) => ring.bundle)
    return [...held.filter((bundle) => bundle !== undefined), ...this.#shelved.values()]
  }

  zone(name: string): ZoneRing | undefined {
    return this.#zones.get(name)
  }

  /** Zones without keys. */
  bare(): readonly string[] {
    return [...this.#zones].filter(([, ring]) => ring.bundle === undefined).map(([name]) => name)
  }

  /** Whether keys of some zone are on their way in or out. */
  isRolling(): boolean {
    for (const { bundle } of this.#zones.values())
      if (bundle !== undefined && (isRolling(bundle.state) || hasPast(bundle.state))) return true
    return false
  }

  /** Zones that were signed here before. */
  shelved(): readonly string[] {
    return [...this.#shelved.keys()]
  }

  /** Every zone, with keys or without. */
  names(): readonly string[] {
    return [...this.#zones.keys()]
  }

  /** A sign of life of another node. */
  hear(node: string, atSeconds: number): void {
    this.#peers.hear(node, atSeconds)
  }

  lastHeard(node: string): number | undefined {
    return this.#peers.lastHeard(node)
  }

  /** The first keys of a zone: made here, or brought by an operator. */
  begin(
    zone: string,
    nowSeconds: number,
    how: { readonly isProvisional: boolean; readonly keys?: readonly StoredKey[] },
  ): RingOutcome {
    const ring = this.#zones.get(zone)
    const policy = this.#policies.get(zone)
    if (ring === undefined || policy === undefined || ring.bundle !== undefined) return NOTHING
    const { crypto, node, newLineage } = this.#options
    const stored =
      how.keys ?? rolesOf(policy).map((role) => ring.make(role, policy.algorithm, nowSeconds))
    const keys = stored.map((key): RollKey => {
      const goal = restsBeside(key, stored, nowSeconds) ? 'gone' : 'in-use'
      return { ...rollKeyOf(key, crypto, key.times.created ?? nowSeconds), goal }
    })
    const { isProvisional } = how
    const beginning = { zone, lineage: newLineage(), node, keys, isProvisional }
    const wasSigned = how.keys !== undefined
    const state = beginRoll({ ...beginning, wasSigned }, policy, nowSeconds)
    ring.begin({ state, keys: stored })
    return { ...NOTHING, changed: [zone], events: [beginEvent(state)] }
  }

  /** One turn of each zone, or of those named. */
  turn(settings: TurnSettings, names: Iterable<string> = this.#zones.keys()): RingOutcome {
    return this.#over(names, (ring, policy) => ring.turn(policy, settings))
  }

  look(zone: string, look: ParentLook): RingOutcome {
    return this.#over([zone], (ring, policy) => ring.look(look, policy))
  }

  /** Undefined when another node leads the zone, or the zone has no keys. */
  command(zone: string, command: RollCommand, nowSeconds: number): RingOutcome | undefined {
    let isLed = true
    const outcome = this.#over([zone], (ring) => {
      const events = ring.command(command, nowSeconds)
      isLed = events !== undefined
      return events ?? []
    })
    return isLed && this.#zones.has(zone) ? outcome : undefined
  }

  /** Why the order would not be taken, as `command` takes it. */
  refusal(zone: string, command: RollCommand, settings: TurnSettings): CommandRefusal | undefined {
    const ring = this.#zones.get(zone)
    return ring === undefined ? { kind: 'no-keys' } : ring.refusal(command, settings)
  }

  /** Nodes that are not heard are dead, an operator says; undefined where the leader is heard. */
  force(zone: string, settings: TurnSettings): ForcedOutcome | undefined {
    let dead: readonly string[] | undefined
    const outcome = this.#over([zone], (ring) => {
      const forced = ring.force(settings)
      dead = forced?.dead
      return forced?.events ?? []
    })
    return dead === undefined ? undefined : { outcome, dead }
  }

  /** An operator took the node out of service: nothing waits for it any more. */
  forget(node: string, nowSeconds: number): RingOutcome {
    this.#peers.forget(node, nowSeconds)
    return this.#over(this.#zones.keys(), (ring) => {
      ring.forget(node, nowSeconds)
      return []
    })
  }

  #over(
    names: Iterable<string>,
    act: (ring: ZoneRing, policy: RollPolicy) => readonly RollEvent[],
  ): RingOutcome {
    const changed: string[] = []
    const events: RollEvent[] = []
    for (const name of names) {
      const ring = this.#zones.get(name)
      const policy = this.#policies.get(name)
      if (ring === undefined || policy === undefined) continue
      const before = ring.bundle?.state
      events.push(...act(ring, policy))
      if (ring.bundle?.state !== before) changed.push(name)
    }
    return { changed, events, refusals: [] }
  }

  /** The first message to a peer, about the zones after the name. */
  request(after: string, nowSeconds: number): SyncMessage {
    const names = [...this.#zones.keys()].filter((name) => name > after).sort()
    const some = names.slice(0, limits.syncZonesPerMessage.default)
    const last = some.at(-1)
    const isWhole = some.length === names.length || last === undefined
    return {
      ...this.#message('request', nowSeconds, some),
      after,
      ...(isWhole ? {} : { upTo: last }),
    }
  }

  get #instance(): Pick<SyncMessage, 'instance'> {
    const { instance } = this.#options
    return instance === undefined ? {} : { instance }
  }

  #message(kind: SyncMessage['kind'], nowSeconds: number, names: readonly string[]): SyncMessage {
    return {
      kind,
      node: this.#options.node,
      ...this.#instance,
      formerly: this.formerly,
      heard: this.#peers.told(nowSeconds),
      after: '',
      marks: names.map((name) => this.#zones.get(name)!.mark()),
      bundles: [],
      wants: [],
      isCut: false,
    }
  }

  /**
   * What the peer sent is taken, and the message to send back: an answer to a request, and the next
   * request after an answer, as far as there is something to say. `isDirect`: it was sent to this
   * node now, and did not lie in a store for all.
   */
  exchange(from: SyncMessage, nowSeconds: number, isDirect = true): Exchanged {
    const { node } = from
    if (node === this.#options.node) {
      // This node, which a list for all nodes names too, or another one that has its name.
      const isTwin = from.instance !== this.#options.instance
      const reply = this.#message('answer', nowSeconds, [])
      return { outcome: NOTHING, reply, isDone: true, isTwin }
    }
    this.#peers.take(from, nowSeconds, isDirect)
    const outcome = this.#takeBundles(from, nowSeconds)
    if (isDirect) this.#noteZones(from, nowSeconds)
    for (const mark of from.marks) this.#zones.get(mark.zone)?.hear(mark)
    const kind = from.kind === 'request' ? 'answer' : 'request'
    const names = from.marks.map(({ zone }) => zone).filter((name) => this.#zones.has(name))
    const wants = from.marks
      .filter((mark) => this.#zones.get(mark.zone)?.lacks(mark))
      .map(({ zone }) => zone)
    const { bundles, isCut, given } = this.#bundlesFor(from)
    const reply = {
      ...this.#message(kind, nowSeconds, names),
      after: from.after,
      ...(from.upTo === undefined ? {} : { upTo: from.upTo }),
      bundles,
      wants,
      isCut,
    }
    const isDone = wants.length === 0 && bundles.length === 0 && !from.isCut
    const changed = [...new Set([...outcome.changed, ...given])]
    return { outcome: { ...outcome, changed }, reply, isDone, isTwin: false }
  }

  /** Of zones that the message covers, those that it does not speak of the sender does not have. */
  #noteZones({ node, marks, after, upTo }: SyncMessage, nowSeconds: number): void {
    const named = new Set(marks.map(({ zone }) => zone))
    for (const [zone, ring] of this.#zones)
      if (zone > after && (upTo === undefined || zone <= upTo))
        ring.heardFrom(node, named.has(zone), nowSeconds)
  }

  /** A node laid down whether it has the zone, where it says so of each zone by itself. */
  told(node: string, zone: string, hasZone: boolean, nowSeconds: number): void {
    this.#zones.get(zone)?.heardFrom(node, hasZone, nowSeconds)
  }

  #takeBundles(from: SyncMessage, nowSeconds: number): RingOutcome {
    const changed = new Set<string>()
    const events: RollEvent[] = []
    const refusals: Refusal[] = []
    for (const bundle of from.bundles) {
      const { zone } = bundle.state
      const ring = this.#zones.get(zone)
      const before = tagsOf(ring?.bundle?.state)
      const what = ring === undefined ? 'other-zone' : ring.consider(bundle)
      if (what === 'adopted') {
        changed.add(zone)
        if (tagsOf(bundle.state) !== before)
          events.push(adoptedEvent(bundle.state, from.node, nowSeconds))
      }
      if (!QUIET.has(what))
        refusals.push({ peer: from.node, zone, reason: what as Refusal['reason'] })
    }
    return { changed: [...changed], events, refusals }
  }

  /** What the peer asked for, and what it lacks as its marks show; as much as a message takes. */
  #bundlesFor({ marks, wants, node }: SyncMessage): {
    readonly bundles: readonly Bundle[]
    readonly isCut: boolean
    /** Zones whose documents name the peer as a guest from now on. */
    readonly given: readonly string[]
  } {
    const wanted = new Set(wants)
    const behind = marks.filter((mark) => this.#zones.get(mark.zone)?.isAheadOf(mark))
    for (const { zone } of behind) wanted.add(zone)
    const bundles: Bundle[] = []
    const given: string[] = []
    let bytes = 0
    for (const zone of wanted) {
      const ring = this.#zones.get(zone)
      if (ring?.bundle === undefined) continue
      const some = wants.includes(zone) ? [ring.bundle, ...ring.strays] : [ring.bundle]
      bytes += some.reduce((sum, bundle) => sum + bundleBytes(bundle), 0)
      if (bytes > limits.syncBundleBytes.default && bundles.length > 0)
        return { bundles, isCut: true, given }
      bundles.push(...some)
      const before = ring.bundle
      ring.gave(node)
      if (ring.bundle !== before) given.push(zone)
    }
    return { bundles, isCut: false, given }
  }
}

const tagsOf = (state: RollState | undefined): string =>
  (state?.keys ?? []).map(({ tag }) => tag).join(', ')

const hasPast = (state: RollState): boolean =>
  state.pastKeySets.length + state.pastSignings.length > 0

const adoptedEvent = (state: RollState, peer: string, atSeconds: number): RollEvent => ({
  kind: 'sets-joined',
  zone: state.zone,
  atSeconds,
  text: `The keys are those of ${peer} now: ${tagsOf(state)}.`,
  isAlarm: false,
})

/** Whether a peer has keys of the zone; undefined when it did not say. */
export const hasKeys = (marks: readonly ZoneMark[], zone: string): boolean | undefined => {
  const mark = marks.find((each) => each.zone === zone)
  return mark === undefined ? undefined : mark.held !== undefined
}
