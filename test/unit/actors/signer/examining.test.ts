// Goal: signatures verified on other cores count only once every verdict is good, and never more
// of them wait than the bound. Method: the actor with a verifier whose verdicts come when the test
// says; the keys and signatures are real.
import { describe, expect, test } from 'vitest'
import type { VerifyLater } from '../../../../src/actors/signer/contract.ts'
import { nodeDnssecCrypto } from '../../../../src/actors/signer/ports-crypto.ts'
import { limits } from '../../../../src/core/base/limits.ts'
import { crypto } from '../../../harness/dnssec.ts'
import { pool, start } from './world.ts'

const SERVERS = limits.examinedLaterSets.default + 100
const members = Array.from({ length: SERVERS }, (_, at) => ({
  ...{ key: `k${at}`, address: `10.0.${at >> 8}.${at & 255}`, port: 80, region: 'r', weight: 1 },
}))
const large = [pool({ members })]

/** A verifier that says nothing until it is asked to, and then is wrong about some. */
function slowVerifier(isLying: (at: number) => boolean = () => false) {
  const waiting: (() => void)[] = []
  let most = 0
  let count = 0
  const verifyLater: VerifyLater = (algorithm, key, data, signature, done) => {
    const at = count++
    waiting.push(() => done(!isLying(at) && crypto.verify(algorithm, key, data, signature)))
    most = Math.max(most, waiting.length)
  }
  const say = () => {
    for (const one of waiting.splice(0)) one()
  }
  return { verifyLater, say, waiting: () => waiting.length, most: () => most }
}

async function signLarge(verifier: ReturnType<typeof slowVerifier>) {
  const one = await start({ ports: { verifyLater: verifier.verifyLater } })
  const settle = async () => {
    for (let round = 0; round < 20; round++) {
      await one.clock.advanceAsync(20)
      verifier.say()
    }
  }
  return { one, settle }
}

describe('verification on other cores', () => {
  test('holds a large job until the last verdict, with a bounded number waiting', async () => {
    const verifier = slowVerifier()
    const { one, settle } = await signLarge(verifier)
    await one.give(one.draft(large))
    await one.clock.advanceAsync(5_000)
    expect(one.signed()).toEqual([])
    const slice = 2 * limits.signingSliceSets.default
    expect(verifier.most()).toBeLessThan(limits.examinationsPending.default + slice)
    await settle()
    expect(one.signed()).toHaveLength(1)
    expect(one.lastSigned()).toMatchObject({ kept: 0 })
    expect(verifier.waiting()).toBe(0)
  })

  test('that never comes refuses the job with the reason, and the next one begins anew', async () => {
    const verifier = slowVerifier()
    const { one, settle } = await signLarge(verifier)
    await one.give(one.draft(large))
    await one.clock.advanceAsync(limits.verdictMs.default + 1_000)
    expect(one.said('signer.serving-refused')).toEqual([
      { epoch: 1, reason: 'signatures were not verified within 30000 ms' },
    ])
    await settle()
    expect(one.signed()).toEqual([])
    await one.give(one.draft(large))
    await settle()
    expect(one.signed()).toHaveLength(1)
  })

  test('that comes after all has the job refused, and begun anew a while later', async () => {
    const verifier = slowVerifier()
    const { one, settle } = await signLarge(verifier)
    await one.give(one.draft(large))
    await one.clock.advanceAsync(2 * limits.verdictMs.default + 2_000)
    expect(one.signed()).toEqual([])
    await settle()
    expect(one.signed()).toHaveLength(1)
    expect(one.said('signer.serving-refused')).toHaveLength(1)
  })

  test('of one signature that does not hold refuses the job, and the next one makes it anew', async () => {
    const verifier = slowVerifier((at) => at === 77)
    const { one, settle } = await signLarge(verifier)
    await one.give(one.draft(large))
    await settle()
    expect(one.signed()).toEqual([])
    const [refused] = one.said('signer.serving-refused')
    expect(refused).toMatchObject({ epoch: 1 })
    expect(refused!.reason).toContain('wrong-signature')
    await one.give(one.draft(large))
    await settle()
    expect(one.signed()).toHaveLength(1)
    expect(one.lastSigned()).toMatchObject({ made: 1 })
  })

  test('that was not done when another draft came leaves nothing to be kept', async () => {
    const verifier = slowVerifier()
    const { one, settle } = await signLarge(verifier)
    await one.give(one.draft(large))
    expect(verifier.waiting()).toBeGreaterThan(0)
    await one.give(one.draft(large))
    await settle()
    expect(one.signed()).toMatchObject([{ epoch: 2 }])
    expect(one.lastSigned()).toMatchObject({ kept: 0 })
  })

  test('is left out where a job is small, which is done sooner alone', async () => {
    const verifier = slowVerifier()
    const { one } = await signLarge(verifier)
    await one.give(one.draft())
    expect(one.signed()).toHaveLength(1)
    expect(verifier.most()).toBe(0)
  })

  test('says of node:crypto what its own thread says, of keys and signatures that are none too', async () => {
    const real = nodeDnssecCrypto()
    const data = new Uint8Array(64).fill(3)
    const later = (key: Uint8Array, signature: Uint8Array, algorithm = 13) =>
      new Promise((resolve) => real.verifyLater(algorithm, key, data, signature, resolve))
    for (const algorithm of [13, 14, 15] as const) {
      const key = real.generate(algorithm, 0)
      const { bytes } = key.publicKey
      const signature = real.sign(key, data)
      expect(await later(bytes, signature, algorithm)).toBe(true)
      const wrong = signature.slice()
      wrong[9]! ^= 1
      expect(await later(bytes, wrong, algorithm)).toBe(false)
      expect(await later(bytes, signature.subarray(1), algorithm)).toBe(false)
      expect(await later(bytes.subarray(1), signature, algorithm)).toBe(false)
    }
    expect(await later(new Uint8Array(64), new Uint8Array(64))).toBe(false)
    expect(await later(new Uint8Array(64), new Uint8Array(64), 200)).toBe(false)
  })
})
