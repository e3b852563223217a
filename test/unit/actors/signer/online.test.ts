// Goal: where denial is compact, and nowhere else, DNS threads are told of the keys that sign, as
// they change, and can sign with them; where it no longer is, they are told of none. A thread signs
// with no key of which the validator has not seen a signature, and looks at many in slices.
import { describe, expect, test } from 'vitest'
import type { DnsPorts } from '../../../../src/actors/dns/contract.ts'
import { OnlineKeys } from '../../../../src/actors/dns/online.ts'
import { signWith, verify } from '../../../../src/actors/dns/ports-online.ts'
import { nodeDnssecCrypto } from '../../../../src/actors/signer/ports-crypto.ts'
import type { Algorithm } from '../../../../src/core/dnssec/algorithms.ts'
import { type ZoneKey, tagOfKey } from '../../../../src/core/dnssec/dnskey.ts'
import { defaultLifetimes } from '../../../../src/core/dnssec/lifetimes.ts'
import {
  type OnlineKeyParts,
  type OnlineZoneParts,
  onlineZones,
} from '../../../../src/core/dnssec/online.ts'
import type { OnlineSettings } from '../../../../src/core/dns/compact.ts'
import type { Clock } from '../../../../src/kernel/clock.ts'
import { crypto, keyFor } from '../../../harness/dnssec.ts'
import { virtualClock } from '../../../harness/virtual-clock.ts'
import { ZONE, configOf, start } from './world.ts'

const NOW = 1_800_000_000
const ROLE = { role: 'csk', isActive: true } as const
const { toPkcs8 } = nodeDnssecCrypto()
const told = async (more: object = {}) => {
  const one = await start({ config: configOf(more), ports: { toPkcs8 } })
  return { one, last: () => one.said('signer.online-keys-set').at(-1) }
}

describe('keys for DNS threads', () => {
  test('are told where denial is compact, each with the head of its signatures', async () => {
    const { one, last } = await told({ onlinePerSecond: 5 })
    expect(last()).toMatchObject({ signaturesPerSecond: 5, zones: [{ apex: ZONE }] })
    const [key] = last()!.zones[0]!.keys
    const [stored] = one.disk.keys!.keys
    expect(new DataView(key!.head.buffer).getUint16(16)).toBe(tagOfKey(stored!))
    const zones = (await one.list()).zones
    expect(zones).toMatchObject([{ zone: ZONE, denial: 'compact' }])
  })

  test('are told again to a thread that starts', async () => {
    const { one } = await told({ onlinePerSecond: 5 })
    const before = one.said('signer.online-keys-set').length
    one.behaviour.onPeerStarted!('dns')
    expect(one.said('signer.online-keys-set')).toHaveLength(before + 1)
  })

  test('are never told else, and are taken back by a reload that ends it', async () => {
    expect((await told()).last()).toBeUndefined()
    expect((await told({ onlinePerSecond: 5, enabled: false })).last()).toBeUndefined()
    const { one, last } = await told({ onlinePerSecond: 5 })
    one.behaviour.onReconfigured!(configOf())
    await one.clock.advanceAsync(50)
    expect(last()).toEqual({ zones: [], signaturesPerSecond: 0 })
  })

  test('sign on the other side, of each algorithm, what the validator verifies', () => {
    const crypto = nodeDnssecCrypto()
    const data = new Uint8Array(100).fill(9)
    for (const algorithm of [8, 10, 13, 14, 15] as Algorithm[]) {
      const key = crypto.generate(algorithm, 2_048)
      const sign = signWith(algorithm, crypto.toPkcs8(key)!)!
      const signature = new Uint8Array(sign(data)!)
      expect([algorithm, verify(algorithm, key.publicKey.bytes, data, signature)]).toEqual([
        algorithm,
        true,
      ])
    }
  })

  test('that are none leave the zone to its chain', () => {
    expect(signWith(13, new Uint8Array(40))).toBeUndefined()
    expect(signWith(99, new Uint8Array(40))).toBeUndefined()
    const head = new Uint8Array(20)
    const bad = { algorithm: 13, head, privateKey: new Uint8Array(3), dnskey: head }
    const zones = [{ apex: ZONE, keys: [bad] }]
    expect(taken(zones)).toEqual([[], [`${ZONE}: a key of algorithm 13 cannot be read`]])
  })
})

const ports = { signWith, verify, listen: () => Promise.reject(new Error('nobody listens')) }
const clockNow = { ...virtualClock(), nowMs: () => NOW * 1_000 }
const keysOf = (own: DnsPorts = ports, faults: string[] = [], clock: Clock = clockNow) =>
  new OnlineKeys(own, clock, (fault) => faults.push(fault))
const usable = ({ zones }: OnlineSettings) =>
  zones.flatMap(({ apex, keys }) => (keys.length === 0 ? [] : [apex]))
/** Zones with keys that sign, and the faults of the others. */
function taken(zones: readonly OnlineZoneParts[], own: DnsPorts = ports) {
  const faults: string[] = []
  const settings = keysOf(own, faults).take({ zones, signaturesPerSecond: 7 })
  expect(settings.signaturesPerSecond).toBe(7)
  return [usable(settings), faults]
}
const plansOf = (keys: readonly ZoneKey[]) => [
  { apex: ZONE, keys, denial: { kind: 'nsec' as const }, lifetimes: defaultLifetimes },
]
const partsOf = (keys: readonly ZoneKey[]) => onlineZones(plansOf(keys), toPkcs8)

describe('before a thread signs for a zone', () => {
  test.each([8, 10, 13, 14, 15] as Algorithm[])('a probe by %i is examined', (algorithm) => {
    const zones = partsOf([keyFor(algorithm)])
    expect(taken(zones)).toEqual([[ZONE], []])
    // Of another pair, its tag and head all the same.
    const [other] = onlineZones(
      plansOf([{ ...crypto.generate(algorithm, 1_024), ...ROLE }]),
      toPkcs8,
    )
    const [{ privateKey }] = other!.keys as [OnlineKeyParts]
    const mixed = zones.map((zone) => ({
      ...zone,
      keys: zone.keys.map((key) => ({ ...key, privateKey })),
    }))
    expect(taken(mixed)).toEqual([[], [`${ZONE}: ${ZONE} NSEC: wrong-signature`]])
  })

  test('one of two keys that signs wrongly, or throws, leaves the zone to its chain', () => {
    const zones = partsOf([keyFor(13), keyFor(15)])
    for (const [broken, fault] of [
      [() => new Uint8Array(64), `${ZONE} NSEC: wrong-signature`],
      [() => undefined, 'it does not sign'],
    ] as const) {
      const own: DnsPorts = {
        ...ports,
        signWith: (algorithm, key) => (algorithm === 15 ? broken : signWith(algorithm, key)),
      }
      expect(taken(zones, own)).toEqual([[], [`${ZONE}: ${fault}`]])
    }
  })

  test('a key is examined once, and one that was found at fault is examined again', () => {
    let wrong = true
    let read = 0
    const own: DnsPorts = {
      ...ports,
      signWith: (algorithm, key) => {
        read++
        return wrong ? () => new Uint8Array(64) : signWith(algorithm, key)
      },
    }
    const keys = keysOf(own)
    const told = () => usable(keys.take({ zones: partsOf([keyFor(13)]), signaturesPerSecond: 7 }))
    expect(told()).toEqual([])
    wrong = false
    expect(told()).toEqual([ZONE])
    expect([told(), read]).toEqual([[ZONE], 2])
  })
})

describe('keys of many zones', () => {
  /** A thread on which each examination takes a millisecond. */
  function slow() {
    const clock = virtualClock()
    const work = { examined: 0 }
    const own: DnsPorts = {
      ...ports,
      signWith: (algorithm, key) => {
        work.examined++
        return signWith(algorithm, key)
      },
    }
    const ticking: Clock = {
      ...clock,
      nowMs: () => NOW * 1_000,
      monotonicMs: () => clock.monotonicMs() + work.examined,
    }
    const faults: string[] = []
    return { clock, work, faults, keys: keysOf(own, faults, ticking) }
  }
  const zonesOf = (count: number, from = 0) =>
    Array.from({ length: count }, (_, at) => `z${from + at}.test`).flatMap((apex) =>
      onlineZones(
        plansOf([keyFor(13)]).map((plan) => ({ ...plan, apex })),
        toPkcs8,
      ),
    )

  test('are examined a few in a turn, in the order told, and none twice', () => {
    const { clock, work, faults, keys } = slow()
    const settings = keys.take({ zones: zonesOf(7), signaturesPerSecond: 7 })
    expect([work.examined, usable(settings)]).toEqual([2, ['z0.test', 'z1.test']])
    clock.advance(10)
    expect([work.examined, usable(settings).length]).toEqual([4, 4])
    clock.advance(1_000)
    expect([work.examined, usable(settings).length, faults]).toEqual([7, 7, []])
  })

  test('that are told anew take the place of those left, and what was found stands', () => {
    const { clock, work, keys } = slow()
    const first = keys.take({ zones: zonesOf(7), signaturesPerSecond: 7 })
    const second = keys.take({ zones: zonesOf(3, 1), signaturesPerSecond: 7 })
    clock.advance(1_000)
    expect(usable(first)).toEqual(['z0.test', 'z1.test'])
    expect(usable(second)).toEqual(['z1.test', 'z2.test', 'z3.test'])
    expect(work.examined).toBe(4)
  })

  test('are left alone once the thread ends', () => {
    const { clock, work, keys } = slow()
    keys.take({ zones: zonesOf(7), signaturesPerSecond: 7 })
    keys.stop()
    clock.advance(1_000)
    expect(work.examined).toBe(2)
  })
})
