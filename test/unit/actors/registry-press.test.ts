// Goal: what has to be signed is served once it is, health reaches the answers meanwhile, and what
// needs no signatures is served at once. Method: the press alone, with a signer that is a script.
import { describe, expect, test } from 'vitest'
import { type Made, Press } from '../../../src/actors/registry/press.ts'
import { limits } from '../../../src/core/base/limits.ts'
import type { SignedParts } from '../../../src/core/dnssec/parts.ts'
import type { ServingParts } from '../../../src/core/dns/serving.ts'
import type { ServingPool } from '../../../src/core/steer/snapshot.ts'
import { virtualClock } from '../../harness/virtual-clock.ts'

const pool = (name: string, keys: readonly string[]): ServingPool => ({
  ...{ name, zone: 'test', ttlSeconds: 5, policy: 'round-robin', answers: 1, slot: 0 },
  ...{ whenAllDown: 'servfail', fallback: [] },
  members: keys.map((key) => ({ key, address: '10.0.0.1', port: 80, region: 'r', weight: 1 })),
})

const madeOf = (epoch: number, more: Partial<Made> = {}): Made => ({
  ...{ epoch, version: 0, keysVersion: 'k1', signing: 'wanted' },
  pools: [pool('app', ['a', 'b'])],
  parts: { epoch } as unknown as ServingParts,
  words: [[1, 1]],
  ...more,
})

const signedOf = (version: number) => ({ version }) as unknown as SignedParts

function world() {
  const clock = virtualClock()
  const told: [string, Record<string, unknown>][] = []
  const events: string[] = []
  const press = new Press({
    clock,
    publish: (id, message) => void told.push([id, message as unknown as Record<string, unknown>]),
    onIssued: () => void events.push('issued'),
    onWords: (words) => void events.push(`words ${words.length}`),
    onHeld: (epoch, reason) => void events.push(`held ${epoch}: ${reason}`),
    onReleased: (epoch) => void events.push(`released ${epoch}`),
  })
  const of = (id: string) => told.filter(([name]) => name === id).map(([, message]) => message)
  press.speak()
  return { press, clock, told, events, of }
}

const word = (epoch: number, version: number, member: number, value: number) => ({
  ...{ epoch, version, pool: 0, member, word: value },
})

describe('without signed zones', () => {
  test('an edition is in force as soon as it is made, and its words are told as they come', () => {
    const { press, of } = world()
    press.offer(madeOf(1, { signing: 'none' }))
    expect(of('registry.serving-set')).toMatchObject([{ epoch: 1, version: 0 }])
    press.words([word(1, 1, 0, 7)])
    expect(of('registry.word-changed')).toEqual([word(1, 1, 0, 7)])
    press.publishSnapshot()
    expect(of('registry.snapshot-set').at(-1)).toMatchObject({ version: 1, words: [[7, 1]] })
    expect(of('registry.serving-drafted')).toEqual([])
  })

  test('editions of a moment share a snapshot, told behind what is answered, before a word', () => {
    const { press, clock, told, of } = world()
    for (const epoch of [1, 2, 3]) press.offer(madeOf(epoch, { signing: 'none' }))
    expect([of('registry.serving-set').length, of('registry.snapshot-set')]).toEqual([3, []])
    clock.advance(limits.snapshotGatherMs.default)
    expect(of('registry.snapshot-set')).toMatchObject([{ epoch: 3 }])
    press.tellSnapshot()
    expect(of('registry.snapshot-set'), 'it was told').toHaveLength(1)
    told.length = 0
    press.offer(madeOf(4, { signing: 'none' }))
    press.words([word(4, 1, 0, 7)])
    clock.advance(1_000)
    const ids = ['registry.serving-set', 'registry.snapshot-set', 'registry.word-changed']
    expect(told.map(([id]) => id)).toEqual(ids)
  })
})

describe('a draft', () => {
  test('goes to the signer, and to readers only with its signatures', () => {
    const { press, clock, of } = world()
    press.offer(madeOf(1))
    expect(of('registry.serving-drafted')).toMatchObject([{ epoch: 1, keysVersion: 'k1' }])
    expect(of('registry.serving-set')).toEqual([])
    press.signed(1, 1, signedOf(1))
    expect(of('registry.serving-set')).toMatchObject([{ epoch: 1, parts: { signed: {} } }])
    clock.advance(limits.snapshotGatherMs.default)
    expect(of('registry.snapshot-set')).toMatchObject([{ epoch: 1 }])
  })

  test('holds back no word: each is told in the places of the edition in force', () => {
    const { press, of } = world()
    press.offer(madeOf(1))
    press.signed(1, 1, signedOf(1))
    // The next epoch has another pool in front, and the servers in another order.
    const pools = [pool('new', ['x']), pool('app', ['b', 'a'])]
    press.offer(madeOf(2, { pools, words: [[0], [1, 1]] }))
    expect(of('registry.word-changed')).toEqual([])
    press.words([{ epoch: 2, version: 1, pool: 1, member: 0, word: 9 }])
    expect(of('registry.word-changed')).toEqual([word(1, 1, 1, 9)])
    press.words([{ epoch: 2, version: 2, pool: 0, member: 0, word: 3 }])
    expect(of('registry.word-changed'), 'a server that is new is nobody’s yet').toHaveLength(1)
    press.publishServing()
    expect(of('registry.serving-set').at(-1)).toMatchObject({ epoch: 1, version: 1 })
    press.signed(2, 2, signedOf(2))
    press.tellSnapshot()
    expect(of('registry.snapshot-set').at(-1)).toMatchObject({
      ...{ epoch: 2, version: 2, words: [[3], [9, 1]] },
    })
  })

  test('tells at once what its epoch says of servers that are served', () => {
    const { press, of } = world()
    press.offer(madeOf(1))
    press.signed(1, 1, signedOf(1))
    press.offer(madeOf(2, { words: [[1, 0]] }))
    expect(of('registry.word-changed')).toEqual([word(1, 1, 1, 0)])
  })

  test('is signed one at a time, the newest next, and each that was begun comes out', () => {
    const { press, of } = world()
    for (const epoch of [1, 2, 3]) press.offer(madeOf(epoch))
    const drafted = () => of('registry.serving-drafted').map(({ epoch }) => epoch)
    const served = () => of('registry.serving-set').map(({ epoch }) => epoch)
    expect(drafted()).toEqual([1])
    press.signed(1, 1, signedOf(1))
    expect([drafted(), served()]).toEqual([[1, 3], [1]])
    press.signed(3, 2, signedOf(2))
    expect([drafted(), served()]).toEqual([
      [1, 3],
      [1, 3],
    ])
  })

  test('that lies at the signer has what was told since it was made, also by later drafts', () => {
    const { press, of } = world()
    press.offer(madeOf(1))
    press.signed(1, 1, signedOf(1))
    press.offer(madeOf(2))
    press.offer(madeOf(3, { pools: [pool('app', ['b', 'a'])], words: [[7, 1]] }))
    expect(of('registry.word-changed')).toEqual([word(1, 1, 1, 7)])
    press.signed(2, 2, signedOf(2))
    press.tellSnapshot()
    expect(of('registry.snapshot-set').at(-1)).toMatchObject({ epoch: 2, words: [[1, 7]] })
  })

  test('that is refused is held with an event, and what was in force serves on', () => {
    const { press, clock, events, of } = world()
    press.offer(madeOf(1))
    press.signed(1, 1, signedOf(1))
    press.offer(madeOf(2))
    press.refused(2, 'a signature does not verify')
    clock.advance(limits.signedHeldMs.default)
    expect(events.at(-1)).toBe('held 2: a signature does not verify')
    expect(of('registry.serving-set')).toHaveLength(1)
    expect(of('registry.serving-drafted'), 'the same is not signed again').toHaveLength(2)
    press.offer(madeOf(3))
    press.signed(3, 2, signedOf(2))
    expect(events.slice(-2)).toEqual(['released 3', 'issued'])
  })

  test('that other keys will make anew is no event', () => {
    const { press, events, of } = world()
    press.offer(madeOf(1))
    press.refused(1, '')
    press.offer(madeOf(2, { keysVersion: 'k2' }))
    expect(of('registry.serving-drafted').map(({ epoch }) => epoch)).toEqual([1, 2])
    expect(events).toEqual([])
  })

  test('that takes long is told', () => {
    const { press, clock, events } = world()
    press.offer(madeOf(1))
    clock.advance(limits.signedHeldMs.default - 1)
    expect(events).toEqual([])
    clock.advance(1)
    expect(events).toEqual(['held 1: its signatures are not there yet'])
  })

  test('is not sent before there are keys for it', () => {
    const { press, of, clock, events } = world()
    press.expect(1)
    press.offer(madeOf(1, { signing: 'not-yet' }))
    clock.advance(limits.signedHeldMs.default)
    expect(events).toEqual(['held 1: there are no keys yet'])
    press.offer(madeOf(2))
    expect(of('registry.serving-drafted').map(({ epoch }) => epoch)).toEqual([2])
  })
})

describe('a signer', () => {
  test('that starts anew is told what there is to sign', () => {
    const { press, of } = world()
    press.offer(madeOf(1))
    press.signed(1, 1, signedOf(1))
    press.tellSigner()
    expect(of('registry.serving-drafted').map(({ epoch }) => epoch)).toEqual([1, 1])
    press.offer(madeOf(2))
    press.tellSigner()
    press.signed(1, 2, signedOf(2))
    expect(of('registry.serving-drafted').map(({ epoch }) => epoch)).toEqual([1, 1, 1, 2])
  })

  for (const [why, signing] of [
    ['is refused', 'wanted'],
    ['waits for keys', 'not-yet'],
  ] as const)
    test(`that starts anew while a draft ${why} keeps what is in force signed`, () => {
      const { press, told, of } = world()
      press.offer(madeOf(1))
      press.signed(1, 1, signedOf(1))
      press.offer(madeOf(2, { signing }))
      if (signing === 'wanted') press.refused(2, 'a signature does not verify')
      told.length = 0
      press.tellSigner()
      expect(of('registry.serving-drafted')).toMatchObject([{ epoch: 1 }])
      // The keys of the new signer are not there yet.
      press.refused(1, '')
      press.refused(2, '')
      told.length = 0
      press.keysAgain()
      expect(of('registry.serving-drafted')).toMatchObject([{ epoch: 1 }])
      press.signed(1, 2, signedOf(2))
      press.refused(2, 'a signature does not verify')
      expect(of('registry.signatures-set')).toMatchObject([{ epoch: 1, version: 2 }])
      const sent = of('registry.serving-drafted').length
      press.keysAgain()
      expect(of('registry.serving-drafted'), 'who has it is not given it again').toHaveLength(sent)
    })

  test('that could not sign what is in force is given it again, behind the refused draft', () => {
    const { press, clock, of } = world()
    const sent = () => of('registry.serving-drafted').map(({ epoch }) => epoch)
    press.offer(madeOf(1))
    press.signed(1, 1, signedOf(1))
    press.offer(madeOf(2))
    press.tellSigner()
    press.refused(1, 'signatures were not verified in time')
    press.refused(2, 'a signature does not verify')
    expect(sent()).toEqual([1, 2, 1, 2])
    clock.advance(limits.verdictMs.default)
    press.refused(1, 'signatures were not verified in time')
    expect(sent()).toEqual([1, 2, 1, 2, 1])
    clock.advance(limits.verdictMs.default)
    press.signed(1, 2, signedOf(2))
    clock.advance(2 * limits.verdictMs.default)
    expect(sent().slice(0, 6)).toEqual([1, 2, 1, 2, 1, 1])
    expect(of('registry.signatures-set')).toMatchObject([{ epoch: 1, version: 2 }])
  })

  test('that starts anew and asks its peers first is given it again when it tells its keys', () => {
    const { press, of } = world()
    const sent = () => of('registry.serving-drafted').map(({ epoch }) => epoch)
    press.offer(madeOf(1))
    press.signed(1, 1, signedOf(1))
    press.keysAgain()
    expect(sent(), 'who has it is not given it again').toEqual([1])
    press.tellSigner()
    press.refused(1, '')
    expect(sent()).toEqual([1, 1])
    press.keysAgain()
    press.keysAgain()
    expect(sent()).toEqual([1, 1, 1])
    press.signed(1, 2, signedOf(2))
    press.keysAgain()
    expect(sent()).toEqual([1, 1, 1])
  })

  test('passes newer signatures on, and none that are older or of another epoch', () => {
    const { press, of } = world()
    press.offer(madeOf(1))
    press.signed(1, 5, signedOf(5))
    press.signed(1, 6, signedOf(6))
    press.signed(1, 4, signedOf(4))
    press.signed(9, 9, signedOf(9))
    expect(of('registry.signatures-set').map(({ version }) => version)).toEqual([6])
    press.publishServing()
    expect(of('registry.serving-set').at(-1)).toMatchObject({ parts: { signed: { version: 6 } } })
  })
})

describe('who waits for an edition', () => {
  test('is told once it is in force', async () => {
    const { press } = world()
    press.offer(madeOf(1))
    const out = press.isOut(1)
    press.signed(1, 1, signedOf(1))
    expect(await out).toBe(true)
    expect(await press.isOut(1)).toBe(true)
  })

  test('waits no longer once the signer refuses it, and is told why', async () => {
    const { press, clock } = world()
    press.offer(madeOf(1))
    const out = press.isOut(1)
    press.refused(1, '')
    expect(press.refusal).toBeUndefined()
    press.refused(1, 'a signature does not verify')
    expect(await Promise.race([out, clock.advanceAsync(0)])).toBe(false)
    expect([await press.isOut(1), press.refusal]).toEqual([false, 'a signature does not verify'])
    press.offer(madeOf(2))
    expect(press.refusal).toBeUndefined()
    const next = press.isOut(2)
    press.signed(2, 1, signedOf(1))
    expect(await next).toBe(true)
  })

  test('does not wait for ever', async () => {
    const { press, clock } = world()
    press.offer(madeOf(1))
    const out = press.isOut(1)
    clock.advance(limits.signedAckMs.default)
    expect(await out).toBe(false)
  })
})
