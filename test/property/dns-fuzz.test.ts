// Goal: no packet breaks the authority, and every reply keeps the rules of dns-rules.ts.
// Method: a seeded mutator over a corpus that reaches every branch of the parser. To see that it
// does, run
//   npx vitest run test/property/dns-fuzz.test.ts --coverage --coverage.include='src/core/dns/**'
//     --coverage.reporter=text
// (one line); the files of the parser (header, question, edns, ecs) show 100 % of branches.
import { expect, test } from 'vitest'
import { brokenRule } from '../harness/dns-rules.ts'
import { world } from '../harness/dns-cases.ts'
import { corpusOf, mutatorOf } from '../harness/dns-mutator.ts'
import { authorityOf, CLIENT, sendTo } from '../harness/dns-world.ts'

const full = process.env['OPENGSLB_FULL'] === '1'
const packets = full ? 1_000_000 : 50_000
const seed = Number(process.env['OPENGSLB_SEED'] ?? 20_261)

const NAMES = [
  'www',
  'app',
  'dual',
  'dead',
  'last',
  'alias',
  'loop1',
  'steered',
  'x.wild',
  'host.moved',
  'x.sub',
  'nowhere',
  'b.ent',
  'child',
  'several',
  'big',
  'away',
  'missing',
  'downwards',
  'selfie',
  'a.faroff',
]
// With a target longer than its owner, so that a long enough name gives YXDOMAIN.
const LONG = `${'p'.repeat(63)}.${'q'.repeat(63)}.${'r'.repeat(63)}.${'s'.repeat(30)}.further`
const names = [
  ...[...NAMES, LONG].map((name) => `${name}.example.com`),
  'example.com',
  'www.other.org',
  '.',
]
const corpus = corpusOf(names)
const { authority } = world
authority.reconfigure({
  udpPayloadSize: 1232,
  nsid: 'fuzzed',
  versionString: 'v',
  tcpIdleTimeoutMs: 5_000,
})

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

test('every packet of the corpus keeps the rules, over UDP and TCP', () => {
  for (const query of corpus) {
    for (const transport of ['udp', 'tcp'] as const) {
      const reply = sendTo(authority, query, transport)
      const rule = brokenRule(query, reply, { transport, udpPayloadSize: 1232 })
      expect(rule, hex(query)).toBeUndefined()
    }
  }
})

test(`${packets} mutated packets: none throws, none breaks a rule (seed ${seed})`, () => {
  const mutator = mutatorOf(corpus, seed)
  const out = new Uint8Array(65_535)
  let replies = 0
  for (let count = 0; count < packets; count++) {
    const query = mutator.next()
    const transport = count % 4 === 3 ? 'tcp' : 'udp'
    const written = authority.answer(query, 0, query.length, out, 0, { bytes: CLIENT, transport })
    const reply = written === 0 ? undefined : out.slice(0, written)
    if (reply !== undefined) replies++
    const rule = brokenRule(query, reply, { transport, udpPayloadSize: 1232 })
    if (rule !== undefined) expect.fail(`packet ${count}: ${rule}: ${transport} ${hex(query)}`)
  }
  expect(replies).toBeGreaterThan(packets / 2)
}, 600_000)

test('with cookies and rate limiting, no packet breaks a rule either, and floods are held back', () => {
  const guarded = world.authority
  guarded.reconfigure({
    udpPayloadSize: 1232,
    nsid: 'n'.repeat(128),
    versionString: 'v',
    tcpIdleTimeoutMs: 5_000,
    cookies: { secret: new Uint8Array(16), previousSecret: new Uint8Array(16), require: true },
    rateLimit: {
      responsesPerSecond: 50,
      slip: 2,
      windowSeconds: 15,
      ipv4PrefixBits: 24,
      ipv6PrefixBits: 56,
      exemptNetworks: [],
    },
  })
  const mutator = mutatorOf(corpus, seed + 2)
  const fates = [0, 0, 0]
  for (let count = 0; count < packets; count++) {
    const query = mutator.next()
    guarded.tick(1e12 + count)
    const transport = count % 4 === 3 ? 'tcp' : 'udp'
    const reply = sendTo(guarded, query, transport)
    fates[guarded.last.fate]!++
    const bounds = { transport, udpPayloadSize: 1232, mayHoldBack: transport === 'udp' } as const
    const rule = brokenRule(query, reply, bounds)
    if (rule !== undefined) expect.fail(`packet ${count}: ${rule}: ${transport} ${hex(query)}`)
  }
  for (const times of fates) expect(times).toBeGreaterThan(packets / 50)
}, 600_000)

test('an authority without a snapshot keeps the rules too', () => {
  const empty = authorityOf()
  const mutator = mutatorOf(corpus, seed + 1)
  for (let count = 0; count < packets / 10; count++) {
    const query = mutator.next()
    const rule = brokenRule(query, sendTo(empty, query), { transport: 'udp', udpPayloadSize: 1232 })
    if (rule !== undefined) expect.fail(`packet ${count}: ${rule}: ${hex(query)}`)
  }
}, 600_000)

test('the same seed gives the same packets', () => {
  const [one, two] = [mutatorOf(corpus, seed), mutatorOf(corpus, seed)]
  for (let count = 0; count < 100; count++) expect(hex(one.next())).toBe(hex(two.next()))
})
