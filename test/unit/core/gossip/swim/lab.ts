/**
 * One membership on a table, and messages as short words: what the tests of single mechanisms use.
 */
import { seededRandom } from '../../../../../src/core/base/random.ts'
import type {
  Alive,
  Dead,
  Endpoint,
  PacketMessage,
  Suspect,
} from '../../../../../src/core/gossip/messages.ts'
import { Membership } from '../../../../../src/core/gossip/swim/membership.ts'
import type {
  MembershipEvent,
  Output,
  PacketOutput,
} from '../../../../../src/core/gossip/swim/outputs.ts'
import { profiles, type SwimSettings } from '../../../../../src/core/gossip/swim/settings.ts'
import { sizeOf } from '../../../../harness/gossip-world.ts'

export const endpointOf = (index: number): Endpoint => ({
  addr: Uint8Array.of(10, 0, 0, index),
  port: 7946,
})

/** Names are letters, and a letter is also an address. */
export const at = (name: string): Endpoint => endpointOf(name.charCodeAt(0))

export const text = (value: string) => new TextEncoder().encode(value)

export const alive = (node: string, incarnation = 1, more: Partial<Alive> = {}): Alive => ({
  type: 'alive',
  incarnation,
  node,
  ...at(node),
  meta: new Uint8Array(),
  vsn: [1, 5, 2, 0, 0, 0],
  ...more,
})

export const suspect = (node: string, incarnation: number, from: string): Suspect => ({
  type: 'suspect',
  incarnation,
  node,
  from,
})

export const dead = (node: string, incarnation: number, from: string): Dead => ({
  type: 'dead',
  incarnation,
  node,
  from,
})

export interface LabOptions {
  readonly settings?: Partial<SwimSettings>
  readonly seed?: number
  readonly membersMax?: number
  readonly name?: string
}

/** A started node, `a` unless named, with what it has put out so far. */
export class Lab {
  readonly membership: Membership
  nowMs = 0
  readonly outputs: Output[] = []

  constructor({ settings, seed = 1, membersMax, name = 'a' }: LabOptions = {}) {
    const self = { name, ...at(name), meta: new Uint8Array(), vsn: [1, 5, 2, 0, 0, 0] as const }
    const around = { random: seededRandom(seed), sizeOf }
    this.membership = new Membership(
      { ...profiles.lan, ...settings },
      self,
      membersMax === undefined ? around : { ...around, membersMax },
    )
    this.membership.start(0)
    this.#collect()
  }

  /** Hears messages from `from`, as one packet. */
  hear(messages: PacketMessage | readonly PacketMessage[], from = 'z'): this {
    for (const message of [messages].flat() as PacketMessage[])
      this.membership.receive(message, at(from), this.nowMs, 'packet')
    this.#collect()
    return this
  }

  /** Lets time pass, with every tick at its time. */
  pass(ms: number): this {
    const endMs = this.nowMs + ms
    for (;;) {
      const dueMs = this.membership.nextDeadlineMs()
      if (dueMs > endMs) break
      this.nowMs = Math.max(this.nowMs, dueMs)
      this.membership.tick(this.nowMs)
      this.#collect()
    }
    this.nowMs = endMs
    return this
  }

  /** Stands still, and then ticks once. */
  stand(ms: number): this {
    this.nowMs += ms
    this.membership.tick(this.nowMs)
    this.#collect()
    return this
  }

  act(call: (membership: Membership) => void): this {
    call(this.membership)
    this.#collect()
    return this
  }

  /** `alive 2`, or `unknown`. */
  state(name: string): string {
    const member = this.membership.member(name)
    return member === undefined ? 'unknown' : `${member.state} ${member.incarnation}`
  }

  /** The events since the last call, as words. */
  events(): string[] {
    return this.#take((output) => (output.kind === 'event' ? wordsOf(output.event) : undefined))
  }

  /** The packets since the last call. */
  packets(): PacketOutput[] {
    return this.#take((output) => (output.kind === 'packet' ? output : undefined))
  }

  /** Everything said to a member since the last call, packets forgotten. */
  saidTo(name: string): PacketMessage[] {
    const to = at(name).addr[3]
    return this.packets()
      .filter((packet) => packet.to.addr[3] === to)
      .flatMap(({ messages }) => messages)
  }

  #take<T>(wanted: (output: Output) => T | undefined): T[] {
    const taken: T[] = []
    const kept: Output[] = []
    for (const output of this.outputs) {
      const one = wanted(output)
      if (one === undefined) kept.push(output)
      else taken.push(one)
    }
    this.outputs.length = 0
    this.outputs.push(...kept)
    return taken
  }

  #collect(): void {
    this.outputs.push(...this.membership.drain())
  }
}

function wordsOf(event: MembershipEvent): string {
  if ('member' in event) return `${event.kind} ${event.member.name}`
  if (event.kind === 'refuted') return `refuted ${event.incarnation}`
  if (event.kind === 'refused') return `refused ${event.name}`
  return event.kind
}
