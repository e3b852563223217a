/**
 * Messages whose octets matter more than what they ask: what each of them gets is told by the tests
 * of messages in the process, and that it is the same over sockets by those of the fronts.
 */
import { buildQuery, optRecord } from './dns-query.ts'

type Message = readonly [what: string, query: Uint8Array]

export const WWW = { name: 'www.example.com', type: 'A' } as const
export const plain = buildQuery(WWW)

/** A query with some octets changed: pairs of position and value. */
export const patched = (...changes: readonly (readonly [number, number])[]): Uint8Array => {
  const bytes = plain.slice()
  for (const [at, value] of changes) bytes[at] = value
  return bytes
}

/** A question whose name is given in octets. */
export const named = (...name: number[]): Uint8Array =>
  Uint8Array.from([0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...name, 0, 1, 0, 1])

export const label = (length: number): number[] => [length, ...new Array<number>(length).fill(0x61)]

/** They get nothing. */
export const silent: readonly Message[] = [
  ['an empty datagram', new Uint8Array(0)],
  ['eleven octets', plain.slice(0, 11)],
  ['a response', patched([2, 0x80])],
  ['a response of another opcode', patched([2, 0xa8])],
  ['a malformed response', patched([2, 0x80], [5, 9])],
]

/** Their question is not echoed. */
export const unechoed: readonly (readonly [...Message, rcode: string])[] = [
  ['an unknown opcode', patched([2, 0x78]), 'NOTIMP'],
  ['NOTIFY', patched([2, 0x20]), 'NOTIMP'],
  ['UPDATE', patched([2, 0x28]), 'NOTIMP'],
  ['an unknown opcode with a header alone (RFC 8906)', patched([2, 0x78]).slice(0, 12), 'NOTIMP'],
  ['no question', patched([5, 0]).slice(0, 12), 'FORMERR'],
  ['two questions', patched([5, 2]), 'FORMERR'],
  ['256 questions', patched([4, 1], [5, 0]), 'FORMERR'],
  ['a question cut in its name', plain.slice(0, 20), 'FORMERR'],
  ['a question cut in its type', plain.slice(0, -3), 'FORMERR'],
  ['a compression pointer as the name', named(0xc0, 0x0c), 'FORMERR'],
  ['a pointer behind a label', named(1, 0x61, 0xc0, 0x0c), 'FORMERR'],
  ['a label of the reserved kind 01', named(0x41, 0x61, 0), 'FORMERR'],
  ['a label of the reserved kind 10', named(0x81, 0x61, 0), 'FORMERR'],
  [
    'a name of 256 octets',
    named(...label(63), ...label(63), ...label(63), ...label(62), 0),
    'FORMERR',
  ],
]

const withOpt = (over: Parameters<typeof optRecord>[0]) => buildQuery({ ...WWW, edns: over })
const counts = (query: Uint8Array, an: number, ns: number, ar: number) => {
  query.set([0, an, 0, ns, 0, ar], 6)
  return query
}
const opt = optRecord({})
const tail = (...octets: number[]) => buildQuery({ ...WWW, trailing: octets })

/** FORMERR, behind a question that is echoed. */
export const malformed: readonly Message[] = [
  ['trailing garbage', tail(0)],
  ['garbage behind OPT', buildQuery({ ...WWW, edns: {}, trailing: [1] })],
  ['a count without its record', counts(plain.slice(), 0, 0, 1)],
  ['an answer that is not there', counts(plain.slice(), 1, 0, 0)],
  ['two OPT records', buildQuery({ ...WWW, edns: {}, records: [opt] })],
  ['an OPT whose owner is not the root', withOpt({ owner: [1, 0x61, 0] })],
  ['an OPT whose owner is a pointer to the root', withOpt({ owner: [0xc0, 28] })],
  ['an OPT among the answers', counts(tail(...opt), 1, 0, 0)],
  ['an OPT in the authority section', counts(tail(...opt), 0, 1, 0)],
  ['an OPT cut short', counts(tail(...opt.slice(0, 8)), 0, 0, 1)],
  ['an owner cut short', counts(tail(5, 0x61), 0, 0, 1)],
  ['an owner that ends in half a pointer', counts(tail(0xc0), 0, 0, 1)],
  ['an owner with a reserved label', counts(tail(0x40, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0), 0, 0, 1)],
  [
    'an owner of more than 255 octets',
    counts(tail(...new Array(5).fill(label(60)).flat(), 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0), 0, 0, 1),
  ],
  ['rdata that runs past the end', counts(tail(0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 9), 0, 0, 1)],
  [
    'more records than any query has',
    buildQuery({ ...WWW, records: new Array(17).fill([0, 0, 16, 0, 1, 0, 0, 0, 0, 0, 0]) }),
  ],
]

type Subnet = readonly [what: string, data: readonly number[]]

/** Data of client subnet options that are echoed with scope 0. */
export const goodSubnets: readonly Subnet[] = [
  ['an IPv4 prefix', [0, 1, 24, 0, 192, 0, 2]],
  ['a prefix that ends inside an octet', [0, 1, 20, 0, 192, 0, 0x20]],
  ['an IPv6 prefix', [0, 2, 56, 0, 0x20, 1, 0xd, 0xb8, 0, 0, 1]],
  ['a whole IPv6 address', [0, 2, 128, 0, ...new Array<number>(16).fill(7)]],
  ['the empty prefix', [0, 1, 0, 0]],
  ['no family', [0, 0, 0, 0]],
]

/** Those that are FORMERR. */
export const badSubnets: readonly Subnet[] = [
  ['nothing', []],
  ['an unknown family', [0, 3, 0, 0]],
  ['a scope', [0, 1, 24, 24, 192, 0, 2]],
  ['too many octets', [0, 1, 24, 0, 192, 0, 2, 0]],
  ['too few octets', [0, 1, 24, 0, 192, 0]],
  ['bits past the prefix', [0, 1, 20, 0, 192, 0, 0x21]],
  ['an IPv4 prefix of 33 bits', [0, 1, 33, 0, 192, 0, 2, 1, 0]],
  ['an IPv6 prefix of 129 bits', [0, 2, 129, 0, ...new Array<number>(17).fill(0)]],
  ['a prefix without family', [0, 0, 8, 0, 1]],
]
