/**
 * Tells the other actors who is in the cluster: all of it to one that starts, then what changed.
 *
 * Changes are gathered for a quarter of a second, and a member that is what it was told to be is
 * not told again: thousands of members that come and go cost what changes, not the list. Addresses
 * worth calling after a restart go to the registry with it.
 */
import { limits } from '../../core/base/limits.ts'
import type { Membership } from '../../core/gossip/swim/membership.ts'
import { addressOf } from '../../core/net/address.ts'
import type { Ctx } from '../../kernel/actor.ts'
import type { Cancel } from '../../kernel/clock.ts'
import type { ProductCatalogue } from '../../messages/catalogue.ts'
import { isThere, type Known, type KnownMembers, placeOf } from './members.ts'
import { memberRecord } from './records.ts'

export class MembersTold {
  /** Called once our leaving is known. */
  onLeaveTold: () => void = () => {}
  readonly #ctx: Ctx<ProductCatalogue, 'gossip'>
  readonly #membership: Membership
  readonly #members: KnownMembers
  readonly #self: string
  readonly #remembered = new Map<string, number>()
  /** What was told of each member, as text. */
  readonly #told = new Map<string, string>()
  readonly #changed = new Set<string>()
  #overwatches = ''
  #turn = 0
  #isPlanned = false
  #earliestMs = Number.NEGATIVE_INFINITY
  #cancel: Cancel = () => {}

  constructor(
    ctx: Ctx<ProductCatalogue, 'gossip'>,
    membership: Membership,
    members: KnownMembers,
    self: string,
  ) {
    this.#ctx = ctx
    this.#membership = membership
    this.#members = members
    this.#self = self
  }

  changed(name: string): void {
    this.#changed.add(name)
    this.#plan()
  }

  /** Everything, to one that knows nothing. */
  all(): void {
    this.#keepOwn()
    this.#told.clear()
    const members = [...this.#members.all()].map((known) => this.#members.view(known, this.#self))
    for (const view of members) this.#told.set(view.name, JSON.stringify(view))
    this.#ctx.publish('gossip.members-set', { members, turn: ++this.#turn })
    this.#overwatches = ''
    this.#tellOverwatches()
    this.#plan()
  }

  stop(): void {
    this.#cancel()
    this.#isPlanned = true
  }

  #plan(): void {
    if (this.#isPlanned) return
    this.#isPlanned = true
    const { clock } = this.#ctx
    // Events come in bursts, so even the first waits for the turn to end.
    const waitMs = Math.max(0, this.#earliestMs - clock.monotonicMs())
    this.#cancel = clock.after(waitMs, () => this.#tell())
  }

  #keepOwn(): void {
    const { self } = this.#membership
    if (this.#members.find(self.name) === undefined)
      this.#members.take({ kind: 'updated', member: self })
  }

  #tell(): void {
    this.#isPlanned = false
    this.#earliestMs = this.#ctx.clock.monotonicMs() + limits.gossipMembersSetMs.default
    this.#members.retain((name) => this.#membership.member(name) !== undefined)
    this.#keepOwn()
    for (const name of this.#changed) this.#tellOne(name)
    this.#changed.clear()
    for (const name of this.#told.keys())
      if (this.#members.find(name) === undefined) this.#tellOne(name)
    this.#tellOverwatches()
    this.#keepPlaces()
  }

  #tellOne(name: string): void {
    const known = this.#members.find(name)
    const member = known && this.#members.view(known, this.#self)
    const text = member === undefined ? undefined : JSON.stringify(member)
    if (this.#told.get(name) === text) return
    if (text === undefined) this.#told.delete(name)
    else this.#told.set(name, text)
    const turn = ++this.#turn
    this.#ctx.publish('gossip.member-changed', {
      ...{ name, turn },
      ...(member === undefined ? {} : { member }),
    })
  }

  #tellOverwatches(): void {
    const known = this.#members.overwatches().map(({ member }) => member)
    const live = known.filter(({ state }) => state === 'alive').map(({ name }) => name)
    const addresses = known.map(({ addr }) => addressOf(addr).text)
    const set = { live: live.sort(), addresses: [...new Set(addresses)].sort() }
    const text = JSON.stringify(set)
    if (text === this.#overwatches) return
    this.#overwatches = text
    this.#ctx.publish('gossip.overwatches-set', set)
  }

  /** Overwatches, and a few agents: any one of them is enough to find all. */
  #keepPlaces(): void {
    const own = this.#members.find(this.#self)?.meta
    if (own?.role !== 'overwatch') return
    const nowMs = this.#ctx.clock.nowMs()
    let agents = 0
    for (const known of this.#members.all()) {
      const { member, meta } = known
      if (!isThere(member) || member.name === this.#self || meta === undefined) continue
      if (meta.role === 'agent' && ++agents > limits.gossipRememberedAgents.default) continue
      this.#keepPlace(known, nowMs)
    }
  }

  #keepPlace({ member }: Known, nowMs: number): void {
    const before = this.#remembered.get(member.name) ?? Number.NEGATIVE_INFINITY
    if (nowMs - before < limits.gossipRememberMs.default / 2) return
    if (this.#remembered.size > limits.swimMembers.default) this.#remembered.clear()
    this.#remembered.set(member.name, nowMs)
    const record = memberRecord(member.name, placeOf(member), this.#self, nowMs)
    this.#ctx.publish('gossip.record-learned', record)
  }
}
