// Goal: compact denial (RFC 9824) in replies says with one NSEC at the name asked what is not
// there, as long as its budget lasts, and the chain says it from then on. Method: signed worlds
// asked over the whole path; the validator judges each reply.
import { describe, expect, test } from 'vitest'
import type { WireRecord } from '../../../../src/core/dnssec/check/wire.ts'
import { COMPACT_OK } from '../../../../src/core/dnssec/compact.ts'
import { ONLINE_VERSION } from '../../../../src/core/dns/compact.ts'
import { wireToName } from '../../../../src/core/dns/names.ts'
import { types } from '../../../../src/core/dns/types.ts'
import { formatRdata } from '../../../../src/core/zone/rdata.ts'
import { poolSpecOf, zoneOf } from '../../../harness/dns-world.ts'
import { keyFor } from '../../../harness/dnssec.ts'
import { type Ask, type SignedWorldParts, signedWorld } from '../../../harness/dnssec-serving.ts'

const APEX = 'c.test'
const TEXT = `@ NS ns1
ns1 A 192.0.2.53
below.ent TXT "x"
*.wild TXT "w"
*.alias CNAME gone
sub NS ns.elsewhere.example.
`
const pools = [poolSpecOf({ name: `app.${APEX}`, zone: APEX, addresses: ['192.0.2.1'] }, 0)]

const worldOf = (more: Partial<SignedWorldParts> = {}) =>
  signedWorld({ zones: [zoneOf(APEX, TEXT)], pools, denial: 'compact', ...more })

const nsecs = (records: readonly WireRecord[]): string[] =>
  records
    .filter(({ type }) => type === types.NSEC)
    .map(({ owner, rdata }) => `${wireToName(owner)} ${formatRdata(types.NSEC, rdata)}`)

const doAlone: Ask = { edns: { dnssecOk: true, payload: 4_096 } }
const doAndCo: Ask = { edns: { dnssecOk: true, payload: 4_096, z: COMPACT_OK } }

function reply(name: string, type: string, how: Ask, world = worldOf()) {
  const message = world.ask(name, type, how)
  expect(world.judge(message)).toEqual([])
  return { message, rcode: message.rcode, nsecs: nsecs(message.authority) }
}

describe('a name that does not exist', () => {
  test('is said with NXNAME at that name: NOERROR with DO, NXDOMAIN with CO beside it', () => {
    const record = `no.${APEX} \\000.no.${APEX}. RRSIG NSEC NXNAME`
    expect(reply(`no.${APEX}`, 'A', doAlone)).toMatchObject({ rcode: 'NOERROR', nsecs: [record] })
    expect(reply(`No.${APEX}`, 'A', doAndCo)).toMatchObject({ rcode: 'NXDOMAIN', nsecs: [record] })
  })

  test('is said without DO as ever, and CO alone means nothing', () => {
    const plain = worldOf().plain(`no.${APEX}`, 'A')
    expect([plain.rcode, plain.authority.map(({ type }) => type)]).toEqual([
      'NXDOMAIN',
      [types.SOA],
    ])
    const co = worldOf().ask(`no.${APEX}`, 'A', { edns: { payload: 4_096, z: COMPACT_OK } })
    expect([co.rcode, nsecs(co.authority)]).toEqual(['NXDOMAIN', []])
  })
})

describe('a type that a name does not have', () => {
  test('is said with the types it has, at an empty name and at a wildcard with theirs', () => {
    for (const [name, type, held] of [
      ['ns1', 'MX', 'A RRSIG NSEC'],
      ['app', 'AAAA', 'A RRSIG NSEC'],
      ['ent', 'A', 'RRSIG NSEC'],
      ['any.wild', 'A', 'TXT RRSIG NSEC'],
      ['sub', 'DS', 'NS RRSIG NSEC'],
    ] as const) {
      const owner = `${name}.${APEX}`
      expect(reply(owner, type, doAlone)).toMatchObject({
        ...{ rcode: 'NOERROR', nsecs: [`${owner} \\000.${owner}. ${held}`] },
      })
    }
  })

  test('is proved by the chain where it is NSEC or RRSIG, which each compact record lists', () => {
    for (const type of ['NSEC', 'RRSIG']) {
      const { online } = worldOf()
      const world = worldOf()
      expect(reply(`ent.${APEX}`, type, doAlone, world).nsecs).toHaveLength(1)
      expect([online.signed, world.online.signed]).toEqual([0, 0])
    }
  })
})

test('a reply that rests on the chain already rests on it whole', () => {
  const world = worldOf()
  const { message, nsecs: records } = reply(`x.alias.${APEX}`, 'A', doAlone, world)
  expect(message.answer.some(({ type }) => type === types.CNAME)).toBe(true)
  expect(records.join()).not.toContain('\\000')
  expect(world.online.signed).toBe(0)
})

describe('the budget', () => {
  test('is a second’s worth of signatures; past it the chain proves, and the next second signs', () => {
    const world = worldOf({ budget: 3 })
    const kinds = () =>
      Array.from({ length: 5 }, (_, at) => {
        const { nsecs: records, rcode } = reply(`no${at}.${APEX}`, 'A', doAlone, world)
        return records.join().includes('NXNAME') ? rcode : `chain ${rcode}`
      })
    const spent = [...Array(3).fill('NOERROR'), ...Array(2).fill('chain NXDOMAIN')]
    expect(kinds()).toEqual(spent)
    expect([world.online.signed, world.online.beyond]).toEqual([3, 2])
    world.authority.tick(1_750_000_000_400)
    expect(kinds()).toEqual(['NOERROR', ...Array(4).fill('chain NXDOMAIN')])
    world.authority.tick(1_750_000_100_000)
    expect(kinds()).toEqual(spent)
    world.authority.tick(1_750_000_000_000)
    expect(kinds(), 'a clock set back fills nothing').toEqual(Array(5).fill('chain NXDOMAIN'))
  })

  test('pays for each key, so that a zone with two has both signatures or the chain', () => {
    const keys = [keyFor(13), keyFor(15)]
    const world = worldOf({ keys, budget: 3 })
    const first = world.ask(`no.${APEX}`, 'A', doAlone)
    const signatures = first.authority.filter(({ type, owner }) => {
      return type === types.RRSIG && wireToName(owner) === `no.${APEX}`
    })
    expect(signatures.map(({ rdata }) => rdata[2])).toEqual([13, 15])
    expect(nsecs(world.ask(`no.${APEX}`, 'A', doAlone).authority).join()).not.toContain('NXNAME')
  })

  test('of none leaves everything to the chain', () => {
    expect(reply(`no.${APEX}`, 'A', doAlone, worldOf({ budget: 0 })).rcode).toBe('NXDOMAIN')
  })
})

test('a reply signed for itself names no version of signatures, since none could make it again', () => {
  const world = worldOf({ budget: 1 })
  world.ask(`no.${APEX}`, 'A', doAlone)
  expect(world.authority.signedBy).toBe(ONLINE_VERSION)
  world.ask(`no.${APEX}`, 'A', doAlone)
  expect(world.authority.signedBy).toBe(1)
})

test('a denial that does not fit a datagram is left to the chain, which calls for TCP', () => {
  const world = worldOf()
  const name = `${'x'.repeat(60)}.${'y'.repeat(60)}.${'z'.repeat(60)}.${APEX}`
  const udp = { transport: 'udp' as const, edns: { dnssecOk: true, payload: 512 } }
  const message = world.ask(name, 'A', udp)
  expect([message.truncated, message.authority.length]).toEqual([true, 0])
  expect(reply(name, 'A', doAndCo, world).rcode).toBe('NXDOMAIN')
})
