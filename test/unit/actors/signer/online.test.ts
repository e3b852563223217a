// Goal: where denial is compact, and nowhere else, DNS threads are told of the keys that sign, as
// they change, and can sign with them; where it no longer is, they are told of none.
import { describe, expect, test } from 'vitest'
import { onlineOf } from '../../../../src/actors/dns/online.ts'
import { signWith } from '../../../../src/actors/dns/ports-online.ts'
import { nodeDnssecCrypto } from '../../../../src/actors/signer/ports-crypto.ts'
import type { Algorithm } from '../../../../src/core/dnssec/algorithms.ts'
import { tagOfKey } from '../../../../src/core/dnssec/dnskey.ts'
import { ZONE, configOf, start } from './world.ts'

const { toPkcs8, verify } = nodeDnssecCrypto()
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
    const bad = { algorithm: 13, head: new Uint8Array(20), privateKey: new Uint8Array(3) }
    const zones = [{ apex: ZONE, keys: [bad] }]
    const ports = { signWith, listen: () => Promise.reject(new Error('nobody listens')) }
    expect(onlineOf({ zones, signaturesPerSecond: 7 }, ports)).toEqual({
      ...{ zones: [], signaturesPerSecond: 7 },
    })
  })
})
