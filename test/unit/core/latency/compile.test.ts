// Goal: what agents measured becomes the rows that answers are made from: the network's own, else
// those of what it lies in, else none; with bounded exploration that a slot's number decides.
// Method: a small geography of two countries and two systems, and reports by hand.
import { describe, expect, test } from 'vitest'
import { ownMemory } from '../../../../src/core/base/memory.ts'
import type { GeoDatabase } from '../../../../src/core/geo/classes.ts'
import { type Place, NO_PLACE } from '../../../../src/core/geo/places.ts'
import { placeClients } from '../../../../src/core/geo/source.ts'
import { decodeCatchments, encodeCatchments } from '../../../../src/core/latency/kept-catchments.ts'
import { type Measured, ServiceCompiler } from '../../../../src/core/latency/compile.ts'
import { groundOf } from '../../../../src/core/latency/ground.ts'
import { parsePrefix } from '../../../../src/core/net/address.ts'
import { ClientMap } from '../../../../src/core/net/client-map.ts'
import { rangesOf, uniform } from '../../../../src/core/net/ranges.ts'

const NOW = 1_800_000_000_000
const REGIONS = ['fra', 'nyc', 'sin']
const spots = [
  { latitude: 50, longitude: 8.6 },
  { latitude: 40.7, longitude: -74 },
  { latitude: 1.3, longitude: 103.8 },
]
const regions = REGIONS.map((name, at) => ({ name, countries: [], continents: [], ...spots[at]! }))

function database(rows: readonly (readonly [string, Place])[]): GeoDatabase {
  const prefixes = rows.map(([cidr]) => prefix(cidr))
  const view = ({ address }: (typeof prefixes)[number]) => new DataView(address.bytes.buffer)
  const v4 = rangesOf(
    {
      words: 1,
      starts: Uint32Array.from(prefixes, (one) =>
        view(one).getUint32(one.address.bytes.byteOffset),
      ),
      lengths: Uint8Array.from(prefixes, ({ length }) => length),
      values: Int32Array.from(rows.keys()),
    },
    -1,
  )
  return { v4, v6: uniform(4, -1), places: rows.map(([, place]) => place) }
}

const at = (country: string, latitude: number, longitude: number): Place => ({
  ...{ ...NO_PLACE, country, latitude, longitude },
})
const germany = at('DE', 51, 10)
const brazil = at('BR', -15, -47)
const places = database([
  ['20.0.0.0/8', germany],
  ['30.0.0.0/8', brazil],
])
const systems = database([
  ['30.1.0.0/16', { ...NO_PLACE, asn: 65_001 }],
  ['30.2.0.0/16', { ...NO_PLACE, asn: 65_001 }],
])

function prefix(cidr: string) {
  const parsed = parsePrefix(cidr)
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value
}

const geo = placeClients({ regions, custom: [], defaultRegion: '' }, { places, systems }, ownMemory)
const service = { name: 'app.test', regions: REGIONS, maxLatencyMs: 500, minSamples: 5 }

const heard = (cidr: string, region: string, rttMs: number, samples = 50): Measured => ({
  ...{ prefix: prefix(cidr), region, rttMs, samples, weight: samples },
  ...{ deviationMs: 1, observedMs: NOW },
})

/** What a compiler says of addresses: regions, the best first, or nothing. */
function compiled(made: ServiceCompiler, slot = 1, budget = 0) {
  const routes = made.compile(NOW, slot, budget, ownMemory)
  const map = routes && new ClientMap(routes.map)
  const rowOf = (address: string) => {
    const { bytes, family } = prefix(address).address
    return map?.classOf(family, bytes) ?? -1
  }
  const order = (address: string) => {
    const row = rowOf(address)
    if (row < 0) return 'nothing'
    const numbers = routes!.ranking.subarray(row * REGIONS.length, (row + 1) * REGIONS.length)
    return [...numbers].map((number) => REGIONS[number]).join(' ')
  }
  const isExploring = (address: string) => routes?.exploring[rowOf(address)] === 1
  return { routes, order, isExploring }
}

const compiler = (news: readonly Measured[], changed: Partial<typeof service> = {}) => {
  const made = new ServiceCompiler(groundOf(geo), { ...service, ...changed })
  made.take(news)
  return made
}

describe('rows', () => {
  test('without a word of anybody there are none', () => {
    expect(compiled(compiler([])).routes).toBeUndefined()
  })

  test('a network goes where its own clients were quickest, and others by geography', () => {
    const { order } = compiled(
      compiler([heard('20.1.2.0/24', 'fra', 90), heard('20.1.2.0/24', 'nyc', 30)]),
    )
    expect(order('20.1.2.7')).toMatch(/^nyc fra/)
    expect(order('40.0.0.1')).toBe('nothing')
  })

  test('geography decides for a network of which too little was heard', () => {
    expect(compiled(compiler([heard('20.1.2.0/24', 'nyc', 10, 4)])).order('20.1.2.7')).toBe(
      'nothing',
    )
  })

  test('neighbours follow what several networks around them saw, by system before country', () => {
    // Seen from 30.1/16 Frankfurt is quicker than New York, which is nearer.
    const news = Array.from({ length: 12 }, (_, index) => [
      heard(`30.1.${index}.0/24`, 'fra', 145),
      heard(`30.1.${index}.0/24`, 'nyc', 260),
    ]).flat()
    const made = compiler(news)
    const { order } = compiled(made)
    expect(order('30.1.200.1')).toMatch(/^fra/)
    // The same system elsewhere.
    expect(order('30.2.200.1')).toMatch(/^fra/)
    expect(made.describe(prefix('30.2.200.1').address.bytes, NOW)).toMatchObject({
      ...{ source: 'system', network: 'AS65001' },
    })
    expect(made.describe(prefix('30.1.200.1').address.bytes, NOW)?.source).toBe('wider network')
    expect(made.describe(prefix('30.9.0.1').address.bytes, NOW)?.source).toBe('country')
    expect(made.describe(prefix('40.0.0.1').address.bytes, NOW)).toBeUndefined()
    // Another country has heard nothing.
    expect(order('20.200.1.1')).toBe('nothing')
  })

  test('a region slower than max_latency_ms is passed over, unless all are', () => {
    const news = [heard('20.1.2.0/24', 'fra', 320), heard('20.1.2.0/24', 'nyc', 330)]
    const low = compiled(compiler(news, { maxLatencyMs: 300 }))
    expect(low.order('20.1.2.1')).toMatch(/^sin/)
    expect(compiled(compiler(news, { maxLatencyMs: 20 })).order('20.1.2.1')).not.toBe('nothing')
  })

  test('news of more networks changes nothing for those that were known', () => {
    const made = compiler([heard('20.1.2.0/24', 'fra', 90), heard('20.1.2.0/24', 'nyc', 30)])
    const before = compiled(made).order('20.1.2.1')
    made.take([heard('20.1.3.0/24', 'fra', 12), heard('20.7.0.0/20', 'sin', 40)])
    made.take([heard('20.1.3.0/24', 'nyc', 95)])
    const { order } = compiled(made)
    expect(order('20.1.2.1')).toBe(before)
    expect(order('20.1.3.1')).toMatch(/^fra/)
    for (const [address, network] of [
      ['20.1.2.1', '20.1.2.0/24'],
      ['20.1.3.1', '20.1.3.0/24'],
      ['20.7.1.1', '20.7.0.0/20'],
    ] as const)
      expect(made.describe(prefix(address).address.bytes, NOW)?.network).toBe(network)
    // As if all had come at once.
    const whole = compiler([
      ...[heard('20.1.2.0/24', 'fra', 90), heard('20.1.2.0/24', 'nyc', 30)],
      ...[heard('20.1.3.0/24', 'fra', 12), heard('20.7.0.0/20', 'sin', 40)],
      heard('20.1.3.0/24', 'nyc', 95),
    ])
    for (const address of ['20.1.2.1', '20.1.3.1', '20.7.1.1', '20.1.4.1', '40.1.1.1'])
      expect(order(address).split(' ')[0]).toBe(compiled(whole).order(address).split(' ')[0])
  })

  test('an IPv6 network has rows of its own', () => {
    const { order } = compiled(
      compiler([heard('2001:db8:1::/48', 'sin', 20), heard('2001:db8:1::/48', 'fra', 200)]),
    )
    expect(order('2001:db8:1::9')).toMatch(/^sin/)
    // A neighbour in the same allocation goes along.
    expect(order('2001:db8:2::9')).toMatch(/^sin/)
    expect(order('2001:dba::9')).toBe('nothing')
  })

  test('a second report far off replaces what was believed, whatever it rested on', () => {
    const made = compiler([
      heard('20.1.2.0/24', 'fra', 20, 5_000),
      heard('20.1.2.0/24', 'nyc', 100, 5_000),
    ])
    expect(compiled(made).order('20.1.2.1')).toMatch(/^fra/)
    made.take([heard('20.1.2.0/24', 'fra', 400, 5_040)])
    expect(compiled(made).order('20.1.2.1')).toMatch(/^nyc/)
  })
})

describe('exploration', () => {
  const measuredOnce = () => compiler([heard('20.1.2.0/24', 'fra', 120)])

  test('follows from the number of the slot, in no more of them than the budget', () => {
    const slots = Array.from({ length: 4_000 }, (_, slot) => slot)
    const made = measuredOnce()
    const found = slots.filter((slot) => compiled(made, slot, 100).isExploring('20.1.2.1'))
    expect(found.length).toBeGreaterThan(10)
    expect(found.length).toBeLessThan(80)
    const again = measuredOnce()
    for (const slot of found) {
      const { order } = compiled(again, slot, 100)
      expect(order('20.1.2.1')).toBe(compiled(made, slot, 100).order('20.1.2.1'))
    }
    expect(slots.some((slot) => compiled(made, slot, 0).isExploring('20.1.2.1'))).toBe(false)
  })
})

describe('a resolver that sends no client subnet', () => {
  const RESOLVER = '20.200.1.1'
  const address = prefix(RESOLVER).address.bytes
  const brazilian = Array.from({ length: 8 }, (_, index) => `30.1.${index}.0/24`)

  /** Clients in Brazil, quicker in New York, arrive where the resolver in Germany was told. */
  function rounds(made: ServiceCompiler, asks: boolean) {
    for (let round = 1; round <= 12; round++) {
      const samples = 10 * round
      made.take([
        heard('20.1.2.0/24', 'fra', 10, samples),
        heard('30.1.99.0/24', 'nyc', 120, samples),
        ...brazilian.map((one) => heard(one, 'fra', 260, samples)),
        ...(round === 1 ? brazilian.map((one) => heard(one, 'nyc', 120, samples)) : []),
      ])
      if (asks) made.asked(address, 'fra', 20)
      compiled(made)
      made.divide()
    }
    return made
  }

  test('goes where the networks are quick that arrive where it was told', () => {
    const made = rounds(compiler([]), true)
    expect(compiled(made).order(RESOLVER)).toMatch(/^nyc/)
    const view = made.describe(address, NOW)
    expect(view).toMatchObject({ source: 'catchment', network: 'world' })
    expect(view!.networksBehind).toBeGreaterThan(5)
    expect(made.catchments()).toMatchObject({ resolvers: 1 })
    // Networks that were measured keep their own rows.
    expect(compiled(made).order('20.1.2.1')).toMatch(/^fra/)
  })

  test('is known as before by another compiler that takes up what this one knew', () => {
    const made = rounds(compiler([]), true)
    const kept = decodeCatchments(encodeCatchments([made.keptCatchments()]))
    if (!kept.ok) throw new Error(kept.error)
    const again = compiler([heard('20.1.2.0/24', 'fra', 10, 10)])
    again.restoreCatchments(kept.value[0]!, 0.5)
    // Networks are measured one after the other, and what waits for them is not lost.
    expect(again.keptCatchments().networks).toHaveLength(made.keptCatchments().networks.length)
    for (const one of brazilian) again.take([heard(one, 'fra', 260, 10), heard(one, 'nyc', 120, 9)])
    expect(compiled(again).order(RESOLVER)).toMatch(/^nyc/)
    const [was, is] = [made, again].map((one) => one.describe(address, NOW)!.networksBehind!)
    expect(is).toBeGreaterThan(5)
    expect(is).toBeLessThan(was!)
    expect(again.keptCatchments().resolvers).toEqual(made.keptCatchments().resolvers)
  })

  test('is not changed by words that are said again, or were said before a start', () => {
    const made = rounds(compiler([]), true)
    const kept = () => made.keptCatchments().networks
    const before = kept()
    const said = (one: string) => heard(one, 'fra', 260, 120)
    const expected = JSON.stringify(made.describe(prefix('30.1.0.1').address.bytes, NOW))
    for (let round = 0; round < 20; round++) {
      made.take(brazilian.map(said))
      made.asked(address, 'nyc', 20)
      made.divide()
    }
    expect(kept()).toEqual(before)
    expect(JSON.stringify(made.describe(prefix('30.1.0.1').address.bytes, NOW))).toBe(expected)
    // The same of a network that another compiler told before this one was there.
    made.take([heard('30.1.50.0/24', 'fra', 260)], true)
    made.divide()
    expect(kept().map(([{ address: own }]) => own.text)).not.toContain('30.1.50.0')
  })

  test('goes as before where nobody counts what it was told', () => {
    const made = rounds(compiler([]), false)
    expect(compiled(made).order(RESOLVER)).not.toMatch(/^nyc/)
    expect(made.describe(address, NOW)?.source).toBe('world')
    expect(made.catchments()).toEqual({ resolvers: 0, networks: 0 })
  })

  test('is none of those whose own system has networks, nor one that hardly asks', () => {
    const made = compiler([heard('30.1.2.0/24', 'fra', 90), heard('30.1.2.0/24', 'nyc', 30)])
    made.asked(prefix('30.2.7.7').address.bytes, 'fra', 50)
    made.asked(address, 'fra', 4)
    made.asked(address, 'nowhere', 50)
    made.divide()
    expect(made.catchments().resolvers).toBe(0)
  })
})
