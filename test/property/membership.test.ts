/**
 * What holds of membership whatever arrives, how often, and in which order.
 *
 * Incarnations lie around the end of the 32-bit numbers, so that the wrap is in every run.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { seededRandom } from '../../src/core/base/random.ts'
import type {
  Alive,
  Dead,
  PacketMessage,
  PushNodeState,
  Suspect,
} from '../../src/core/gossip/messages.ts'
import { Membership } from '../../src/core/gossip/swim/membership.ts'
import type { Member } from '../../src/core/gossip/swim/node.ts'
import type { Output } from '../../src/core/gossip/swim/outputs.ts'
import { profiles } from '../../src/core/gossip/swim/settings.ts'
import { sizeOf } from '../harness/gossip-world.ts'

const vsn = [1, 5, 2, 0, 0, 0] as const
const noOctets = new Uint8Array()
const addrOf = (name: string) => Uint8Array.of(10, 0, 0, name.charCodeAt(0))
const home = { addr: addrOf('z'), port: 7946 }

const node = fc.constantFrom('a', 'b', 'c', 'd')
const incarnation = fc.integer({ min: -8, max: 8 }).map((number) => number >>> 0)

const alive: fc.Arbitrary<Alive> = fc
  .tuple(node, incarnation, fc.integer({ min: 0, max: 9 }))
  .map(([name, number, moved]) => ({
    type: 'alive',
    incarnation: number,
    node: name,
    // Now and then somebody uses the name from another address.
    addr: moved === 0 ? Uint8Array.of(10, 1, 1, 1) : addrOf(name),
    port: 7946,
    meta: noOctets,
    vsn,
  }))
const accusation = <T extends 'suspect' | 'dead'>(type: T) =>
  fc.record({ type: fc.constant(type), incarnation, node, from: node })
const suspect: fc.Arbitrary<Suspect> = accusation('suspect')
const dead: fc.Arbitrary<Dead> = accusation('dead')
const told: fc.Arbitrary<PushNodeState> = fc
  .tuple(alive, fc.constantFrom('alive', 'suspect', 'dead', 'left'))
  .map(([{ node: name, type: _, ...rest }, state]) => ({ name, state, ...rest }))

type Step =
  | { readonly kind: 'message'; readonly message: PacketMessage }
  | { readonly kind: 'merge'; readonly nodes: readonly PushNodeState[] }
  | { readonly kind: 'pass'; readonly ms: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .oneof(alive, suspect, dead)
      .map((message) => ({ kind: 'message', message }) as const),
  },
  {
    weight: 1,
    arbitrary: fc.array(told, { maxLength: 5 }).map((nodes) => ({ kind: 'merge', nodes }) as const),
  },
  {
    weight: 2,
    arbitrary: fc.integer({ min: 0, max: 3_000 }).map((ms) => ({ kind: 'pass', ms }) as const),
  },
)

/** A started `a`. Nobody is forgotten in a test: what was forgotten may be learned anew. */
function started(seed = 1): Membership {
  const settings = { ...profiles.lan, gossipToTheDeadMs: 1e9, deadNodeReclaimMs: 5_000 }
  const self = { name: 'a', addr: addrOf('a'), port: 7946, meta: noOctets, vsn }
  const membership = new Membership(settings, self, { random: seededRandom(seed), sizeOf })
  membership.start(0)
  return membership
}

function run(membership: Membership, steps: readonly Step[], look: () => void): Output[] {
  const outputs: Output[] = []
  let nowMs = 0
  for (const one of steps) {
    if (one.kind === 'message') membership.receive(one.message, home, nowMs, 'packet')
    else if (one.kind === 'merge') {
      const userState = noOctets
      membership.mergeRemote({ type: 'push-pull', join: false, nodes: one.nodes, userState }, nowMs)
    } else {
      const endMs = nowMs + one.ms
      for (let dueMs = membership.nextDeadlineMs(); dueMs <= endMs; ) {
        nowMs = Math.max(nowMs, dueMs)
        membership.tick(nowMs)
        look()
        dueMs = membership.nextDeadlineMs()
      }
      nowMs = endMs
    }
    look()
    outputs.push(...membership.drain())
  }
  return outputs
}

const after = (one: Member, other: Member) => ((one.incarnation - other.incarnation) | 0) > 0
const isGone = ({ state }: Member) => state === 'dead' || state === 'left'

test('no incarnation ever goes back, and none of the dead rises without a newer one', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const membership = started()
      let known = new Map<string, Member>()
      run(membership, steps, () => {
        const now = new Map(membership.members().map((member) => [member.name, member]))
        for (const [name, before] of known) {
          const member = now.get(name)!
          expect(after(before, member), `${name} keeps its incarnation`).toBe(false)
          if (isGone(before) && !isGone(member)) expect(after(member, before)).toBe(true)
          // A suspicion ends by a newer word of the suspected, or by death.
          if (before.state === 'suspect' && member.state === 'alive')
            expect(after(member, before)).toBe(true)
        }
        expect(now.get('a')?.state).toBe('alive')
        known = now
      })
    }),
    { numRuns: 1_000 },
  )
})

test('a refutation wins over every older accusation, before or after it, once or often', () => {
  const accusations = fc.array(fc.oneof(suspect, dead), { maxLength: 20 })
  fc.assert(
    fc.property(accusations, accusations, fc.nat(3), (before, later, again) => {
      const membership = started()
      const first: Alive = {
        type: 'alive',
        incarnation: -8 >>> 0,
        node: 'b',
        addr: addrOf('b'),
        port: 7946,
        meta: noOctets,
        vsn,
      }
      const refutation = { ...first, incarnation: 9 }
      const others = later.map((message) => ({ ...message, node: 'b' }))
      const messages = [
        first,
        ...before.map((message) => ({ ...message, node: 'b' })),
        refutation,
        ...others.flatMap((message) => [message, ...Array(again).fill(refutation)]),
      ]
      run(
        membership,
        messages.map((message) => ({ kind: 'message', message })),
        () => {},
      )
      expect(membership.member('b')).toMatchObject({ state: 'alive', incarnation: 9 })
    }),
    { numRuns: 500 },
  )
})

test('whoever is accused is alive in a newer incarnation than any it was accused under', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(suspect, dead), { maxLength: 30 }), (messages) => {
      const membership = started()
      for (const message of messages) {
        const before = membership.self.incarnation
        membership.receive({ ...message, node: 'a' }, home, 0, 'packet')
        const { incarnation: own, state } = membership.self
        expect(state).toBe('alive')
        expect(((own - message.incarnation) | 0) > 0).toBe(true)
        expect(((own - before) | 0) >= 0).toBe(true)
      }
    }),
  )
})

const octets = fc.uint8Array({ maxLength: 20 })
const u32 = fc.integer({ min: 0, max: 0xffff_ffff })
const port = fc.integer({ min: 0, max: 65_535 })
const anyName = fc.oneof(node, fc.string({ maxLength: 300 }))
const source = { sourceAddr: octets, sourcePort: port, sourceNode: anyName }
const version = fc.integer({ min: 0, max: 255 })
const anyMessage: fc.Arbitrary<PacketMessage> = fc.oneof(
  fc.record({ type: fc.constant('ping' as const), seqNo: u32, node: anyName, ...source }),
  fc.record({
    type: fc.constant('indirect-ping' as const),
    seqNo: u32,
    target: octets,
    port,
    node: anyName,
    nack: fc.boolean(),
    ...source,
  }),
  fc.record({ type: fc.constant('ack' as const), seqNo: u32, payload: octets }),
  fc.record({ type: fc.constant('nack' as const), seqNo: u32 }),
  fc.record({
    type: fc.constant('alive' as const),
    incarnation: u32,
    node: anyName,
    addr: fc.oneof(octets, fc.uint8Array({ minLength: 4, maxLength: 4 })),
    port,
    meta: fc.uint8Array({ maxLength: 600 }),
    vsn: fc.tuple(version, version, version, version, version, version),
  }),
  fc.record({
    type: fc.constant('suspect' as const),
    incarnation: u32,
    node: anyName,
    from: anyName,
  }),
  fc.record({ type: fc.constant('dead' as const), incarnation: u32, node: anyName, from: anyName }),
)
const anyStep = fc.oneof(
  step,
  anyMessage.map((message): Step => ({ kind: 'message', message })),
)

test('whatever comes, every packet goes to an address and fits, and the same seed says the same', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 60 }), fc.nat(1_000), (steps, seed) => {
      const outputs = run(started(seed), steps, () => {})
      for (const output of outputs) {
        if (output.kind !== 'packet') continue
        const { to, messages } = output
        expect([4, 16]).toContain(to.addr.length)
        expect(to.port).toBeGreaterThan(0)
        expect(messages.length).toBeGreaterThan(0)
        const size = messages.reduce((sum, message) => sum + sizeOf(message) + 2, 2)
        // One message alone may be as long as the names in it.
        if (messages.length > 2) expect(size).toBeLessThanOrEqual(1_400 - 29)
      }
      expect(run(started(seed), steps, () => {})).toEqual(outputs)
    }),
    { numRuns: 300 },
  )
})
