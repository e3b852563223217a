/**
 * The keys of one zone on one node: the document with its private keys, what waits to be taken in,
 * and which node serves which version of it.
 *
 * The law: the document of a zone is changed by the node that leads it, and only while it hears
 * more than half of the members. Another node takes over when the leader was not heard for long, by
 * such a majority as well. So of two parts of a network one at most takes steps, and each of them
 * goes with what the other part serves, because nothing is over until all members serve what came
 * after it.
 */
import { limits } from '../../base/limits.ts'
import type { DnssecCrypto } from '../crypto.ts'
import type { StoredKey } from '../keyfile.ts'
import { type Ttls, advance, horizonOf, longerTtls } from '../roll/advance.ts'
import { isTagTaken, keyIdOf, rollKeyOf, startRoll, withKey } from '../roll/begin.ts'
import { keysFor } from '../roll/goals.ts'
import { type ParentLook, lookedAt } from '../roll/look.ts'
import { isRolling, leaderOf } from '../roll/status.ts'
import type {
  RollCommand,
  RollEvent,
  RollFacts,
  RollKey,
  RollPolicy,
  RollWait,
} from '../roll/types.ts'
import { absorb } from './absorb.ts'
import { bundleFault, keysOfBundle } from './check-bundle.ts'
import { type Forced, forcedState } from './forced.ts'
import { descends, knows, markOf, wins, withLeader } from './lineage.ts'
import type { PeersHeard } from './peers-heard.ts'
import { heardSince, refusalOf } from './refusal.ts'
import type {
  Bundle,
  CommandRefusal,
  RefusalReason,
  Serving,
  TurnSettings,
  ZoneMark,
} from './types.ts'
import { ZonePeers } from './zone-peers.ts'

export interface ZoneRingOptions {
  readonly node: string
  readonly zone: string
  readonly crypto: DnssecCrypto
  readonly rsaBits: number
  readonly heard: PeersHeard
}

/** How many pairs are tried until one has a tag of its own: two in a row are rare already. */
const TAG_TRIES = 16

export class ZoneRing {
  readonly #options: ZoneRingOptions
  readonly #peers: ZonePeers
  #bundle: Bundle | undefined
  #strays: readonly Bundle[] = []
  #waits: readonly RollWait[] = []
  #hasMajority = true
  #isLeaderLost = false
  /** The longest TTLs of the turns in which nothing could be noted in the document. */
  #unnoted: Ttls = { dnskeyTtlSeconds: 0, zoneTtlSeconds: 0 }

  constructor(options: ZoneRingOptions, bundle?: Bundle) {
    this.#options = options
    this.#peers = new ZonePeers(options.node, options.heard)
    this.#bundle = bundle
    for (const guest of bundle?.state.guests ?? []) this.#peers.note(guest, 0)
  }

  get bundle(): Bundle | undefined {
    return this.#bundle
  }

  get strays(): readonly Bundle[] {
    return this.#strays
  }

  get waits(): readonly RollWait[] {
    const state = this.#bundle?.state
    if (state === undefined || this.isLed) return this.#waits
    const leader = leaderOf(state)
    if (this.#isLeaderLost)
      return [{ text: `${leader} leads these keys and is not heard: they stay as they are` }]
    return isRolling(state) ? [{ text: `${leader} leads these keys and takes the next step` }] : []
  }

  get isLed(): boolean {
    return this.#bundle !== undefined && leaderOf(this.#bundle.state) === this.#options.node
  }

  /** The DNS threads answer with the version of the document of that lineage. */
  served(lineage: string, version: number): void {
    const state = this.#bundle?.state
    if (state?.lineage !== lineage || version > state.version) return
    this.#peers.served(version)
  }

  mark(): ZoneMark {
    const { zone, node } = this.#options
    const others = [...this.#peers.names].filter((name) => name !== node)
    const serves = [node, ...others].map(
      (name): Serving => ({ node: name, version: this.#peers.serves(name) ?? 0 }),
    )
    const strays = this.#strays.map((stray) => markOf(stray.state))
    if (this.#bundle === undefined) return { zone, serves: [], strays }
    return { zone, held: markOf(this.#bundle.state), serves, strays }
  }

  /** Whether something of what the peer has is missing here. */
  lacks({ held, strays }: ZoneMark): boolean {
    const state = this.#bundle?.state
    const isNew = (mark: ZoneMark['strays'][number]) =>
      (state === undefined || !knows(state, mark)) &&
      !this.#strays.some((stray) => knows(stray.state, mark))
    return (held !== undefined && isNew(held)) || strays.some(isNew)
  }

  /** Whether the peer's document is a past state of the one held here, so that it lacks ours. */
  isAheadOf({ held }: ZoneMark): boolean {
    const state = this.#bundle?.state
    if (state === undefined) return false
    if (held === undefined) return true
    const own = markOf(state)
    const isSame =
      own.lineage === held.lineage && own.term === held.term && own.revision === held.revision
    return !isSame && knows(state, held)
  }

  /** The peer said what it has; whether this zone was among it. */
  heardFrom(peer: string, hasZone: boolean, nowSeconds: number): void {
    if (hasZone) this.#peers.came(peer)
    else this.#peers.left(peer, nowSeconds)
  }

  /** What the peer serves, as far as that is of the document held here. */
  hear({ held, serves }: ZoneMark): void {
    const state = this.#bundle?.state
    if (state === undefined || held === undefined || !descends(state, held)) return
    for (const { node, version } of serves) {
      if (node === this.#options.node || version > state.version) continue
      this.#peers.note(node, version)
    }
  }

  /** A node that was given the document: until it says what it serves, nothing is over. */
  gave(node: string): void {
    this.#peers.note(node, 0)
    const held = this.#bundle
    if (held === undefined || node === this.#options.node) return
    const { members, guests } = held.state
    if (members.includes(node) || guests.includes(node)) return
    if (guests.length >= limits.rollMembers.default) return
    this.#bundle = { ...held, state: { ...held.state, guests: [...guests, node] } }
  }

  /** A bundle of a peer: taken, kept to be taken in, or refused. */
  consider(bundle: Bundle): 'adopted' | 'kept' | 'known' | RefusalReason {
    const held = this.#bundle
    const mark = markOf(bundle.state)
    if (held !== undefined && knows(held.state, mark))
      return descends(held.state, mark) && mark.revision === held.state.revision
        ? 'known'
        : 'old-generation'
    const fault = bundleFault(bundle, this.#workingIds(), this.#options.crypto)
    if (fault !== undefined) return fault
    const keys = [...keysOfBundle(bundle, this.#options.crypto).values()]
    const clean = { state: bundle.state, keys }
    if (held === undefined || knows(bundle.state, markOf(held.state))) {
      const isLater = held !== undefined && descends(bundle.state, markOf(held.state))
      // Versions of another history say nothing of this one.
      if (!isLater) this.#peers.clear()
      this.#set(clean)
      return 'adopted'
    }
    if (wins(bundle.state, held.state)) return 'known'
    const others = this.#strays.filter((stray) => !knows(bundle.state, markOf(stray.state)))
    if (others.length >= limits.syncStrays.default) return 'known'
    this.#strays = [...others, clean]
    return 'kept'
  }

  #workingIds(): ReadonlySet<string> {
    const bundles = [...(this.#bundle === undefined ? [] : [this.#bundle]), ...this.#strays]
    return new Set(bundles.flatMap(({ state }) => state.keys.map((key) => key.id)))
  }

  #set(bundle: Bundle): void {
    const { members, guests: own } = bundle.state
    const all = new Set([...own, ...(this.#bundle?.state.guests ?? [])])
    const guests = [...all].filter((name) => !members.includes(name))
    const isSame = guests.join() === own.join()
    this.#bundle = isSame ? bundle : { ...bundle, state: { ...bundle.state, guests } }
    for (const guest of guests) this.#peers.note(guest, 0)
    this.#strays = this.#strays.filter((stray) => !knows(bundle.state, markOf(stray.state)))
  }

  /** The first document, or one made of keys that an operator brought. */
  begin(bundle: Bundle): void {
    this.#peers.clear()
    this.#set(bundle)
  }

  make(role: RollKey['role'], algorithm: RollKey['algorithm'], nowSeconds: number): StoredKey {
    const { crypto, rsaBits, zone } = this.#options
    const state = this.#bundle?.state
    const make = (): StoredKey => ({
      ...crypto.generate(algorithm, rsaBits),
      zone,
      role,
      times: { created: nowSeconds },
    })
    let key = make()
    // Two keys of one tag make validators try both, and people take one for the other.
    for (let tried = 0; tried < TAG_TRIES && state !== undefined; tried++) {
      if (!isTagTaken(state, rollKeyOf(key, crypto, nowSeconds))) break
      key = make()
    }
    return key
  }

  /** What an operator asked for; undefined when this node does not lead, or hears too few. */
  command(command: RollCommand, nowSeconds: number): readonly RollEvent[] | undefined {
    const held = this.#bundle
    if (held === undefined || !this.isLed || !this.#hasMajority) return undefined
    const { crypto } = this.#options
    const roles = keysFor(held.state, command)
    const algorithmOf = (role: RollKey['role']) =>
      held.state.keys.find((key) => key.role === role && key.goal === 'in-use')!.algorithm
    const made = roles.map((role) => this.make(role, algorithmOf(role), nowSeconds))
    const keys = made.map((key) => rollKeyOf(key, crypto, nowSeconds))
    const joined = startRoll(held.state, command, keys, nowSeconds)
    if (joined.state.keys.length < held.state.keys.length + keys.length) return []
    this.#set({ state: joined.state, keys: [...held.keys, ...made] })
    return joined.events
  }

  /** Why the order would not be taken. */
  refusal(command: RollCommand, settings: TurnSettings): CommandRefusal | undefined {
    const { node } = this.#options
    const refusal = refusalOf(this.#bundle, node, this.#peers, command, settings)
    // Found by the rule of a turn, since the last of which a node may have been heard.
    if (refusal === undefined) this.#hasMajority = true
    return refusal
  }

  /**
   * An operator knows that nodes which are not heard are dead: nothing waits for them, and this
   * node leads. Undefined while the leader is heard, who is to be told then.
   */
  force(settings: TurnSettings): Forced | undefined {
    const held = this.#bundle
    if (held === undefined) return undefined
    const forced = forcedState(held.state, this.#options.node, this.#peers, settings)
    if (forced === undefined) return undefined
    this.#bundle = { ...held, state: forced.state }
    this.#hasMajority = true
    return forced
  }

  look(look: ParentLook, policy: RollPolicy): readonly RollEvent[] {
    const held = this.#bundle
    if (held === undefined || !this.isLed) return []
    const { parentSeconds } = horizonOf(held.state, policy, look.atSeconds)
    const { state, events } = lookedAt(held.state, look, parentSeconds)
    if (state !== held.state) this.#set({ ...held, state })
    return events
  }

  /** One turn. Whether the document changed, and what is to be told. */
  turn(policy: RollPolicy, settings: TurnSettings): readonly RollEvent[] {
    const { nowSeconds, isTimeUnsure = false } = settings
    const longest = longerTtls(this.#unnoted, policy)
    this.#unnoted = longest
    const events: RollEvent[] = [...this.#lead(settings)]
    const held = this.#bundle
    if (held === undefined || !this.isLed) return events
    this.#hasMajority = this.#peers.hears(held.state.members, heardSince(settings), settings)
    if (!this.#hasMajority) {
      this.#waits = [{ text: 'The keys stay as they are: too few of their nodes are heard' }]
      // Members that are gone for good are forgotten all the same, or this would be for ever.
      return isTimeUnsure ? events : [...events, ...this.#muster(settings)]
    }
    events.push(...this.#takeIn(nowSeconds))
    if (!isTimeUnsure) events.push(...this.#muster(settings))
    const served = { ...policy, ...longest }
    const turn = advance(this.#bundle!.state, served, this.#facts(settings), nowSeconds)
    this.#unnoted = policy
    let { state } = turn
    let keys = this.#bundle!.keys
    events.push(...turn.events)
    this.#waits = turn.waits
    for (const action of turn.actions) {
      if (action.kind === 'delete-key') {
        keys = keys.filter((key) => keyIdOf(key, this.#options.crypto) !== action.id)
        continue
      }
      const made = this.make(action.role, action.algorithm, nowSeconds)
      const joined = withKey(state, rollKeyOf(made, this.#options.crypto, nowSeconds), nowSeconds)
      // A document that is full does not name it: nobody could ever use it or delete it.
      if (joined.state === state) continue
      state = joined.state
      keys = [...keys, made]
      events.push(...joined.events)
    }
    if (state !== this.#bundle!.state) this.#set({ state, keys })
    return events
  }

  /** Takes the lead when it is this node's turn. */
  #lead(settings: TurnSettings): readonly RollEvent[] {
    const { nowSeconds, takeoverSeconds, isTimeUnsure = false } = settings
    const held = this.#bundle
    if (held === undefined || this.isLed) return []
    const { state } = held
    const { node } = this.#options
    const leader = leaderOf(state)
    this.#isLeaderLost = this.#peers.isLost(leader, settings)
    const heir = this.#peers.heirOf(leader, settings)
    // For a node that is alone and bears another name than before no clock is needed.
    const isSure = !isTimeUnsure || this.#peers.isOwnPast(leader, settings)
    if (!isSure || !this.#isLeaderLost) return []
    const isFirst = state.members.every(
      (name) => name === leader || name >= node || this.#peers.isLost(name, settings),
    )
    // The leader itself under another name goes before all others.
    if (heir === undefined ? !isFirst : heir !== node) return []
    if (!this.#peers.hears(state.members, nowSeconds - takeoverSeconds, settings)) return []
    const lost = this.#peers.hasLeft(leader) ? 'serves the zone no more' : 'was not heard for long'
    const why = heir === node ? `it was ${leader} before` : `${leader} ${lost}`
    this.#set({ ...held, state: withLeader(state, node) })
    return [
      this.#event('leader-changed', `${node} leads the keys from now on: ${why}.`, nowSeconds),
    ]
  }

  #event(kind: RollEvent['kind'], text: string, atSeconds: number, isAlarm = false): RollEvent {
    return { kind, zone: this.#options.zone, atSeconds, text, isAlarm }
  }

  /** Documents of nodes that started apart. */
  #takeIn(nowSeconds: number): readonly RollEvent[] {
    const events: RollEvent[] = []
    for (const stray of this.#strays) {
      const held = this.#bundle!
      if (knows(held.state, markOf(stray.state))) continue
      const joined = absorb(held.state, stray.state, nowSeconds)
      if (joined === undefined) continue
      const ids = new Set(held.keys.map((key) => keyIdOf(key, this.#options.crypto)))
      const added = stray.keys.filter((key) => !ids.has(keyIdOf(key, this.#options.crypto)))
      this.#bundle = { state: joined.state, keys: [...held.keys, ...added] }
      events.push(...joined.events)
    }
    this.#set(this.#bundle!)
    return events
  }

  /** Nodes that serve the zone become members; those that are gone are members no more. */
  #muster(settings: TurnSettings): readonly RollEvent[] {
    const { nowSeconds } = settings
    const { state } = this.#bundle!
    const isGone = (name: string) => this.#peers.isGone(name, settings)
    const staying = state.members.filter((name) => !isGone(name))
    const here = new Set([this.#options.node, ...this.#peers.names])
    const come = [...here].filter((name) => !staying.includes(name) && !isGone(name))
    const events: RollEvent[] = []
    for (const name of state.members.filter(isGone)) {
      this.#peers.drop(name)
      const { text, isAlarm } = this.#peers.farewell(name)
      events.push(this.#event('member-forgotten', text, nowSeconds, isAlarm))
    }
    for (const name of come)
      events.push(this.#event('member-joined', `${name} serves the zone too.`, nowSeconds))
    if (events.length === 0) return []
    const members = [...staying, ...come].slice(0, limits.rollMembers.default)
    const next = { ...state, members, revision: state.revision + 1 }
    this.#set({ ...this.#bundle!, state: next })
    return events
  }

  #facts({ unheard = [], isTimeUnsure = false }: TurnSettings): RollFacts {
    const { members, version } = this.#bundle!.state
    const versions = members.map((name) => this.#peers.serves(name))
    const behind = members.filter((name) => (this.#peers.serves(name) ?? -1) < version)
    const isKnown = versions.every((each) => each !== undefined)
    return {
      servedByAll: isKnown ? Math.min(...versions) : undefined,
      behind,
      unheard,
      isTimeUnsure,
    }
  }

  /** An operator took the node out of service. */
  forget(node: string, nowSeconds: number): void {
    this.#peers.bury(node, nowSeconds)
  }
}
