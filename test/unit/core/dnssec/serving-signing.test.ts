// Goal: signatures that are still good are kept, and a fault leaves everything as it was.
import { describe, expect, test } from 'vitest'
import { ownMemory } from '../../../../src/core/base/memory.ts'
import { outcomeOf, outcomes } from '../../../../src/core/dns/outcomes.ts'
import { SampleRing } from '../../../../src/core/dns/samples.ts'
import { types } from '../../../../src/core/dns/types.ts'
import { defaultLifetimes, dueSecondsOf } from '../../../../src/core/dnssec/lifetimes.ts'
import { beginSigning, signServing } from '../../../../src/core/dnssec/sign-serving.ts'
import { SignatureStore } from '../../../../src/core/dnssec/signatures.ts'
import { answerSettings, Execution, isRemade, rerun } from '../../../../src/core/replay/execute.ts'
import { readSamples } from '../../../../src/core/replay/sample.ts'
import { CLIENT, poolSpecOf, zoneOf } from '../../../harness/dns-world.ts'
import { buildQuery } from '../../../harness/dns-query.ts'
import { crypto, keyFor } from '../../../harness/dnssec.ts'
import {
  NOW,
  type SignedWorldParts,
  readMessage,
  signedParts,
  signedWorld,
} from '../../../harness/dnssec-serving.ts'

const APEX = 'example.com'
const TEXT = [
  '@ NS ns1',
  '@ MX 10 ns1',
  'ns1 A 192.0.2.53',
  'www A 192.0.2.1',
  'www A 192.0.2.2',
  'x.deep TXT "deep"',
  '*.wild TXT "wild"',
  'alias CNAME www',
  'moved DNAME wild',
  'sub NS ns.sub',
  'ns.sub A 192.0.2.77',
  'safe NS ns.elsewhere.example.',
  `safe DS 12345 13 2 ${'00'.repeat(32)}`,
].join('\n')
const zones = [zoneOf(APEX, TEXT)]
const poolOf = (count: number, spec: object = {}, name = 'app') =>
  poolSpecOf(
    {
      ...{ name: `${name}.${APEX}`, zone: APEX, spec },
      addresses: Array.from({ length: count }, (_, at) => `192.0.2.${100 + at}`),
    },
    0,
  )

function resultOf(world: SignedWorldParts) {
  const { signed, ...rest } = signedParts(world)
  if (!signed.ok) throw new Error(signed.error.join('\n'))
  return { ...rest, ...signed.value }
}

describe('keeping', () => {
  test('nothing is signed again while nothing changed, and only what changed after that', () => {
    const store = new SignatureStore()
    const first = resultOf({ zones, store, pools: [poolOf(3)] })
    expect(first.kept).toBe(0)
    expect(store.size).toBe(first.made)
    const again = resultOf({ zones, store, pools: [poolOf(3)] })
    expect([again.made, again.kept]).toEqual([0, first.made])
    expect(again.parts).toEqual(first.parts)
    const more = resultOf({ zones, store, pools: [poolOf(4)] })
    expect(more.made).toBe(1)
    const without = resultOf({ zones, store, pools: [] })
    // The name left the chain, so the record before it points elsewhere.
    expect(without.made).toBe(1)
    expect(store.size).toBe(without.kept + without.made)
  })

  test('a slice passes many that are kept, and never more that are made than it is told', () => {
    const { parts, plan, store } = signedParts({ zones, pools: [poolOf(3)] })
    const made = store.size
    const fresh = beginSigning(parts, plan, new SignatureStore(), crypto)
    expect(fresh.left).toBe(made)
    expect(fresh.step(3)).toBe(made - 3)
    const again = beginSigning(parts, plan, store, crypto)
    expect(again.step(1)).toBe(made - 8)
    expect(again.step(Math.ceil(made / 8))).toBe(0)
    expect(again.finish(ownMemory)).toMatchObject({ ok: true, value: { made: 0, kept: made } })
  })

  test.each([
    ['the same', true, { pools: [poolOf(3)] }],
    ['other addresses, weights and a TTL', true, { pools: [poolOf(5, { ttlSeconds: 9 })] }],
    ['another time', true, { pools: [poolOf(3)], nowSeconds: NOW + 3_600 }],
    ['no server', false, { pools: [poolOf(0)] }],
    ['no record while all are down', false, { pools: [poolOf(3, { whenAllDown: 'nodata' })] }],
    ['another name', false, { pools: [poolOf(3), poolOf(3, {}, 'b')] }],
    ['a name less', false, { pools: [] }],
    ['another record', false, { zones: [zoneOf(APEX, `${TEXT}\nmore A 192.0.2.9`)] }],
    ['another value', false, { zones: [zoneOf(APEX, TEXT.replace('deep"', 'sea"'))] }],
    ['another key', false, { pools: [poolOf(3)], keys: [keyFor(15)] }],
    ['another denial', false, { pools: [poolOf(3)], denial: 'nsec3' as const }],
    ['another seed', false, { pools: [poolOf(3)], seed: 5 }],
  ])('what was gathered once holds or does not: %s', (_what, holds, more) => {
    const one = signedParts({ zones, pools: [poolOf(3)] })
    const before = beginSigning(one.parts, one.plan, one.store, crypto).gathered
    const other = signedParts({ zones, ...more })
    const again = beginSigning(other.parts, other.plan, other.store, crypto, before)
    expect(again.gathered === before).toBe(holds)
    const bare = beginSigning(other.parts, other.plan, other.store, crypto).finish(ownMemory)
    expect(again.finish(ownMemory)).toEqual(bare)
    expect(bare.ok).toBe(true)
  })

  test('each is made anew when it is due, when the clock was set back, and with another key', () => {
    const store = new SignatureStore()
    const first = resultOf({ zones, store })
    const early = resultOf({ zones, store, nowSeconds: first.dueSeconds - 1 })
    expect(early.made).toBe(0)
    const due = resultOf({ zones, store, nowSeconds: first.dueSeconds })
    // The times are jittered, so that few are due at once.
    expect(due.made).toBeGreaterThan(0)
    expect(due.made).toBeLessThan(first.made / 2)
    const back = resultOf({ zones, store, nowSeconds: NOW - 86_400 })
    expect(back.made).toBe(first.made)
    const other = resultOf({ zones, store, keys: [keyFor(15)], nowSeconds: NOW - 86_400 })
    expect(other.kept).toBe(0)
  })

  test('it is due a refresh before the first signature ends', () => {
    const { store, dueSeconds } = resultOf({ zones })
    const ends = [...store.entries()].map(([, one]) => dueSecondsOf(defaultLifetimes, one))
    expect(dueSeconds).toBe(Math.min(...ends))
    expect(dueSeconds).toBeGreaterThan(NOW)
  })

  test('in steps it comes to the same as at once', () => {
    const { parts, plan, store, signed } = signedParts({ zones, pools: [poolOf(5)] })
    const signing = beginSigning(parts, plan, store, crypto)
    let steps = 0
    // Of those that are found signed eight are one.
    while (signing.step(1) > 0) steps++
    expect(steps).toBeGreaterThan(1)
    const done = signing.finish(ownMemory)
    expect(done.ok && signed.ok && done.value.parts).toEqual(signed.ok && signed.value.parts)
  })

  test('for what is wanted of many names it lists in steps too, and all the same', () => {
    const many = Array.from({ length: 520 }, (_, at) => poolOf(1, {}, `app${at}`))
    const pools = [poolOf(30, { answers: 3 }, 'large'), ...many]
    const { parts, plan, store } = signedParts({ zones, pools })
    const { gathered } = beginSigning(parts, plan, store, crypto)
    const wanted = [{ pool: 0, family: 4, addresses: [0, 2, 4] }] as const
    const asked = { ...plan, wanted }
    const signing = beginSigning(parts, asked, store, crypto, gathered)
    // Every name and the chains: nothing is listed yet.
    expect(signing.left).toBe(gathered.names.length + 1)
    expect(signing.step(64)).toBeGreaterThan(gathered.names.length)
    const done = signing.finish(ownMemory)
    expect(done.ok && done.value.made).toBe(1)
    const atOnce = signServing(parts, asked, store, crypto, ownMemory)
    expect(done.ok && done.value.parts).toEqual(atOnce.ok && atOnce.value.parts)
  })
})

describe('faults', () => {
  test('a signature that does not verify is not served, and what was made before is kept', () => {
    const { parts, plan, store } = signedParts({ zones })
    const before = store.size
    const broken = {
      ...crypto,
      sign: (...args: Parameters<typeof crypto.sign>) => {
        const made = crypto.sign(...args)
        made[7]! ^= 4
        return made
      },
    }
    const later = { ...plan, nowSeconds: NOW + 1_000_000 }
    const signed = signServing(parts, later, store, broken, ownMemory)
    expect(signed.ok).toBe(false)
    if (!signed.ok) expect(signed.error.join()).toMatch(/example\.com: .*: wrong-signature/)
    expect(store.size).toBe(before)
  })

  test('a chain that does not hold every name is not served', () => {
    const { parts, plan } = signedParts({ zones, denial: 'nsec3' })
    let calls = 0
    const broken = {
      ...crypto,
      sha1: (bytes: Uint8Array) => {
        const hash = crypto.sha1(bytes)
        if (calls++ === 3) hash[0]! ^= 1
        return hash
      },
    }
    const signed = signServing(parts, plan, new SignatureStore(), broken, ownMemory)
    expect(signed.ok ? '' : signed.error.join()).toMatch(/example\.com: denial: .*NSEC3/)
  })

  test('keys that are not in the key set, NSEC3 without its parameters and a zone not there', () => {
    const { parts, plan } = signedParts({ zones })
    const faultsOf = (change: object, apex = APEX) => {
      const zone = { ...plan.zones[0]!, apex, ...change }
      const store = new SignatureStore()
      const done = signServing(parts, { ...plan, zones: [zone] }, store, crypto, ownMemory)
      return done.ok ? [] : done.error
    }
    expect(faultsOf({ keys: [keyFor(15)] })).toEqual([
      'example.com: no key that signs the key set is in it',
      'example.com: no key that signs is in the key set',
    ])
    expect(faultsOf({ keys: [{ ...keyFor(13), isActive: false }] }).length).toBe(2)
    const nsec3 = { kind: 'nsec3', iterations: 0, salt: new Uint8Array(0), isOptOut: false }
    expect(faultsOf({ denial: nsec3 })).toEqual([
      'example.com: NSEC3 without NSEC3PARAM at the apex',
    ])
    expect(faultsOf({ denial: { ...nsec3, iterations: 5 } }).join()).toMatch(/iterations/)
    expect(faultsOf({ denial: { ...nsec3, isOptOut: true } }).join()).toMatch(/opt-out/)
    // A zone of the plan that is not served is no fault: the plan may be ahead of the table.
    expect(faultsOf({}, 'other.example')).toEqual([])
  })

  test('without a signature that the zone owes nothing is answered', () => {
    const { parts } = resultOf({ zones, pools: [poolOf(2)] })
    const world = signedWorld({ zones, pools: [poolOf(2)] })
    const blank = (array: Int32Array) => new Int32Array(array.length)
    const lacking = { ...parts, refs: blank(parts.refs), addresses: blank(parts.addresses) }
    expect(world.authority.applySigned({ ...lacking, version: 2 })).toBe(true)
    for (const [name, type] of [
      ['www', 'A'],
      ['app', 'A'],
      ['alias', 'A'],
      ['x.moved', 'TXT'],
      ['none', 'A'],
      ['www', 'MX'],
      ['sub', 'A'],
      ['safe', 'A'],
    ] as const) {
      const message = world.ask(`${name}.${APEX}`, type)
      expect([name, message.rcode, message.ede]).toEqual([name, 'SERVFAIL', 10])
      expect([message.answer, message.authority, message.additional]).toEqual([[], [], []])
      expect(outcomes[outcomeOf(world.authority.last)]).toBe('not-signed')
      expect(world.plain(`${name}.${APEX}`, type).rcode).not.toBe('SERVFAIL')
    }
  })
})

describe('on the wire', () => {
  const world = signedWorld({ zones, pools: [poolOf(3)] })
  const asked = [
    ['www', 'A'],
    ['www', 'MX'],
    ['', 'MX'],
    ['none', 'A'],
    ['x.wild', 'TXT'],
    ['x.wild', 'A'],
    ['alias', 'A'],
    ['x.moved', 'TXT'],
    ['deep', 'A'],
    ['app', 'A'],
    ['app', 'AAAA'],
    ['sub', 'DS'],
    ['safe', 'DS'],
    ['a.safe', 'A'],
    ['a.sub', 'A'],
  ] as const
  const nameOf = (relative: string) => (relative === '' ? APEX : `${relative}.${APEX}`)

  test('a bit flipped in any octet of any signed set is seen', () => {
    let flips = 0
    for (const [relative, type] of asked) {
      const message = world.ask(nameOf(relative), type)
      expect(world.judge(message)).toEqual([])
      for (const section of ['answer', 'authority'] as const)
        for (const [at, record] of message[section].entries()) {
          // A delegation's NS are the child's word, and what is made of a DNAME is nobody's.
          const isUnsigned =
            (record.type === types.NS && !message.authoritative) ||
            (record.type === types.CNAME && relative === 'x.moved')
          if (isUnsigned) continue
          for (let octet = 0; octet < record.rdata.length; octet++) {
            const rdata = record.rdata.slice()
            rdata[octet]! ^= 1 << (flips % 8)
            // A letter in another case is the same name (RFC 4034 section 6.2).
            if (rdata.map(lower).join() === record.rdata.map(lower).join()) continue
            const changed = message[section].with(at, { ...record, rdata })
            const faults = world.judge({ ...message, [section]: changed })
            expect([relative, type, section, at, octet, faults.length > 0]).toEqual([
              ...[relative, type, section, at, octet, true],
            ])
            flips++
          }
        }
    }
    expect(flips).toBeGreaterThan(2_500)
  }, 120_000)

  const lower = (octet: number): number => (octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet)

  test('without DO a signed zone answers the very octets of an unsigned one', () => {
    const plain = signedWorld({ zones, pools: [poolOf(3)], unsigned: [APEX] })
    for (const edns of [undefined, { payload: 1_232 }])
      for (const [relative, type] of asked) {
        const [one, other] = [world, plain].map(({ send }) =>
          send(nameOf(relative), type, { edns }),
        )
        expect([relative, type, ...one!]).toEqual([relative, type, ...other!])
      }
  })

  test('what does not fit is cut short with TC, and whole over TCP', () => {
    const rsa = signedWorld({ zones, keys: [keyFor(8), keyFor(13), keyFor(14)] })
    const edns = { dnssecOk: true, payload: 512 }
    let cut = 0
    for (const [relative, type] of [...asked, ['', 'DNSKEY'] as const]) {
      const small = rsa.ask(nameOf(relative), type, { transport: 'udp', edns })
      expect(small.bytes.length).toBeLessThanOrEqual(512)
      const whole = rsa.ask(nameOf(relative), type, { transport: 'tcp', edns })
      expect([relative, type, ...rsa.judge(whole)]).toEqual([relative, type])
      if (small.truncated) cut++
      else expect(rsa.judge(small)).toEqual([])
    }
    expect(cut).toBeGreaterThan(5)
  })

  test('signatures are taken when they are newer and of the same tables', () => {
    const own = signedWorld({ zones, version: 5 })
    const { parts } = resultOf({ zones, version: 5 })
    expect(own.authority.applySigned(parts)).toBe(false)
    expect(own.authority.applySigned({ ...parts, version: 4 })).toBe(false)
    expect(own.authority.applySigned({ ...parts, version: 6, epoch: 2 })).toBe(false)
    expect(own.authority.applySigned({ ...parts, version: 6 })).toBe(true)
  })

  test('a signed answer is made again octet by octet from its sample and its signatures', () => {
    const own = signedWorld({ zones, pools: [poolOf(3)], version: 7 })
    const ring = new SampleRing(10_000)
    const out = new Uint8Array(4_096)
    const answers: Uint8Array[] = []
    for (const [relative, type] of asked) {
      const edns = { dnssecOk: true }
      const query = buildQuery({ name: nameOf(relative), type, edns })
      if (!ring.passed(1) || !ring.keep(query, 0, query.length)) continue
      own.authority.forgetTurn()
      const client = { bytes: CLIENT, transport: 'udp' as const }
      const written = own.authority.answer(query, 0, query.length, out, 0, client)
      ring.take(own.authority, written, 1_000, 1)
      answers.push(out.slice(0, written))
    }
    const samples = readSamples(ring.flush(200)!.bytes)
    expect(samples.length).toBe(asked.length)
    expect(samples.every(({ signed }) => signed === 7)).toBe(true)
    const { parts } = own.authority.serving!
    const settings = { udpPayloadSize: 4_096, nsid: '', versionString: '', tcpIdleTimeoutMs: 0 }
    const execution = new Execution(answerSettings(settings), 1, parts)
    for (const [at, sample] of samples.entries()) {
      const again = rerun(execution, sample, { signed: parts.signed })
      expect(again.code).toBe('same')
      expect(isRemade(again) && [...again.answer]).toEqual([...answers[at]!])
      expect(rerun(execution, sample).code).toBe('signatures-unknown')
      const other = { ...parts.signed!, version: 8 }
      expect(rerun(execution, sample, { signed: other }).code).toBe('signatures-unknown')
    }
    expect(readMessage(answers[0]!).answer.some(({ type }) => type === types.RRSIG)).toBe(true)
  })
})

test('a zone inside another is delegated by it, and the names between them exist', () => {
  const outer = zoneOf('z.org', '@ NS ns.elsewhere.example.\nlisted.in.a TXT "hidden"')
  const inner = zoneOf('in.a.z.org', '@ NS ns.elsewhere.example.\nwww A 192.0.2.1')
  for (const denial of ['nsec', 'nsec3'] as const) {
    const world = signedWorld({ zones: [outer, inner], denial })
    for (const [name, type, rcode] of [
      ['a.z.org', 'A', 'NOERROR'],
      ['b.a.z.org', 'A', 'NXDOMAIN'],
      ['in.a.z.org', 'DS', 'NOERROR'],
      ['in.a.z.org', 'SOA', 'NOERROR'],
      ['in.a.z.org', 'TXT', 'NOERROR'],
      ['www.in.a.z.org', 'A', 'NOERROR'],
      ['listed.in.a.z.org', 'TXT', 'NXDOMAIN'],
    ] as const) {
      const message = world.ask(name, type)
      expect([name, type, message.rcode, ...world.judge(message)]).toEqual([name, type, rcode])
    }
  }
})
