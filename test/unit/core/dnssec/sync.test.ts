/**
 * Goal: keys pass between nodes that know the secret and nowhere else, and nothing that a peer
 * sends makes a node lose keys or sign with wrong ones.
 */
import { describe, expect, test } from 'vitest'
import { nodeSyncCrypto } from '../../../../src/actors/signer/ports-sync-crypto.ts'
import { limits } from '../../../../src/core/base/limits.ts'
import { absorb } from '../../../../src/core/dnssec/sync/absorb.ts'
import { messageBytes, readMessage } from '../../../../src/core/dnssec/sync/codec.ts'
import { authorityOf, open, seal } from '../../../../src/core/dnssec/sync/envelope.ts'
import { KeyRing } from '../../../../src/core/dnssec/sync/ring.ts'
import { startDecision } from '../../../../src/core/dnssec/sync/start.ts'
import type { Bundle, SyncMessage } from '../../../../src/core/dnssec/sync/types.ts'
import { crypto } from '../../../harness/dnssec.ts'
import { plainPolicy, ZONE } from '../../../harness/dnssec-roll-world.ts'

const START = 1_800_000_000
const sync = nodeSyncCrypto(crypto)
const text = (words: string) => new TextEncoder().encode(words)
const authority = authorityOf(text('the secret of all overwatches'), sync)
const other = authorityOf(text('another secret of other nodes'), sync)

let drawn = 0

function ringOf(
  node: string,
  zones: readonly string[] = [ZONE],
  stored: readonly Bundle[] = [],
): KeyRing {
  const newLineage = () => (++drawn).toString(16).padStart(32, '0')
  const ring = new KeyRing({ node, crypto, rsaBits: 2_048, newLineage }, stored)
  ring.setZones(zones.map((zone) => ({ zone, policy: plainPolicy })))
  return ring
}

const begun = (node: string, nowSeconds = START, isProvisional = false): KeyRing => {
  const ring = ringOf(node)
  ring.begin(ZONE, nowSeconds, { isProvisional })
  return ring
}

const turn = (ring: KeyRing, nowSeconds: number) =>
  ring.turn({ nowSeconds, startedSeconds: START, takeoverSeconds: 600, patienceSeconds: 86_400 })

/** All that the two have to say to each other. */
function talk(a: KeyRing, b: KeyRing, nowSeconds = START): void {
  let message = a.request('', nowSeconds)
  for (let round = 0; round < 6; round++) {
    const { reply } = b.exchange(copied(message), nowSeconds)
    const next = a.exchange(copied(reply), nowSeconds)
    if (next.isDone) return
    message = next.reply
  }
}

/** Through the codec, as it travels. */
function copied(message: SyncMessage): SyncMessage {
  const read = readMessage(messageBytes(message))
  if (typeof read === 'string') throw new Error(read)
  return read
}

const tags = (ring: KeyRing) =>
  (ring.zone(ZONE)?.bundle?.state.keys ?? []).map((key) => key.tag).sort((a, b) => a - b)

/** A peer that pushes the bundle. */
const push = (ring: KeyRing, bundle: Bundle) =>
  ring.exchange(
    {
      ...{ kind: 'request', node: 'peer', heard: [], after: '', marks: [], wants: [] },
      ...{ bundles: [bundle], isCut: false },
    },
    START,
  ).outcome

describe('an envelope', () => {
  test('opens for who knows the secret, and tells whether it was sealed to a key', () => {
    const first = seal(text('hello'), authority, undefined, sync)!
    const opened = open(first.bytes, authority, [], sync)
    expect(opened).toMatchObject({ ok: true, value: { isSealed: false } })
    if (!opened.ok) return
    const answer = seal(text('keys'), authority, opened.value.sender, sync)!
    expect(open(answer.bytes, authority, [first.own], sync)).toMatchObject({
      ok: true,
      value: { isSealed: true, message: text('keys') },
    })
  })

  test('stays shut for another secret, another key, and with any octet changed', () => {
    const first = seal(text('hello'), authority, undefined, sync)!
    const answer = seal(text('keys'), authority, first.own.publicKey, sync)!
    expect(open(answer.bytes, other, [first.own], sync)).toEqual({
      ok: false,
      error: 'not-authentic',
    })
    expect(open(answer.bytes, authority, [sync.agreementPair()], sync)).toEqual({
      ok: false,
      error: 'stale-session',
    })
    for (let at = 0; at < answer.bytes.length; at++) {
      const bent = answer.bytes.slice()
      bent[at]! ^= 1
      expect(open(bent, authority, [first.own], sync).ok).toBe(false)
    }
    for (let length = 0; length < answer.bytes.length; length++)
      expect(open(answer.bytes.subarray(0, length), authority, [first.own], sync).ok).toBe(false)
  })

  test('is not sealed to a key of low order', () => {
    expect(seal(text('keys'), authority, new Uint8Array(32), sync)).toBeUndefined()
  })
})

describe('a message', () => {
  test('that is none is told apart, whatever it is', () => {
    const whole = JSON.parse(
      new TextDecoder().decode(messageBytes(begun('one').request('', START))),
    ) as Record<string, unknown>
    expect(readMessage(text(JSON.stringify({ ...whole, version: 2 })))).toBe('other-version')
    for (const field of Object.keys(whole))
      for (const wrong of [null, 7, 'X.', [null], {}]) {
        const read = readMessage(text(JSON.stringify({ ...whole, [field]: wrong })))
        expect(typeof read === 'string' || (field === 'node' && wrong === 'X.')).toBe(true)
      }
    for (const octets of [text(''), text('null'), text('[]'), new Uint8Array([0xff, 0xfe])])
      expect(readMessage(octets)).toBe('malformed')
  })

  test('carries no private key before the peer has shown a key to seal it to', () => {
    const one = begun('one')
    const secret = one.zone(ZONE)!.bundle!.keys[0]!.privateKey
    if (secret.kind !== 'scalar') throw new Error('a key of a curve is expected')
    const first = new TextDecoder().decode(messageBytes(one.request('', START)))
    expect(first).not.toContain(Buffer.from(secret.scalar).toString('base64'))
  })
})

describe('two histories of one document', () => {
  test('become one in which a key does what it does in either', () => {
    const one = begun('one')
    one.command(ZONE, { isEmergency: false }, START)
    turn(one, START + 1)
    const { state } = one.zone(ZONE)!.bundle!
    const turned = {
      ...state,
      keys: state.keys.map((key) => ({ ...key, signsZone: !key.signsZone })),
    }
    const joined = absorb(state, turned, START + 2)!.state
    expect(joined.keys.every((key) => key.signsZone && key.isPublished)).toBe(true)
    expect(joined.keys.map((key) => key.goal)).toEqual(state.keys.map((key) => key.goal))
    expect(joined.version).toBe(state.version + 1)
    // What either side signed with may be in caches, and on nodes, until all serve the new version.
    const signings = joined.pastSignings.map(({ value }) => value.join())
    for (const side of [state, turned])
      expect(signings).toContain(
        side.keys
          .filter((key) => key.signsZone)
          .map((key) => key.id)
          .join(),
      )
  })
})

describe('a node', () => {
  test('without keys takes those of a peer', () => {
    const [one, two] = [begun('one'), ringOf('two')]
    talk(two, one)
    expect(tags(two)).toEqual(tags(one))
    expect(two.zone(ZONE)!.bundle!.keys[0]!.privateKey).toEqual(
      one.zone(ZONE)!.bundle!.keys[0]!.privateKey,
    )
  })

  test('that started apart joins the older one, whose keys stay, and both publish all', () => {
    const [one, two] = [begun('one', START), begun('two', START + 5)]
    const all = [...tags(one), ...tags(two)].sort((a, b) => a - b)
    // The one that asks has the newer keys, and the older node has no list of peers.
    talk(two, one)
    turn(one, START + 10)
    talk(two, one, START + 11)
    expect(tags(one)).toEqual(all)
    expect(tags(two)).toEqual(all)
    for (const key of two.zone(ZONE)!.bundle!.state.keys)
      expect(key).toMatchObject({ isPublished: true, signsKeys: true, signsZone: true })
    expect(two.zone(ZONE)!.isLed).toBe(false)
  })

  test('that made its keys in doubt yields even to younger ones', () => {
    const [doubt, sure] = [begun('a', START, true), begun('b', START + 100)]
    const [keep] = tags(sure)
    talk(doubt, sure)
    turn(sure, START + 110)
    const staying = sure.zone(ZONE)!.bundle!.state.keys.filter((key) => key.goal === 'in-use')
    expect(staying.map((key) => key.tag)).toEqual([keep])
  })

  test.each([
    ['other-zone', (b: Bundle) => ({ ...b, state: { ...b.state, zone: 'other.example' } })],
    ['other-zone', (b: Bundle) => ({ ...b, keys: b.keys.map((k) => ({ ...k, zone: 'x.test' })) })],
    ['private-key-missing', (b: Bundle) => ({ ...b, keys: [] })],
    [
      'key-does-not-work',
      (b: Bundle) => ({
        ...b,
        keys: b.keys.map((key) => ({
          ...key,
          privateKey: { kind: 'scalar' as const, scalar: new Uint8Array(32).fill(9) },
        })),
      }),
    ],
    [
      'keys-do-not-match',
      (b: Bundle) => ({
        ...b,
        state: { ...b.state, keys: b.state.keys.map((key) => ({ ...key, tag: key.tag ^ 1 })) },
      }),
    ],
  ] as const)('refuses a bundle with the fault "%s", and keeps its own', (reason, bend) => {
    const [one, two] = [begun('one', START + 9), begun('two')]
    const before = one.zone(ZONE)!.bundle
    const { refusals, changed } = push(one, bend(two.zone(ZONE)!.bundle!))
    expect(refusals.map((refusal) => refusal.reason)).toEqual([reason])
    expect(changed).toEqual([])
    expect(one.zone(ZONE)!.bundle).toBe(before)
  })

  test('refuses an old state of its own document', () => {
    const one = begun('one')
    const old = one.zone(ZONE)!.bundle!
    one.command(ZONE, { isEmergency: false }, START)
    const now = one.zone(ZONE)!.bundle
    expect(push(one, old).refusals.map(({ reason }) => reason)).toEqual(['old-generation'])
    expect(one.zone(ZONE)!.bundle).toBe(now)
  })

  test('leads when the leader is silent, and not without most of the others', () => {
    const one = begun('a-one')
    const [two, three] = [ringOf('b-two'), ringOf('c-three')]
    talk(two, one)
    talk(three, one)
    turn(one, START + 1)
    talk(two, one, START + 2)
    talk(three, one, START + 2)
    expect(one.zone(ZONE)!.bundle!.state.members).toEqual(['a-one', 'b-two', 'c-three'])
    // The first and the third vanish: one of three is no majority.
    turn(two, START + 1_000)
    expect(two.zone(ZONE)!.isLed).toBe(false)
    expect(two.zone(ZONE)!.waits.map(({ text }) => text)).toEqual([
      'a-one leads these keys and is not heard: they stay as they are',
    ])
    talk(two, three, START + 1_000)
    expect(turn(two, START + 1_001).events.map(({ kind }) => kind)).toEqual(['leader-changed'])
    expect(two.zone(ZONE)!.isLed).toBe(true)
    turn(three, START + 1_001)
    expect(three.zone(ZONE)!.isLed).toBe(false)
    // The old leader hears nobody, so it takes no orders.
    turn(one, START + 1_001)
    expect(one.command(ZONE, { isEmergency: false }, START + 1_001)).toBeUndefined()
  })

  test('with room for one key more makes no second one that no document names', () => {
    const one = begun('one')
    for (let count = 2; count < limits.rollKeys.default; count++)
      one.command(ZONE, { isEmergency: true }, START)
    const held = one.zone(ZONE)!.bundle!
    const published = held.state.keys.map((key) => ({ ...key, isPublished: true }))
    const full = ringOf('one', [], [{ ...held, state: { ...held.state, keys: published } }])
    full.setZones([{ zone: ZONE, policy: { ...plainPolicy, isSplit: true } }])
    turn(full, START + 1)
    const { state, keys } = full.zone(ZONE)!.bundle!
    expect(state.keys).toHaveLength(limits.rollKeys.default)
    expect(keys).toHaveLength(limits.rollKeys.default)
  })

  test('that hears too few notes a TTL that was long meanwhile once it hears enough', () => {
    const [one, two] = [begun('a-one'), ringOf('b-two')]
    const ttls = (zoneTtlSeconds: number, dnskeyTtlSeconds: number) =>
      one.setZones([{ zone: ZONE, policy: { ...plainPolicy, zoneTtlSeconds, dnskeyTtlSeconds } }])
    talk(two, one)
    turn(one, START + 1)
    talk(two, one, START + 2)
    const noted = () => one.zone(ZONE)!.bundle!.state
    for (const [zone, keys] of [
      [86_400, 3_600],
      [300, 7_200],
      [300, 300],
    ] as const) {
      ttls(zone, keys)
      turn(one, START + 1_000)
    }
    expect(noted()).toMatchObject({ zoneTtlSeconds: 3_600, keyTtlSeconds: 3_600 })
    talk(two, one, START + 1_001)
    turn(one, START + 1_002)
    expect(noted()).toMatchObject({ zoneTtlSeconds: 86_400, keyTtlSeconds: 7_200 })
  })

  test('keeps the keys of a zone that is not configured for a while', () => {
    const one = begun('one')
    const [tag] = tags(one)
    one.setZones([])
    expect(one.bundles()).toHaveLength(1)
    one.setZones([{ zone: ZONE, policy: plainPolicy }])
    expect(tags(one)).toEqual([tag])
  })

  test('lets a zone rest that is not configured, once, and only where it leads the keys', () => {
    const [one, two] = [begun('one'), ringOf('two')]
    let at = START
    for (; one.zone(ZONE)!.bundle!.state.offered.length === 0; at += 60) {
      const { lineage, version } = one.zone(ZONE)!.bundle!.state
      one.zone(ZONE)!.served(lineage, version)
      turn(one, at)
    }
    const before = one.zone(ZONE)!.bundle!.state
    talk(two, one, at)
    expect(one.setZones([]).changed).toEqual([ZONE])
    expect(one.setZones([]).changed).toEqual([])
    const { state } = one.bundles()[0]!
    expect(state).toMatchObject({ version: before.version + 1, offered: [] })
    // The parent may take it up still, and caches may hold that there are no keys.
    expect(state.pastOffers).toMatchObject([{ value: before.offered }])
    expect(state.pastKeySets).toMatchObject([{ value: { members: [] } }])
    expect(two.setZones([]).changed).toEqual([])
    expect(two.bundles()[0]!.state.offered).toEqual(before.offered)
  })
})

describe('a node that starts without keys', () => {
  const none = (node: string) => ({ node, hasKeys: false })
  test.each([
    ['has no peers', [], 0, 'begin'],
    ['has itself alone as a peer', [none('b')], 0, 'begin'],
    ['has a peer that has not answered', [{}], 0, 'wait'],
    ['has a peer that has not answered for long', [{}], 60_000, 'begin-in-doubt'],
    ['is the first by name of all, who have none', [none('c'), none('d')], 0, 'begin'],
    ['is not the first by name', [none('a'), none('d')], 0, 'wait'],
    ['has one silent peer among those', [none('c'), {}], 59_999, 'wait'],
  ] as const)('%s', (_, peers, waitedMs, expected) => {
    expect(startDecision('b', peers, waitedMs, 30_000)).toBe(expected)
  })
})
