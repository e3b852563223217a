/**
 * A seeded mutator of DNS messages, and the corpus it starts from.
 *
 * One seed gives one sequence of packets, in a process or over sockets. The corpus holds a message
 * for each branch of the parser, so that mutation starts from everywhere at once; a mutation
 * changes octets and structure alike: counts, lengths, pointers, options, cuts and splices.
 */
import { type Random, seededRandom } from '../../src/core/base/random.ts'
import { buildQuery, type EdnsParts, optRecord } from './dns-query.ts'

const TYPES = [
  'A',
  'AAAA',
  'NS',
  'CNAME',
  'SOA',
  'MX',
  'TXT',
  'SRV',
  'HTTPS',
  'DS',
  'ANY',
  'AXFR',
  'IXFR',
  'MAILA',
  'TKEY',
  'TSIG',
  'OPT',
  'NXNAME',
  'TYPE200',
  'TYPE65280',
]

const EDNS: readonly EdnsParts[] = [
  {},
  { payload: 0 },
  { payload: 65_535, dnssecOk: true },
  { version: 1 },
  { z: 0x7fff },
  { owner: [1, 0x61, 0] },
  { owner: [0xc0, 0x0c] },
  { options: [[3, []]] },
  { options: [[8, [0, 1, 24, 0, 192, 0, 2]]] },
  { options: [[8, [0, 1, 20, 0, 192, 0, 0x20]]] },
  { options: [[8, [0, 1, 20, 0, 192, 0, 0x21]]] },
  { options: [[8, [0, 2, 56, 0, 0x20, 1, 0xd, 0xb8, 0, 0, 1]]] },
  { options: [[8, [0, 0, 0, 0]]] },
  { options: [[8, [0, 1, 24, 9, 192, 0, 2]]] },
  { options: [[8, [0, 9, 0, 0]]] },
  { options: [[8, [0, 1, 40, 0, 1, 2, 3, 4, 5]]] },
  { options: [[8, [0, 1, 8, 0]]] },
  { options: [[8, [1]]] },
  { options: new Array<[number, number[]]>(2).fill([8, [0, 1, 8, 0, 10]]) },
  {
    options: [
      [11, []],
      [10, [1, 2, 3, 4, 5, 6, 7, 8]],
      [12, [0, 0]],
      [65_001, [1]],
    ],
  },
  { options: new Array<[number, number[]]>(40).fill([65_001, []]) },
]

const LONG_LABEL = 'l'.repeat(63)
const TSIG = [1, 0x6b, 0, 0, 250, 0, 255, 0, 0, 0, 0, 0, 2, 9, 9]

const edited = (bytes: Uint8Array, ...changes: readonly (readonly [number, number])[]) => {
  for (const [at, value] of changes) bytes[at] = value
  return bytes
}

/** Messages broken by hand, each in a way that mutation would take long to find. */
function broken(name: string): Uint8Array[] {
  const plain = () => buildQuery({ name, type: 'A' })
  const tail = (...trailing: number[]) => edited(buildQuery({ name, type: 'A', trailing }), [11, 1])
  const opt = optRecord({})
  const name64 = new Array<number[]>(5).fill([60, ...new Array<number>(60).fill(0x61)]).flat()
  return [
    new Uint8Array(0),
    plain().slice(0, 11),
    plain().slice(0, 20),
    plain().slice(0, -2),
    edited(plain(), [2, 0x80]),
    edited(plain(), [2, 0x28]),
    edited(plain(), [5, 0]),
    edited(plain(), [5, 2]),
    edited(plain(), [11, 1]),
    edited(plain(), [11, 99]),
    edited(plain(), [12, 0xc0]),
    edited(plain(), [12, 0x40]),
    buildQuery({ name, type: 'A', trailing: [0] }),
    buildQuery({ name: `${LONG_LABEL}.${LONG_LABEL}.${LONG_LABEL}.${'l'.repeat(61)}`, type: 'A' }),
    edited(
      buildQuery({ name: `a.${LONG_LABEL}.${LONG_LABEL}.${LONG_LABEL}`, type: 'A' }),
      [12, 62],
    ),
    buildQuery({ name: new Array(127).fill('a').join('.'), type: 'A' }),
    buildQuery({ name, type: 'A', edns: {}, records: [opt] }),
    buildQuery({ name, type: 'A', edns: {}, records: [TSIG] }),
    edited(buildQuery({ name, type: 'A', trailing: opt }), [7, 1]),
    tail(...opt.slice(0, 8)),
    tail(0xc0),
    tail(0xc0, 0x0c, 0, 16, 0, 1, 0, 0, 0, 0, 0, 0),
    tail(0x40, 0, 0, 1),
    tail(5, 0x61),
    tail(...name64, 0),
    tail(0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 9),
    tail(...opt.slice(0, 9), 0, 2, 0, 8),
    tail(...opt.slice(0, 9), 0, 6, 0, 8, 0, 9, 1, 2),
  ]
}

/** One message for each branch, over names that exist in the zones asked and some that do not. */
export function corpusOf(names: readonly string[]): Uint8Array[] {
  const plain = names.flatMap((name) => TYPES.map((type) => buildQuery({ name, type })))
  const edns = EDNS.flatMap((parts, index) =>
    [0, 7, 13].map((step) => {
      const name = names[(index + step) % names.length]!
      return buildQuery({ name, type: TYPES[(index + step) % TYPES.length]!, edns: parts })
    }),
  )
  const chaos = ['version.bind', 'id.server', 'authors.bind'].flatMap((name) =>
    ['TXT', 'ANY', 'A'].map((type) => buildQuery({ name, type, qclass: 3, edns: {} })),
  )
  const classes = [2, 4, 254, 255].map((qclass) =>
    buildQuery({ name: names[0]!, type: 'A', qclass }),
  )
  return [...plain, ...edns, ...chaos, ...classes, ...broken(names[0]!)]
}

const MESSAGE_BYTES_MAX = 4_096

type Mutation = (bytes: Uint8Array, random: Random, corpus: readonly Uint8Array[]) => Uint8Array

const INTERESTING = [0, 1, 2, 3, 5, 12, 28, 41, 63, 64, 127, 128, 191, 192, 193, 249, 252, 255]

const pick = <T>(list: readonly T[], random: Random): T => list[random.below(list.length)]!

const splice = (bytes: Uint8Array, at: number, drop: number, put: Uint8Array): Uint8Array => {
  const whole = new Uint8Array(bytes.length - drop + put.length)
  whole.set(bytes.subarray(0, at))
  whole.set(put, at)
  whole.set(bytes.subarray(at + drop), at + put.length)
  return whole
}

const mutations: readonly Mutation[] = [
  (bytes, random) => edited(bytes, [random.below(bytes.length), random.below(256)]),
  (bytes, random) => edited(bytes, [random.below(bytes.length), pick(INTERESTING, random)]),
  (bytes, random) => {
    const at = random.below(bytes.length)
    return edited(bytes, [at, (bytes[at] ?? 0) ^ (1 << random.below(8))])
  },
  // The header is a small part of a message and a large part of its meaning.
  (bytes, random) => edited(bytes, [2 + random.below(10), pick(INTERESTING, random)]),
  (bytes, random) => bytes.slice(0, random.below(bytes.length + 1)),
  (bytes, random) => {
    const at = random.below(bytes.length + 1)
    return splice(bytes, at, 0, bytes.slice(at, at + 1 + random.below(40)))
  },
  (bytes, random) => {
    const at = random.below(bytes.length)
    return splice(bytes, at, Math.min(bytes.length - at, 1 + random.below(20)), new Uint8Array(0))
  },
  (bytes, random, corpus) => {
    const other = pick(corpus, random)
    const cut = random.below(bytes.length + 1)
    return splice(bytes, cut, bytes.length - cut, other.subarray(random.below(other.length + 1)))
  },
  (bytes, random) => {
    const opt = Uint8Array.from(optRecord(pick(EDNS, random)))
    const longer = splice(bytes, bytes.length, 0, opt)
    return longer.length > 12 ? edited(longer, [11, ((longer[11] ?? 0) + 1) & 0xff]) : longer
  },
  // Upper case in the name, as resolvers send it (0x20).
  (bytes, random) => {
    for (let at = 12; at < bytes.length; at++) {
      const letter = bytes[at]! >= 0x61 && bytes[at]! <= 0x7a
      if (letter && random.below(2) === 0) bytes[at] = bytes[at]! & 0xdf
    }
    return bytes
  },
]

export interface Mutator {
  /** The next packet: one in eight as it is in the corpus, the others with one to four changes. */
  next(): Uint8Array
}

export function mutatorOf(corpus: readonly Uint8Array[], seed: number): Mutator {
  const random = seededRandom(seed)
  const next = (): Uint8Array => {
    let bytes: Uint8Array = pick(corpus, random).slice()
    const changes = random.below(8) === 0 ? 0 : 1 + random.below(4)
    for (let change = 0; change < changes; change++)
      if (bytes.length > 0) bytes = pick(mutations, random)(bytes, random, corpus)
    return bytes.length > MESSAGE_BYTES_MAX ? bytes.slice(0, MESSAGE_BYTES_MAX) : bytes
  }
  return { next }
}
