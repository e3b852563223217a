/**
 * What one answer costs in the authority alone, without sockets: nanoseconds of CPU a query, and
 * what it leaves on the heap.
 *
 * Rounds of all cases are interleaved and medians compared, since only ratios hold on a shared
 * machine. The peer is dns-packet, which decodes and encodes the same exchange in objects.
 */
import { PerformanceObserver } from 'node:perf_hooks'
import packet from 'dns-packet'
import {
  ask,
  authorityFor,
  type Case,
  caseOf,
  cookied,
  ecs,
  everything,
} from '../support/answer-cases.ts'
import { median, report, sized } from '../support/report.ts'

const rounds = sized(15, 3)
const perRound = sized(400_000, 20_000)
const names = 10_000
const manyNames = sized(1_000_000, 20_000)

const range = (count: number, name: (index: number) => string, edns?: typeof ecs) =>
  Array.from({ length: count }, (_, index) => ask(name((index * 7_919) % count), 'A', edns))

function peer(): Case {
  const query = Buffer.from(ask('app0.example.com'))
  const answer = { name: 'app0.example.com', type: 'A', ttl: 30, data: '10.0.0.1' } as const
  const run = (queries: number) => {
    // A fortieth of the queries is enough: the peer is many times slower.
    for (let index = 0; index < queries / 40; index++) {
      const { id, questions } = packet.decode(query)
      packet.encode({
        type: 'response',
        id: id ?? 0,
        questions: questions ?? [],
        answers: [answer],
      })
    }
  }
  return { name: 'peer: dns-packet decode + encode', run }
}

const one = authorityFor({ pools: 1 })
const many = authorityFor({ pools: names })
const hundred = { pools: 1, backends: 100, spec: { policy: 'weighted' } } as const
const app = [ask('app0.example.com')]
const steered = range(names, (index) => `app${index}.example.com`)
const absent = range(names, (index) => `no${index}.example.com`)

const cases: readonly Case[] = [
  caseOf('1 name, 3 backends', one, app),
  caseOf('1 name, 10,000 backends', authorityFor({ pools: 1, backends: 10_000 }), app),
  caseOf('10,000 names, 3 backends each', many, steered),
  caseOf(
    '10,000 names, EDNS and ECS',
    many,
    range(names, (index) => `app${index}.example.com`, ecs),
  ),
  caseOf('EDNS and ECS, weighted over 100 servers', authorityFor(hundred), [
    ask('app0.example.com', 'A', ecs),
  ]),
  caseOf('NXDOMAIN in a zone of 10,000 names', many, absent),
  caseOf('NODATA (AAAA of an IPv4 name)', one, [ask('app0.example.com', 'AAAA')]),
  caseOf('static A', one, [ask('www.example.com')]),
  caseOf('mixed case', one, [ask('aPP0.ExAmPlE.cOm')]),
  caseOf(
    'many static names',
    authorityFor({ statics: manyNames }),
    range(manyNames, (index) => `h${index}.example.com`),
  ),
  caseOf('1 name, counted', one, app, { meters: true }),
  caseOf('10,000 names, counted', many, steered, { meters: true }),
  caseOf('1 name, rate-limited', authorityFor({ pools: 1 }, { rateLimit: true }), app, {}),
  caseOf('1 name, a cookie made', authorityFor({ pools: 1 }, { cookies: true }), [
    ask('app0.example.com', 'A', cookied),
  ]),
  caseOf('1 name, everything on', authorityFor({ pools: 1 }, everything), app, everything),
  caseOf('10,000 names, everything on', authorityFor({ pools: names }, everything), steered, {
    meters: true,
  }),
  caseOf('NXDOMAIN, everything on', authorityFor({ pools: names }, everything), absent, {
    meters: true,
  }),
  caseOf(
    'weighted over 100, everything on',
    authorityFor(hundred, everything),
    [ask('app0.example.com', 'A', ecs)],
    { meters: true },
  ),
]
const rival = peer()

const times = new Map<string, number[]>()
for (const each of [...cases, rival]) {
  each.run(perRound)
  times.set(each.name, [])
}
for (let round = 0; round < rounds; round++) {
  for (const each of [...cases, rival]) {
    const began = process.cpuUsage()
    each.run(perRound)
    const { user, system } = process.cpuUsage(began)
    const queries = each === rival ? perRound / 40 : perRound
    times.get(each.name)!.push(((user + system) * 1_000) / queries)
  }
}

/** Collections during many queries of all cases, and heap growth where there was none. */
async function heap(): Promise<{ readonly collections: number; readonly bytes: number }> {
  const queries = sized(10_000_000, 400_000)
  let collections = 0
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length
  })
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  global.gc?.()
  await turn()
  observer.observe({ entryTypes: ['gc'] })
  const before = process.memoryUsage().heapUsed
  for (const each of cases) each.run(Math.ceil(queries / cases.length))
  const bytes = (process.memoryUsage().heapUsed - before) / queries
  for (let wait = 0; wait < 3; wait++) await turn()
  observer.disconnect()
  return { collections, bytes }
}

const cost = (name: string): number => median(times.get(name)!)
/** The median of the rounds' ratios, which noise that both suffer leaves alone. */
const ratio = (name: string, to: string): number =>
  median(times.get(name)!.map((time, round) => time / times.get(to)![round]!))

/** The same for differences. */
const more = (name: string, than: string): number =>
  median(times.get(name)!.map((time, round) => time - times.get(than)![round]!))

const { collections, bytes } = await heap()
const flat = ratio('1 name, 10,000 backends', '1 name, 3 backends')
/** Two hundredths of a whole answer, sockets included: some 3,500 ns. */
const COUNTING_NS_MAX = 70
const counting = more('1 name, counted', '1 name, 3 backends')
report(
  'answer (ns of CPU a query)',
  {
    ...Object.fromEntries([...cases, rival].map(({ name }) => [name, cost(name)])),
    'static names of "many static names"': manyNames,
    'ratio of 10,000 backends to 3': flat,
    'ratio of 10,000 names to 1': ratio('10,000 names, 3 backends each', '1 name, 3 backends'),
    'ratio of many static names to 1': ratio('many static names', 'static A'),
    'counting, ns a query': counting,
    'everything on, ns a query more': more('1 name, everything on', '1 name, 3 backends'),
    'collections in all the queries of one pass': collections,
    'heap bytes left a query': bytes,
  },
  {
    // Sixteen bytes a query would be ten collections; compiling the code may cause one.
    holds:
      flat < sized(1.1, 3) &&
      counting < sized(COUNTING_NS_MAX, 1_000) &&
      Math.abs(bytes) < sized(1, 100) &&
      collections <= 2,
    sentence:
      `10,000 backends cost ${flat.toFixed(3)} of 3; counting takes ${counting.toFixed(0)} ns; ` +
      `${collections} collections, ${bytes.toFixed(3)} heap bytes a query`,
  },
)
