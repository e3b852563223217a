/**
 * Tells the other actors who is in the cluster: at once, and then not too often, since the list is
 * told whole. Addresses worth calling after a restart go to the registry with it.
 */
import { limits } from '../../core/base/limits.ts'
import type { Membership } from '../../core/gossip/swim/membership.ts'
import type { Ctx } from '../../kernel/actor.ts'
import type { Cancel } from '../../kernel/clock.ts'
import type { ProductCatalogue } from '../../messages/catalogue.ts'
import { isThere, type Known, type KnownMembers, placeOf } from './members.ts'
import { memberRecord } from './records.ts'

/** A member costs about this long to list, encode and read at the other end. */
const MS_PER_MEMBER = 0.25

export class MembersTold {
  /** Called once our leaving is known. */
  onLeaveTold: () => void = () => {}
  readonly #ctx: Ctx<ProductCatalogue, 'gossip'>
  readonly #membership: Membership
  readonly #members: KnownMembers
  readonly #self: string
  readonly #remembered = new Map<string, number>()
  #planned = false
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

  changed(): void {
    if (this.#planned) return
    this.#planned = true
    const { clock } = this.#ctx
    // Events come in bursts, so even the first waits for the turn to end.
    const waitMs = Math.max(0, this.#earliestMs - clock.monotonicMs())
    this.#cancel = clock.after(waitMs, () => this.#tell())
  }

  stop(): void {
    this.#cancel()
    this.#planned = true
  }

  #tell(): void {
    this.#planned = false
    const { clock } = this.#ctx
    this.#members.retain((name) => this.#membership.member(name) !== undefined)
    const { self } = this.#membership
    const own = this.#members.find(self.name)
    if (own === undefined) this.#members.take({ kind: 'updated', member: self })
    const members = [...this.#members.all()]
    const { size } = this.#members
    this.#earliestMs =
      clock.monotonicMs() + limits.gossipMembersSetMs.default + size * MS_PER_MEMBER
    this.#ctx.publish('gossip.members-set', {
      members: members.map((known) => this.#members.view(known, this.#self)),
      liveOverwatches: members
        .filter(({ member, meta }) => member.state === 'alive' && meta?.role === 'overwatch')
        .map(({ member }) => member.name)
        .sort(),
    })
    this.#keepPlaces(members)
  }

  /** Overwatches, and a few agents: any one of them is enough to find all. */
  #keepPlaces(members: readonly Known[]): void {
    const own = this.#members.find(this.#self)?.meta
    if (own?.role !== 'overwatch') return
    const nowMs = this.#ctx.clock.nowMs()
    let agents = 0
    for (const { member, meta } of members) {
      if (!isThere(member) || member.name === this.#self || meta === undefined) continue
      if (meta.role === 'agent' && ++agents > limits.gossipRememberedAgents.default) continue
      const before = this.#remembered.get(member.name) ?? Number.NEGATIVE_INFINITY
      if (nowMs - before < limits.gossipRememberMs.default / 2) continue
      if (this.#remembered.size > limits.swimMembers.default) this.#remembered.clear()
      this.#remembered.set(member.name, nowMs)
      const record = memberRecord(member.name, placeOf(member), this.#self, nowMs)
      this.#ctx.publish('gossip.record-learned', record)
    }
  }
}
