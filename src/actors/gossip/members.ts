/**
 * Who is in the cluster, by name and by place, with what each says of itself.
 *
 * Kept up to date by the events of membership, so that a message costs a look-up and not a walk
 * over all members. It judges nobody.
 */
import { addressOf, formatEndpoint } from '../../core/net/address.ts'
import { type NodeMeta, parseMeta } from '../../core/gossip/app/meta.ts'
import type { Endpoint } from '../../core/gossip/messages.ts'
import type { Member } from '../../core/gossip/swim/node.ts'
import type { MembershipEvent } from '../../core/gossip/swim/outputs.ts'
import type { MemberView } from '../../messages/agent-views.ts'

export interface Known {
  readonly member: Member
  /** Undefined where the metadata is not ours to read, as with other programs. */
  readonly meta: NodeMeta | undefined
}

/**
 * `address:port`, for logs and as a key. Members of the Go program may say their IPv4 address in
 * sixteen octets; their datagrams come from the one of four.
 */
export const placeOf = ({ addr, port }: Endpoint): string =>
  formatEndpoint(addressOf(addr).text, port)

export class KnownMembers {
  readonly #byName = new Map<string, Known>()
  readonly #byPlace = new Map<string, string>()
  readonly #unixOffsetMs: number

  /** What to add to a time of the membership's clock to make it Unix milliseconds. */
  constructor(unixOffsetMs: number) {
    this.#unixOffsetMs = unixOffsetMs
  }

  get size(): number {
    return this.#byName.size
  }

  /** Takes an event in; gives whom it is about when something worth telling changed. */
  take(event: MembershipEvent): Known | undefined {
    if (!('member' in event) || event.kind === 'conflict' || event.kind === 'stream-only')
      return undefined
    const { member } = event
    const before = this.#byName.get(member.name)
    if (before !== undefined) this.#byPlace.delete(placeOf(before.member))
    const known = { member, meta: metaOf(member, before) }
    this.#byName.set(member.name, known)
    if (isThere(member)) this.#byPlace.set(placeOf(member), member.name)
    return known
  }

  find(name: string): Known | undefined {
    return this.#byName.get(name)
  }

  /** The member at this place that is there, the suspected included. */
  at(place: string): Known | undefined {
    const name = this.#byPlace.get(place)
    return name === undefined ? undefined : this.#byName.get(name)
  }

  /** Drops those the membership has forgotten. */
  retain(isKnown: (name: string) => boolean): void {
    for (const [name, { member }] of this.#byName) {
      if (isThere(member) || isKnown(name)) continue
      this.#byName.delete(name)
      const place = placeOf(member)
      if (this.#byPlace.get(place) === name) this.#byPlace.delete(place)
    }
  }

  all(): Iterable<Known> {
    return this.#byName.values()
  }

  overwatches(): readonly Known[] {
    return [...this.#byName.values()].filter(({ meta }) => meta?.role === 'overwatch')
  }

  view({ member, meta }: Known, self: string): MemberView {
    return {
      name: member.name,
      role: meta?.role ?? 'unknown',
      region: meta?.region ?? '',
      address: addressOf(member.addr).text,
      port: member.port,
      state: member.state,
      ...(meta?.boot === undefined ? {} : { boot: meta.boot }),
      sinceMs: Math.round(member.sinceMs + this.#unixOffsetMs),
      self: member.name === self,
    }
  }
}

/** Whether it may still be spoken to. */
export const isThere = ({ state }: Member): boolean => state === 'alive' || state === 'suspect'

function metaOf(member: Member, before: Known | undefined): NodeMeta | undefined {
  if (before !== undefined && before.member.meta === member.meta) return before.meta
  const parsed = parseMeta(member.meta)
  return parsed.ok ? parsed.value : undefined
}
