// Goal: the scope told with an answer is true: every client inside it would get the same answer at
// the same turn (RFC 7871 section 7.2.1), whatever serves, fenced or not, however many answers; and
// the answer is that of the nearest region that serves.
// Method: mappings crowded into a corner of the space so that they nest and touch, random health,
// and a plain model; every address of the corner is asked by its option.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ownMemory } from '../../src/core/base/memory.ts'
import { placeClients } from '../../src/core/geo/source.ts'
import { parsePrefix } from '../../src/core/net/address.ts'
import type { ServingPool } from '../../src/core/steer/snapshot.ts'
import { decodeReply } from '../harness/dns-decode.ts'
import { buildQuery } from '../harness/dns-query.ts'
import { authorityOf, sendTo, zoneOf } from '../harness/dns-world.ts'
import { DOWN, UP, WAS_UP } from '../harness/pools.ts'

const runs = process.env['OPENGSLB_FULL'] === '1' ? 2_000 : 40
const CORNER_BITS = 6
const SIZE = 2 ** CORNER_BITS
const REGIONS = ['alpha', 'beta', 'gamma', 'delta'] as const
const NAME = 'app.example.com'

/** Which bits of an address are the corner's: the last of IPv4, or some in the midst of IPv6. */
const spaces = {
  v4: {
    bits: 32,
    from: 26,
    text: (corner: number) => `10.7.7.${0xc0 | corner}`,
    option: (corner: number, length = 32) => [0, 1, length, 0, 10, 7, 7, 0xc0 | corner],
  },
  v6: {
    bits: 128,
    from: 34,
    text: (corner: number) => `2001:db8:${(corner << 8).toString(16)}::`,
    option: (corner: number, length = 56) => [0, 2, length, 0, 0x20, 1, 0x0d, 0xb8, corner, 0, 0],
  },
} as const

const mapping = fc.record({
  corner: fc.nat(SIZE - 1),
  bits: fc.nat(CORNER_BITS),
  region: fc.constantFrom(...REGIONS),
})

const cases = fc.record({
  space: fc.constantFrom<keyof typeof spaces>('v4', 'v6'),
  mappings: fc.array(mapping, { maxLength: 20 }),
  defaultRegion: fc.constantFrom('', ...REGIONS),
  words: fc.array(fc.constantFrom(UP, UP, DOWN, WAS_UP), { minLength: 8, maxLength: 8 }),
  weights: fc.array(fc.constantFrom(100, 100, 1, 0), { minLength: 8, maxLength: 8 }),
  /** The pool knows these regions only. */
  homes: fc.array(fc.nat(3), { minLength: 8, maxLength: 8 }),
  answers: fc.constantFrom(1, 1, 2, 5),
  geofence: fc.constantFrom(undefined, 'strict' as const),
  whenAllDown: fc.constantFrom('servfail', 'nodata', 'last_healthy', 'all', 'fallback'),
  turn: fc.nat(1_000),
})

type Case = typeof cases extends fc.Arbitrary<infer T> ? T : never

function worldOf(one: Case) {
  const space = spaces[one.space]
  const width = space.from
  const custom = one.mappings.map(({ corner, bits, region }) => {
    const cidr = `${space.text(corner)}/${width + bits}`
    const prefix = parsePrefix(cidr)
    if (!prefix.ok) throw new Error(prefix.error)
    return { cidr, region, comment: '' }
  })
  const regions = REGIONS.map((name) => ({ name, countries: [], continents: [] }))
  const { defaultRegion } = one
  const geo = placeClients({ regions, custom, defaultRegion }, {}, ownMemory)
  const members = one.homes.map((home, at) => ({
    key: `${NAME}:192.0.2.${at}:80`,
    address: `192.0.2.${at}`,
    port: 80,
    region: REGIONS[home]!,
    weight: one.weights[at]!,
  }))
  const pool: ServingPool = {
    ...{ name: NAME, zone: 'example.com', ttlSeconds: 30, policy: 'geolocation', slot: 0 },
    ...{ answers: one.answers, whenAllDown: one.whenAllDown, fallback: ['203.0.113.9'], members },
    ...(one.geofence === undefined ? {} : { geofence: one.geofence }),
  }
  const turns = new Uint32Array(new SharedArrayBuffer(64))
  const authority = authorityOf({ subnets: { trustedNetworks: [] } }, 8, turns)
  const zones = [zoneOf('example.com', '')]
  authority.applySnapshot({ epoch: 1, version: 1, zones, pools: [pool], words: [one.words], geo })
  const ask = (corner: number) => {
    turns[0] = one.turn
    const option = space.option(corner)
    const query = buildQuery({ name: NAME, type: 'A', edns: { options: [[8, option]] } })
    const reply = decodeReply(sendTo(authority, query)!)
    const echoed = reply.opt!.options.find(([code]) => code === 8)![1]
    expect([...echoed.slice(0, 3), ...echoed.slice(4)]).toEqual([
      ...option.slice(0, 3),
      ...option.slice(4),
    ])
    const answer = `${reply.rcode} ${reply.answers.map(({ data }) => String(data)).join(' ')}`
    return { answer, scope: echoed[3]! }
  }
  return { ask, members }
}

/** The region a client belongs to, by the last of the longest mappings that cover it. */
function homeOf({ mappings, defaultRegion }: Case, corner: number): string {
  let best: (typeof mappings)[number] | undefined
  for (const one of mappings) {
    const shift = CORNER_BITS - one.bits
    if (corner >> shift === one.corner >> shift && one.bits >= (best?.bits ?? 0)) best = one
  }
  return best?.region ?? defaultRegion
}

test('every client inside the scope gets the same answer at the same turn', () => {
  fc.assert(
    fc.property(cases, (one) => {
      const { ask } = worldOf(one)
      const { from } = spaces[one.space]
      const told = Array.from({ length: SIZE }, (_, corner) => ask(corner))
      for (const [corner, { answer, scope }] of told.entries()) {
        const shift = CORNER_BITS - Math.max(0, Math.min(CORNER_BITS, scope - from))
        for (const [other, { answer: theirs }] of told.entries())
          if (other >> shift === corner >> shift) expect(theirs).toBe(answer)
      }
    }),
    { numRuns: runs },
  )
})

test('the answer begins with a server of the nearest region that has one', () => {
  fc.assert(
    fc.property(cases, (one) => {
      const { ask, members } = worldOf(one)
      const serves = (region: string) =>
        members.filter(
          (member, at) => member.region === region && one.words[at] === UP && member.weight > 0,
        )
      for (let corner = 0; corner < SIZE; corner += 3) {
        const home = homeOf(one, corner)
        if (home === '') continue
        const order = [home, ...REGIONS.filter((name) => name !== home)]
        const open = one.geofence === 'strict' ? [home] : order
        const region = open.find((name) => serves(name).length > 0)
        if (region === undefined) continue
        const [rcode, ...addresses] = ask(corner).answer.split(' ')
        expect(rcode).toBe('NOERROR')
        const near = serves(region).map(({ address }) => address)
        const rest = open.flatMap((name) => serves(name)).length
        expect(addresses).toHaveLength(Math.min(one.answers, rest))
        expect(new Set(addresses).size).toBe(addresses.length)
        for (const [rank, address] of addresses.entries())
          if (rank < near.length) expect(near).toContain(address)
      }
    }),
    { numRuns: runs },
  )
})

test('a fenced client never gets a server of another region', () => {
  fc.assert(
    fc.property(cases, (one) => {
      const { ask, members } = worldOf({ ...one, geofence: 'strict' })
      for (let corner = 0; corner < SIZE; corner += 3) {
        const home = homeOf(one, corner)
        const own = members.filter(({ region }) => region === home).map(({ address }) => address)
        const [, ...addresses] = ask(corner).answer.split(' ')
        for (const address of addresses.filter((text) => text !== ''))
          expect([...own, '203.0.113.9']).toContain(address)
      }
    }),
    { numRuns: runs },
  )
})
