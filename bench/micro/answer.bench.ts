/**
 * What one answer costs in the authority alone, without sockets: nanoseconds a query, and bytes
 * left on the heap.
 *
 * Rounds of all cases are interleaved and medians compared, since only ratios hold on a shared
 * machine. The peer is dns-packet, which decodes and encodes the same exchange in objects.
 */
import packet from 'dns-packet'
import { buildQuery, type EdnsParts } from '../../test/harness/dns-query.ts'
import { authorityOf, CLIENT, poolSpecOf, snapshotOf } from '../../test/harness/dns-world.ts'
import { UP } from '../../test/harness/pools.ts'
import { median, report, sized } from '../support/report.ts'

const rounds = sized(15, 3)
const perRound = sized(400_000, 20_000)
const names = 10_000
/** Room for one query in the slab. */
const STRIDE = 64

const ZONE = '@ NS ns1\nns1 A 192.0.2.53\nwww A 192.0.2.1\ntext TXT "hello"'

const addressOf = (index: number): string =>
  `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`
const addresses = (count: number): string[] => Array.from({ length: count }, (_, i) => addressOf(i))

interface Case {
  readonly name: string
  readonly run: (queries: number) => void
}

function caseOf(name: string, pools: number, backends: number, asked: Uint8Array[]): Case {
  const snapshot = snapshotOf({ zones: { 'example.com': ZONE } })
  const list = addresses(backends)
  const specs = Array.from({ length: pools }, (_, slot) =>
    poolSpecOf({ name: `app${slot}.example.com`, zone: 'example.com', addresses: list }, slot),
  )
  const authority = authorityOf({}, pools)
  authority.applySnapshot({ ...snapshot, pools: specs, words: specs.map(() => list.map(() => UP)) })
  const out = new Uint8Array(4096)
  const client = { bytes: CLIENT, transport: 'udp' } as const
  // Queries lie in one slab, as a batch front hands them over.
  const slab = new Uint8Array(asked.length * STRIDE)
  for (const [index, query] of asked.entries()) slab.set(query, index * STRIDE)
  const lengths = Uint8Array.from(asked, (query) => query.length)
  let next = 0
  const run = (queries: number) => {
    for (let index = 0; index < queries; index++) {
      const length = lengths[next]!
      const written = authority.answer(slab, next * STRIDE, length, out, 0, client)
      next = next + 1 === asked.length ? 0 : next + 1
      if (written === 0) throw new Error(name)
    }
  }
  return { name, run }
}

const ask = (name: string, type = 'A', edns?: EdnsParts) =>
  buildQuery(edns === undefined ? { name, type } : { name, type, edns })
const many = (edns?: EdnsParts) =>
  Array.from({ length: names }, (_, i) => ask(`app${(i * 7919) % names}.example.com`, 'A', edns))
const ecs: EdnsParts = { options: [[8, [0, 1, 24, 0, 192, 0, 2]]] }

function peer(): Case {
  const query = Buffer.from(ask('app0.example.com'))
  const answer = { name: 'app0.example.com', type: 'A', ttl: 30, data: '10.0.0.1' } as const
  const run = (queries: number) => {
    // A fortieth of the queries is enough: the peer is some sixty times slower.
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

const cases: readonly Case[] = [
  caseOf('1 name, 3 backends', 1, 3, [ask('app0.example.com')]),
  caseOf('1 name, 10,000 backends', 1, 10_000, [ask('app0.example.com')]),
  caseOf('10,000 names, 3 backends each', names, 3, many()),
  caseOf('10,000 names, EDNS and ECS', names, 3, many(ecs)),
  caseOf('NXDOMAIN', 1, 3, [ask('nowhere.example.com')]),
  caseOf('NODATA (AAAA of an IPv4 name)', 1, 3, [ask('app0.example.com', 'AAAA')]),
  caseOf('static A', 1, 3, [ask('www.example.com')]),
  caseOf('mixed case', 1, 3, [ask('aPP0.ExAmPlE.cOm')]),
]
const rival = peer()

const times = new Map<string, number[]>()
for (const one of [...cases, rival]) {
  one.run(perRound)
  times.set(one.name, [])
}
for (let round = 0; round < rounds; round++) {
  for (const one of [...cases, rival]) {
    const began = process.hrtime.bigint()
    one.run(perRound)
    const spent = Number(process.hrtime.bigint() - began)
    times.get(one.name)!.push(spent / (one === rival ? perRound / 40 : perRound))
  }
}

/** Heap growth without a collection in between; a scavenge would show as a negative figure. */
function heapBytesPerQuery(): number {
  const queries = sized(2_000_000, 200_000)
  global.gc?.()
  const before = process.memoryUsage().heapUsed
  for (const one of cases) one.run(queries / cases.length)
  return (process.memoryUsage().heapUsed - before) / queries
}

const cost = (name: string): number => median(times.get(name)!)
const ratio = cost('1 name, 10,000 backends') / cost('1 name, 3 backends')
const heapBytes = heapBytesPerQuery()
report(
  'answer (ns a query)',
  {
    ...Object.fromEntries([...cases, rival].map(({ name }) => [name, cost(name)])),
    'ratio of 10,000 backends to 3': ratio,
    'heap bytes left a query': heapBytes,
  },
  {
    holds: ratio < 1.1 && Math.abs(heapBytes) < 1,
    sentence: `10,000 backends cost ${ratio.toFixed(3)} of 3; ${heapBytes.toFixed(3)} heap bytes a query`,
  },
)
