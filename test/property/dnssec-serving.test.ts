// Goal: whatever the zones hold, whichever servers are up and whatever is asked, a reply with DO
// validates, and apart from signatures and proofs says what it says without DO.
// Method: random zones, delegations, aliases, wildcards and pools, one zone inside the other; each
// reply is read off the wire and judged by the validator.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { foldCase, wireToName } from '../../src/core/dns/names.ts'
import { types } from '../../src/core/dns/types.ts'
import { poolSpecOf, zoneOf } from '../harness/dns-world.ts'
import { type Message, signedWorld, wireOf } from '../harness/dnssec-serving.ts'
import { DOWN, UP, WAS_UP } from '../harness/pools.ts'

const label = fc.constantFrom('a', 'b', 'B', 'cc', '*', 'a\\000', '0')
const relative = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'))
const OUTER = 'z.org'
const INNER = 'b.a.z.org'
/** Without a zone of its own, so that what lies below is of the outer zone. */
const target = fc.oneof(
  relative.map((name) => `${name}.${OUTER}.`),
  relative.map((name) => `${name}.${INNER}.`),
  fc.constant('elsewhere.example.'),
)

const DS = '12345 13 2 0000000000000000000000000000000000000000000000000000000000000000'

type Kind = 'data' | 'cname' | 'dname' | 'cut' | 'secure-cut' | 'addresses'

interface Owner {
  readonly name: string
  readonly kind: Kind
  readonly target: string
}

const owner = fc.record({
  name: relative,
  kind: fc.constantFrom<Kind>('data', 'data', 'cname', 'dname', 'cut', 'secure-cut', 'addresses'),
  target,
})

function linesOf({ name, kind, target: to }: Owner): string[] {
  // These mean nothing at a wildcard (RFC 4592 section 4), and above the inner zone would hide it.
  const isPlain = name.startsWith('*') || name === 'a'
  const safe = isPlain && (kind === 'dname' || kind.endsWith('cut')) ? 'data' : kind
  switch (safe) {
    case 'cname':
      return [`${name} CNAME ${to}`]
    case 'dname':
      return [`${name} DNAME ${to}`]
    case 'cut':
      return [`${name} NS ns.${name}`, `ns.${name} A 192.0.2.77`]
    case 'secure-cut':
      return [`${name} NS ns.elsewhere.example.`, `${name} DS ${DS}`]
    case 'addresses':
      return [`${name} A 192.0.2.7`, `${name} A 192.0.2.8`, `${name} AAAA 2001:db8::7`]
    default:
      return [`${name} TXT "${name}"`, `${name} MX 10 ${to}`]
  }
}

const once = <T extends { readonly name: string }>(all: readonly T[]): T[] => [
  ...new Map(all.map((one) => [one.name.toLowerCase(), one])).values(),
]

const pool = fc.record({
  name: relative,
  inner: fc.boolean(),
  v4: fc.integer({ min: 0, max: 4 }),
  v6: fc.integer({ min: 0, max: 2 }),
  answers: fc.integer({ min: 1, max: 4 }),
  policy: fc.constantFrom('round-robin', 'weighted', 'failover'),
  whenAllDown: fc.constantFrom('servfail', 'last_healthy', 'all', 'nodata', 'fallback'),
  words: fc.array(fc.constantFrom(UP, DOWN, WAS_UP), { minLength: 6, maxLength: 6 }),
})

const world = fc.record({
  outer: fc.array(owner, { maxLength: 8 }),
  inner: fc.array(owner, { maxLength: 4 }),
  innerDs: fc.boolean(),
  innerNs: fc.boolean(),
  innerSigned: fc.boolean(),
  pools: fc.array(pool, { maxLength: 3 }),
  denial: fc.constantFrom('nsec' as const, 'nsec3' as const, 'compact' as const),
  // Spent in the middle of a run, the chain goes on.
  budget: fc.constantFrom(1_000, 7),
  asked: fc.array(
    fc.record({
      name: relative,
      under: fc.constantFrom(OUTER, OUTER, INNER),
      type: fc.constantFrom('A', 'AAAA', 'TXT', 'MX', 'DS', 'NS', 'CNAME', 'ANY', 'NSEC', 'RRSIG'),
      turn: fc.nat(7),
    }),
    { minLength: 6, maxLength: 12 },
  ),
})

type World = typeof world extends fc.Arbitrary<infer T> ? T : never

function build({ outer, inner, innerDs, innerNs, innerSigned, pools, ...rest }: World) {
  const { denial, budget } = rest
  const named = once(pools.map((one) => ({ ...one, name: one.name.toLowerCase() })))
  const taken = new Set(named.map(({ name }) => name))
  const text = (owners: readonly Owner[]) =>
    // A pool beside an alias, or where another zone begins, is no configuration.
    once(owners)
      .filter(({ name }) => !taken.has(name.toLowerCase()))
      .flatMap(linesOf)
  const outerText = [
    ...['@ NS ns.elsewhere.example.', '@ TXT "top"', ...text(outer)],
    ...(innerNs ? ['b.a NS ns.elsewhere.example.'] : []),
    ...(innerDs ? [`b.a DS ${DS}`] : []),
  ]
  const zones = [
    zoneOf(OUTER, outerText.filter((line) => !/^b\.a (?:CNAME|DNAME)/i.test(line)).join('\n')),
    zoneOf(INNER, ['@ NS ns.elsewhere.example.', ...text(inner)].join('\n')),
  ]
  const specs = named.map((one, slot) =>
    poolSpecOf(
      {
        name: `${one.name}.${one.inner ? INNER : OUTER}`,
        zone: one.inner ? INNER : OUTER,
        addresses: [
          ...Array.from({ length: one.v4 }, (_, at) => `192.0.2.${at + 1}`),
          ...Array.from({ length: one.v6 }, (_, at) => `2001:db8::${at + 1}`),
        ],
        spec: {
          policy: one.policy as 'weighted',
          answers: one.answers,
          whenAllDown: one.whenAllDown as 'all',
          fallback: one.whenAllDown === 'fallback' ? ['192.0.2.200', '192.0.2.201'] : [],
        },
      },
      slot,
    ),
  )
  return signedWorld({
    ...{ zones, pools: specs, denial, budget },
    words: named.map(({ words }, at) => words.slice(0, specs[at]!.members.length)),
    unsigned: innerSigned ? [] : [INNER],
  })
}

const ADDED: ReadonlySet<number> = new Set([types.RRSIG, types.NSEC, types.NSEC3])

/** What of a reply does not belong to DNSSEC; of its own accord the rest is the same. */
function substance(message: Message, type: string): readonly unknown[] {
  const isAdded = (one: number) => ADDED.has(one) && types[type as 'RRSIG'] !== one
  return [
    message.rcode,
    message.authoritative,
    message.answer.filter((record) => !isAdded(record.type)),
    message.authority.filter((record) => !ADDED.has(record.type) && record.type !== types.DS),
  ]
}

const within = (name: Uint8Array, apex: Uint8Array): boolean =>
  name.length >= apex.length && name.subarray(name.length - apex.length).join() === apex.join()

/** Whether the reply owes a proof and ends with an alias from one zone into the other. */
function endsBetweenZones({ answer, authority }: Message): boolean {
  const last = answer.filter(({ type }) => !ADDED.has(type)).at(-1)
  if (last?.type !== types.CNAME || !authority.some(({ type }) => ADDED.has(type))) return false
  return within(last.owner, wireOf(INNER)) !== within(foldCase(last.rdata), wireOf(INNER))
}

test('every reply validates, and says what it says without DO', () => {
  const seen = new Map<string, number>()
  fc.assert(
    fc.property(world, (made) => {
      const built = build(made)
      const poolsAsked = made.pools.flatMap(({ name, inner }) =>
        ['A', 'AAAA', 'MX'].map((type) => ({ name, under: inner ? INNER : OUTER, type, turn: 1 })),
      )
      for (const { name, under, type, turn } of [...made.asked, ...poolsAsked]) {
        const full = `${name}.${under}`
        const message = built.ask(full, type, { turn })
        expect([full, type, ...built.judge(message)]).toEqual([full, type])
        const kind = `${message.rcode} ${message.answer.length > 0}`
        seen.set(kind, (seen.get(kind) ?? 0) + 1)
        // These two are answered with something that stands for the rest.
        if (type === 'ANY' || type === 'RRSIG') continue
        const plain = built.plain(full, type, { turn })
        if (endsBetweenZones(message)) {
          const had = message.answer.filter(({ type: one }) => !ADDED.has(one))
          expect(plain.answer.slice(0, had.length)).toEqual(had)
          seen.set('between zones', (seen.get('between zones') ?? 0) + 1)
        } else expect(substance(message, type)).toEqual(substance(plain, type))
      }
    }),
    { numRuns: process.env['OPENGSLB_FULL'] === '1' ? 4_000 : 300 },
  )
  // The walk has been everywhere.
  for (const kind of [
    'NOERROR true',
    'NOERROR false',
    'NXDOMAIN false',
    'SERVFAIL false',
    'between zones',
  ])
    expect(seen.get(kind) ?? 0, kind).toBeGreaterThan(0)
}, 300_000)

test('an alias from a wildcard into another zone ends the reply with its own proof', () => {
  const built = signedWorld({
    zones: [
      zoneOf(OUTER, `@ NS ns.elsewhere.example.\n* CNAME a.${INNER}.\nb CNAME a.${INNER}.`),
      zoneOf(INNER, '@ NS ns.elsewhere.example.'),
    ],
  })
  // Between a and b.a in the order of names lies the cut, of which both zones have a record.
  const message = built.ask(`a\\000.${OUTER}`, 'A')
  expect(built.judge(message)).toEqual([])
  expect([message.rcode, message.answer.length]).toEqual(['NOERROR', 2])
  const owners = message.authority.map(({ owner, type }) => [wireToName(owner), type])
  expect(owners).toEqual([
    [INNER, types.NSEC],
    [INNER, types.RRSIG],
  ])
  // Without a wildcard nothing is owed in the first zone, and the answer goes on.
  const direct = built.ask(`b.${OUTER}`, 'A')
  expect([direct.rcode, ...built.judge(direct)]).toEqual(['NXDOMAIN'])
})
