/**
 * What one query costs a DNS thread apart from the kernel: nanoseconds, everything on.
 *
 * Each scenario runs in processes of its own, since a thread that answers one kind of question is
 * compiled otherwise than one that answered all. The least of many short slices is what the code
 * costs when nothing else disturbs it; only that compares two versions on a busy machine.
 * `--scenario=NAME` runs one of them in this process, `--queries=N` so many queries, `--samples=N`
 * takes so many samples a second instead of the default; with Node's `--trace-gc` it shows each
 * collection. What is left on the heap is told after a forced one.
 */
import { spawnSync } from 'node:child_process'
import { PerformanceObserver } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { readsPlace } from '../../src/core/steer/pool-layout.ts'
import type { PolicyNode } from '../../src/core/steer/policy-tree.ts'
import type { Policy } from '../../src/core/steer/topology.ts'
import { LEVEL_SHIFT } from '../../src/core/steer/words.ts'
import type { Snapshot } from '../../src/core/steer/snapshot.ts'
import { SETTINGS } from '../../src/kernel/births.ts'
import { poolSpecOf, zoneOf } from '../../test/harness/dns-world.ts'
import { UP, wordOf } from '../../test/harness/pools.ts'
import { ask, cookied, ecs } from '../support/answer-cases.ts'
import { learnedFor, placesFor, REGIONS } from '../support/dns-places.ts'
import { BATCH, type Draw, dnsThread } from '../support/dns-thread.ts'
import { median, report, sized } from '../support/report.ts'

interface Scenario {
  readonly names: number
  readonly servers?: number
  readonly queries: () => Uint8Array[]
  /** Clients that rate limiting counts; otherwise it exempts them. */
  readonly counted?: boolean
  readonly policy?: Policy
  readonly tree?: PolicyNode
  /** Thousandths of its traffic that each server takes; all where it is absent. */
  readonly share?: number
  /** Further zones, of one name each. */
  readonly zones?: number
  /** Clients keep to their server. */
  readonly sticks?: boolean
  /** A health word changes with every so many batches. */
  readonly batchesPerDelta?: number
  /** The zone is signed and denies so. */
  readonly signed?: 'nsec' | 'nsec3'
  /** Each query comes of another of all networks, drawn so. */
  readonly networks?: Draw
}

const names = 10_000
const ALL_NETWORKS = sized(65_536, 8_192)
const nameOf = (index: number): string => `n${String(index).padStart(7, '0')}`
const letters = (index: number): string =>
  Array.from({ length: 12 }, (_, at) =>
    String.fromCharCode(97 + ((Math.imul(index + 1, 0x9e3779b1 + at * 77_777) >>> 9) % 26)),
  ).join('')
const many = (make: (index: number) => Uint8Array) =>
  Array.from({ length: 8_192 }, (_, i) => make(i))

const dnssecOk = { dnssecOk: true, payload: 1_232 }
const strangers = () => many((index) => ask(`${letters(index)}.bench.test`, 'A', dnssecOk))
const known = () =>
  many((index) => ask(`${nameOf((index * 7_919) % names)}.bench.test`, 'A', dnssecOk))
const steeredOk = () => [ask('app.bench.test', 'A', dnssecOk)]

const fromPlaces = () =>
  many((index) => {
    // A sequence that is spread evenly, made a rank, scattered over 65,536 networks.
    const rank = Math.floor(2 ** (16 * ((index * 0.6180339887) % 1))) - 1
    const network = Math.imul(rank, 40_503) & 0xffff
    const option = [0, 1, 24, 0, 127, network >> 8, network & 255]
    return ask('app.bench.test', 'A', { options: [[8, option]] })
  })

/** More networks than are remembered at once; by Zipf's law, and each as often as any. */
function networksScenarios(): Record<string, Scenario> {
  const queries = () => [ask('app.bench.test', 'A', { options: [[8, [0, 1, 24, 0, 127, 0, 0]]] })]
  const policies = {
    steered: 'round-robin',
    geo: 'geolocation',
    latency: 'latency',
    learned: 'learned_latency',
  } as const
  return Object.fromEntries(
    (['zipf', 'uniform'] as const).flatMap((networks) =>
      Object.entries(policies).map(([name, policy]) => [
        `${name}-${networks}`,
        { names: 0, servers: 3, policy, queries, networks },
      ]),
    ),
  )
}

/** The same questions with DO, of a zone that is not signed and of one that is. */
const signedScenarios: Readonly<Record<string, Scenario>> = {
  'do-steered': { names: 0, servers: 3, queries: steeredOk },
  'do-steered-signed': { names: 0, servers: 3, queries: steeredOk, signed: 'nsec' },
  'do-names': { names, queries: known },
  'do-names-signed': { names, queries: known, signed: 'nsec' },
  'do-nxdomain': { names, queries: strangers },
  'do-nxdomain-nsec': { names, queries: strangers, signed: 'nsec' },
  'do-nxdomain-nsec3': { names, queries: strangers, signed: 'nsec3' },
}

function fencedTiers(): PolicyNode {
  const leaf = (...regions: string[]): PolicyNode => ({
    ...{ kind: 'choose', algorithm: 'weighted', regions },
  })
  const tiers: PolicyNode = { kind: 'failover', tiers: [leaf('near', 'far'), leaf('farthest')] }
  return { kind: 'geofence', rules: [{ homes: ['near', 'far'], node: tiers }, { node: leaf() }] }
}

/** From more networks than are remembered, so that some draw among all servers. */
const stickyTo = (servers: number): Scenario => ({
  ...{ names: 0, servers, sticks: true, networks: 'uniform' },
  queries: () => [ask('app.bench.test', 'A', { options: [[8, [0, 1, 24, 0, 127, 0, 0]]] })],
})

/** Servers by the ten thousand, at rest and in a storm of changes. */
const manyScenarios: Readonly<Record<string, Scenario>> = Object.fromEntries(
  (['round-robin', 'weighted'] as const).flatMap((policy) => {
    const one = { names: 0, servers: 10_000, policy, queries: () => [ask('app.bench.test')] }
    const name = `${policy}-10000`
    return [
      [name, one],
      [`${name}-deltas`, { ...one, batchesPerDelta: 4 }],
    ]
  }),
)

const scenarios: Readonly<Record<string, Scenario>> = {
  plain: { names: 0, queries: () => [ask('www.bench.test')] },
  cookie: { names: 0, queries: () => [ask('www.bench.test', 'A', cookied)] },
  steered: { names: 0, servers: 3, queries: () => [ask('app.bench.test')] },
  geo: { names: 0, servers: 3, policy: 'geolocation', queries: () => [ask('app.bench.test')] },
  latency: { names: 0, servers: 3, policy: 'latency', queries: () => [ask('app.bench.test')] },
  learned: {
    ...{ names: 0, servers: 3, policy: 'learned_latency' },
    queries: () => [ask('app.bench.test')],
  },
  // A fence, two tiers inside it, and servers by weight.
  composed: {
    ...{ names: 0, servers: 3, policy: 'composed', tree: fencedTiers() },
    queries: () => [ask('app.bench.test')],
  },
  sticky: { names: 0, servers: 3, sticks: true, queries: () => [ask('app.bench.test')] },
  'sticky-100': stickyTo(100),
  'sticky-10000': stickyTo(10_000),
  'steered-ecs': { names: 0, servers: 3, queries: () => [ask('app.bench.test', 'A', ecs)] },
  'geo-ecs': {
    ...{ names: 0, servers: 3, policy: 'geolocation' },
    queries: () => [ask('app.bench.test', 'A', ecs)],
  },
  'learned-ecs': {
    ...{ names: 0, servers: 3, policy: 'learned_latency' },
    queries: () => [ask('app.bench.test', 'A', ecs)],
  },
  // From some thousand networks, by Zipf's law, so that most but not all are remembered.
  'steered-places': { names: 0, servers: 3, queries: fromPlaces },
  'geo-places': { names: 0, servers: 3, policy: 'geolocation', queries: fromPlaces },
  'learned-places': { names: 0, servers: 3, policy: 'learned_latency', queries: fromPlaces },
  ...networksScenarios(),
  names: {
    names,
    queries: () => many((index) => ask(`${nameOf((index * 7_919) % names)}.bench.test`)),
  },
  nxdomain: { names, queries: () => many((index) => ask(`${letters(index)}.bench.test`)) },
  // A, AAAA, TXT and no such name; with and without EDNS, subnets, cookies, DO and capitals.
  mixed: {
    names,
    queries: () =>
      many((index) => {
        const name = `${nameOf((index * 7_919) % names)}.bench.test`
        const kind = (index * 13) % 20
        if (kind < 8) return ask(name)
        if (kind < 11) return ask(name.toUpperCase(), 'A', { dnssecOk: true })
        if (kind < 13) return ask('www.bench.test', 'A', ecs)
        if (kind < 14) return ask('www.bench.test', 'A', cookied)
        if (kind < 15) return ask('www.bench.test', 'TXT', { dnssecOk: true })
        if (kind < 17) return ask('www.bench.test', 'AAAA', {})
        return ask(`${letters(index)}.bench.test`, 'A', { dnssecOk: true })
      }),
  },
  // One change in 256 queries: a thousand a second at a quarter of a million queries.
  'steered-deltas': {
    ...{ names: 0, servers: 3, batchesPerDelta: 4 },
    queries: () => [ask('app.bench.test')],
  },
  'weighted-deltas': {
    ...{ names: 0, servers: 100, batchesPerDelta: 4 },
    queries: () => [ask('app.bench.test', 'A', ecs)],
  },
  weighted: { names: 0, servers: 100, queries: () => [ask('app.bench.test', 'A', ecs)] },
  limited: {
    names: 0,
    servers: 100,
    queries: () => [ask('app.bench.test', 'A', ecs)],
    counted: true,
  },
  ...manyScenarios,
  // Half the turns are given away.
  'bleeding-10000': { ...manyScenarios['round-robin-10000']!, share: 500 },
  'zones-10000': {
    ...{ names: 0, zones: names },
    queries: () => many((index) => ask(`www.${nameOf((index * 7_919) % names)}.test`)),
  },
  ...signedScenarios,
}

/** One of each kind. */
const SMOKED = [
  'plain',
  'steered',
  'steered-deltas',
  'learned-places',
  'geo-zipf',
  'do-nxdomain-nsec',
]

/** How many networks ask. */
const ownOf = ({ networks }: Scenario): number => (networks === undefined ? 4_096 : ALL_NETWORKS)

function snapshotFor(scenario: Scenario): Snapshot {
  const { names: count, servers = 0, policy, tree, sticks, share, zones = 0 } = scenario
  const zone = zoneOf('bench.test', '@ NS ns1\nns1 A 127.0.0.1\nwww A 192.0.2.1\nwww TXT "v=bench"')
  const records = Array.from({ length: count }, (_, index) => ({
    name: `${nameOf(index)}.bench.test`,
    type: 1,
    ttlSeconds: 60,
    rdata: Uint8Array.of(10, index >> 16, index >> 8, index),
  }))
  const others = Array.from({ length: zones }, (_, index) =>
    zoneOf(`${nameOf(index)}.test`, '@ NS ns1\nns1 A 127.0.0.1\nwww A 192.0.2.1'),
  )
  const spec = poolSpecOf(
    {
      name: 'app.bench.test',
      zone: 'bench.test',
      addresses: Array.from({ length: servers }, (_, at) => `127.30.${at >> 8}.${at & 255}`),
      spec: {
        policy: policy ?? (servers > 3 ? 'weighted' : 'round-robin'),
        ...(tree === undefined ? {} : { tree }),
        ...(sticks ? { sticky: { bits4: 24, bits6: 48, balance: 1.25 } } : {}),
      },
    },
    0,
  )
  const members = spec.members.map((member, index) => ({
    ...member,
    weight: 10 + ((index * 7) % 91),
    region: REGIONS[index % REGIONS.length]!,
  }))
  const up = share === undefined ? UP : wordOf({ share })
  const pools = servers === 0 ? [] : [{ ...spec, members }]
  return {
    epoch: 1,
    version: 1,
    zones: [{ ...zone, records: [...zone.records, ...records] }, ...others],
    pools,
    words: pools.map((pool) =>
      pool.members.map((_, at) => (policy === 'latency' ? timed(at) : up)),
    ),
    ...(pools.some(readsPlace) ? { geo: placesFor(ownOf(scenario)) } : {}),
  }
}

/** The first two servers share. */
const timed = (at: number): number => (UP | ([20, 11, 0][at]! << LEVEL_SHIFT)) >>> 0

const flagOf = (flag: string): string | undefined =>
  process.argv.find((word) => word.startsWith(`--${flag}=`))?.slice(flag.length + 3)

interface Outcome {
  readonly least: number
  readonly middle: number
  /** While so many millions of queries were answered. */
  readonly collections: number
  readonly millions: number
  /** More on the heap than before, after a forced collection. */
  readonly bytes: number
}

/** Runs one scenario in this process. */
async function alone(name: string): Promise<Outcome> {
  for (const flag of SETTINGS) setFlagsFromString(flag)
  const scenario = scenarios[name]!
  const samples = flagOf('samples')
  const { batchesPerDelta, counted = false, signed, policy, networks } = scenario
  const thread = await dnsThread(snapshotFor(scenario), scenario.queries(), {
    loopback: !counted,
    ...(batchesPerDelta === undefined ? {} : { batchesPerDelta }),
    ...(samples === undefined ? {} : { samplesPerSecond: Number(samples) }),
    ...(signed === undefined ? {} : { signed }),
    ...(networks === undefined ? {} : { draw: networks, networks: ALL_NETWORKS }),
    ...(policy === 'learned_latency' ? { routes: learnedFor(ownOf(scenario)) } : {}),
  })
  const slices = sized(400, 10)
  const perSlice = sized(200, 20)
  for (let warm = 0; warm < sized(40, 10); warm++) thread.run(perSlice)
  let collections = 0
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length
  })
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  global.gc?.()
  await turn()
  observer.observe({ entryTypes: ['gc'] })
  const before = process.memoryUsage().heapUsed
  const wanted = Number(flagOf('queries') ?? slices * perSlice * BATCH)
  const count = Math.ceil(wanted / (perSlice * BATCH))
  const times = new Float64Array(count)
  for (let slice = 0; slice < count; slice++) times[slice] = thread.run(perSlice)
  for (let wait = 0; wait < 3; wait++) await turn()
  observer.disconnect()
  global.gc?.()
  const bytes = process.memoryUsage().heapUsed - before
  thread.close()
  const millions = (count * perSlice * BATCH) / 1e6
  return { least: Math.min(...times), middle: median([...times]), collections, bytes, millions }
}

const chosen = flagOf('scenario')
if (chosen !== undefined) {
  process.stdout.write(`${JSON.stringify(await alone(chosen))}\n`)
} else {
  const starts = sized(5, 1)
  const run = sized(Object.keys(scenarios), SMOKED)
  const outcomes = new Map(run.map((name) => [name, [] as Outcome[]]))
  const flags = process.argv.slice(2)
  for (let start = 0; start < starts; start++)
    for (const [name, list] of outcomes) {
      const self = [...process.execArgv, fileURLToPath(import.meta.url), `--scenario=${name}`]
      const done = spawnSync(process.execPath, [...self, ...flags], { encoding: 'utf8' })
      if (done.status !== 0) throw new Error(done.stderr)
      list.push(JSON.parse(done.stdout) as Outcome)
    }
  const leastOf = (name: string) => median(outcomes.get(name)!.map(({ least }) => least))
  const changes = run.flatMap((name): [string, number][] => {
    const one = scenarios[name]!
    if (one.batchesPerDelta === undefined) return []
    const more = leastOf(name) - leastOf(name.replace('-deltas', ''))
    return [[`${name}: ns a change`, more * one.batchesPerDelta * BATCH]]
  })
  const figures = [...outcomes].flatMap(([name, list]): [string, number][] => [
    [`${name}: ns a query, least`, median(list.map(({ least }) => least))],
    [`${name}: ns a query, median`, median(list.map(({ middle }) => middle))],
  ])
  // Messages are objects, so a change costs memory; a query must not.
  const still = [...outcomes].filter(([name]) => scenarios[name]!.batchesPerDelta === undefined)
  const all = still.flatMap(([, list]) => list)
  const each = Math.max(...all.map(({ collections, millions }) => collections / millions))
  const bytes = Math.max(...all.map((outcome) => outcome.bytes))
  const storm = Math.max(...changes.map(([, ns]) => ns)) / 1e4
  report(
    'dns-thread',
    {
      ...Object.fromEntries([...figures, ...changes]),
      '1,000 changes a second, % of the thread at most': storm,
      'collections a million queries, most': each,
      'bytes left on the heap, most': bytes,
    },
    {
      // One query in 64 is timed, which makes a few numbers: some 2 bytes a query, 0.3 collections
      // a million. Anything allocated for each query would make several a million.
      holds: each < sized(1, 100) && bytes < 2 ** 20 && storm < sized(5, 100),
      sentence:
        `${each.toFixed(2)} collections a million queries, ${bytes} bytes left on the heap, ` +
        `a storm of 1,000 changes a second takes ${storm.toFixed(1)} %`,
    },
  )
}
