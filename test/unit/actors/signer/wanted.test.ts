// Goal: all that is wanted comes to be signed, and what is wanted again and again takes a bounded
// share of the signer.
import { expect, test } from 'vitest'
import { limits } from '../../../../src/core/base/limits.ts'
import type { WantedSet } from '../../../../src/core/dnssec/serving-plan.ts'
import { WantedPace, WantedSets } from '../../../../src/actors/signer/wanted.ts'
import { crypto } from '../../../harness/dnssec.ts'
import { virtualClock } from '../../../harness/virtual-clock.ts'
import { configOf, pool, start } from './world.ts'

const PAUSE_MS = limits.wantedPauseMs.default
const SERVERS = 60
const members = Array.from({ length: SERVERS }, (_, at) => ({
  ...{ key: `k${at}`, address: `10.0.0.${at + 1}`, port: 80, region: 'r', weight: 1 },
}))

/** Each set once. */
function* sets(): Generator<WantedSet> {
  for (let a = 0; a < SERVERS; a++)
    for (let b = a + 2; b < SERVERS; b++)
      for (let c = b + 2; c < SERVERS; c++) yield { pool: 0, family: 4, addresses: [a, b, c] }
}

async function world() {
  let digests = 0
  const sha1 = (octets: Uint8Array) => {
    digests++
    return crypto.sha1(octets)
  }
  const denial = { kind: 'nsec3', iterations: 0, salt: new Uint8Array(0), isOptOut: false } as const
  const one = await start({
    config: configOf({ denial }),
    ports: { crypto: { ...crypto, sha1 } },
  })
  await one.give(one.draft([pool({ answers: 3, members })]))
  const [source, told] = [sets(), [] as WantedSet[]]
  return {
    ...one,
    digests: () => digests,
    told,
    /** The next ones, each of which is news. */
    want(count: number, epoch = 1): void {
      const some = Array.from({ length: count }, () => source.next().value as WantedSet)
      told.push(...some)
      one.behaviour.receive['dns.sets-wanted']({ epoch, sets: some })
    },
    jobs: () => one.logs.filter(({ message }) => message === 'signed').map(({ fields }) => fields),
  }
}

test('the first is signed at once, and what comes in the pause after it together', async () => {
  const one = await world()
  one.want(1)
  await one.clock.advanceAsync(50)
  expect(one.jobs().slice(1)).toMatchObject([{ made: 1 }])
  for (let at = 0; at < 10; at++) {
    one.want(2)
    await one.clock.advanceAsync(25)
  }
  expect(one.jobs()).toHaveLength(2)
  await one.clock.advanceAsync(PAUSE_MS)
  expect(one.jobs().slice(2)).toMatchObject([{ made: 20 }])
  await one.clock.advanceAsync(10 * PAUSE_MS)
  expect(one.jobs(), 'nothing is signed that nobody wants').toHaveLength(3)
})

test('hundreds of one pool are all signed, and are no news when they are asked for again', async () => {
  const one = await world()
  for (let at = 0; at < 10; at++) {
    one.want(60)
    await one.clock.advanceAsync(25)
  }
  await one.clock.advanceAsync(3 * PAUSE_MS)
  const total = ({ made, kept }: { made?: unknown; kept?: unknown } = {}) =>
    Number(made) + Number(kept)
  // A few of them may be signed ahead anyway.
  const added = total(one.jobs().at(-1)) - total(one.jobs()[0])
  expect(added).toBeGreaterThan(one.told.length - 9)
  const before = one.jobs().length
  for (const set of one.told) one.behaviour.receive['dns.sets-wanted']({ epoch: 1, sets: [set] })
  await one.clock.advanceAsync(3 * PAUSE_MS)
  expect(one.jobs()).toHaveLength(before)
})

test('names and chains are listed for the first pass, and for later ones where they are others', async () => {
  const one = await world()
  one.want(1)
  await one.clock.advanceAsync(PAUSE_MS + 50)
  const before = one.digests()
  one.want(1)
  await one.clock.advanceAsync(PAUSE_MS)
  expect(one.jobs()).toHaveLength(3)
  expect(one.digests()).toBe(before)
  await one.give(one.draft([pool({ answers: 3, members, ttlSeconds: 6 })]))
  expect(one.digests(), 'a TTL names nothing').toBe(before)
  one.want(3, 2)
  await one.clock.advanceAsync(PAUSE_MS)
  expect(one.jobs().at(-1)).toMatchObject({ made: 3 })
  const both = [...members, { ...members[0]!, key: 'k6', address: '2001:db8::1' }]
  await one.give(one.draft([pool({ answers: 3, members: both })]))
  expect(one.digests()).toBeGreaterThan(before)
})

test('a pass that takes long is followed by a pause that is longer', () => {
  const clock = virtualClock()
  const begun: number[] = []
  const pace = new WantedPace(clock, () => {
    begun.push(clock.monotonicMs())
    pace.begun()
  })
  pace.news()
  pace.passed(2_000)
  pace.news()
  clock.advance(7_999)
  expect(begun).toHaveLength(1)
  clock.advance(1)
  expect(begun).toHaveLength(2)
})

test('of more than are kept the oldest gives way, and is news again', () => {
  const wanted = new WantedSets()
  const source = sets()
  const all = Array.from({ length: limits.wantedSets.default + 1 }, () => source.next().value!)
  expect(wanted.add(all)).toBe(true)
  expect(wanted.list()).toHaveLength(limits.wantedSets.default)
  expect([wanted.add(all.slice(-9)), wanted.add(all.slice(0, 1))]).toEqual([false, true])
})
