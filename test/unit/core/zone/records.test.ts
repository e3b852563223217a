// Goal: a record of the configuration becomes what its author means, or a sentence that says why
// not.
import { describe, expect, test } from 'vitest'
import { types } from '../../../../src/core/dns/types.ts'
import { formatRecord } from '../../../../src/core/zone/format.ts'
import { parseRdata } from '../../../../src/core/zone/rdata.ts'
import { parseRecord, rdataOfSoa, soaOfRdata } from '../../../../src/core/zone/records.ts'

const parse = (name: string, type: string, value: string, ttlSeconds = 60) => {
  const read = parseRecord({ name, type, ttlSeconds, value }, 'example.com')
  return read.ok ? formatRecord(read.value) : read.error
}

describe('names', () => {
  test('an owner is relative, the apex, or absolute with or without its dot', () => {
    for (const name of ['www', 'WWW.example.com', 'www.example.com.'])
      expect(parse(name, 'A', '192.0.2.1')).toBe('www.example.com. 60 IN A 192.0.2.1')
    for (const name of ['@', '', 'example.com'])
      expect(parse(name, 'A', '192.0.2.1')).toBe('example.com. 60 IN A 192.0.2.1')
    expect(parse('_sip._udp', 'SRV', '1 2 3 sip')).toBe(
      '_sip._udp.example.com. 60 IN SRV 1 2 3 sip.example.com.',
    )
    expect(parse('www.example.org.', 'A', '192.0.2.1')).toContain('not in the zone')
  })

  test('a target inside the zone needs no dot, and one that could be both is not guessed', () => {
    expect(parse('@', 'MX', '10 mail')).toContain('MX 10 mail.example.com.')
    expect(parse('@', 'MX', '10 mail.example.com')).toContain('MX 10 mail.example.com.')
    expect(parse('@', 'MX', '10 mail.example.net.')).toContain('MX 10 mail.example.net.')
    expect(parse('@', 'MX', '10 .')).toContain('MX 10 .')
    expect(parse('www', 'CNAME', '@')).toContain('CNAME example.com.')
    expect(parse('@', 'MX', '10 mail.example.net')).toBe(
      'MX: "mail.example.net" could be read in two ways: write "mail.example.net." for that name, ' +
        'or "mail.example.net.example.com" for the one inside the zone',
    )
  })
})

describe('TXT', () => {
  test('text that does not start with a quote is taken as it is', () => {
    expect(parse('@', 'TXT', 'v=spf1 include:_spf.example.net ~all; "x" \\y')).toContain(
      'TXT "v=spf1 include:_spf.example.net ~all; \\"x\\" \\\\y"',
    )
  })

  test('quoted text is one string a quote, with its escapes', () => {
    expect(parse('@', 'TXT', '"a b" "c\\034"')).toContain('TXT "a b" "c\\""')
  })

  test('text over 255 octets becomes several strings, and a quoted string over it a fault', () => {
    const long = 'x'.repeat(300)
    expect(parse('@', 'TXT', long)).toContain(`TXT "${'x'.repeat(255)}" "${'x'.repeat(45)}"`)
    expect(parse('@', 'TXT', `"${long}"`)).toContain('a string of 300 octets; 255 is the most')
  })

  test('exactly 255 octets are one string, and no text is one empty string', () => {
    expect(parse('@', 'TXT', 'x'.repeat(255))).toContain(`TXT "${'x'.repeat(255)}"`)
    expect(parse('@', 'TXT', 'x'.repeat(255))).not.toContain('""')
    expect(parse('@', 'TXT', '')).toContain('TXT ""')
  })

  test('data over what a message can carry is refused', () => {
    expect(parse('@', 'TXT', 'x'.repeat(65_000))).toContain('65000 is the most')
    expect(parse('@', 'TXT', 'x'.repeat(600_000))).toContain('longer than')
  })
})

describe('SVCB and HTTPS', () => {
  for (const [value, expected] of [
    ['0 other.example.net.', '0 other.example.net.'],
    ['1 . alpn=h2,h3', '1 . alpn="h2,h3"'],
    ['1 . port=443 alpn="h3"', '1 . alpn="h3" port="443"'],
    [
      '1 . alpn=h2 no-default-alpn mandatory=alpn',
      '1 . mandatory="alpn" alpn="h2" no-default-alpn',
    ],
    [
      '1 . ipv6hint=2001:DB8::1 ipv4hint=192.0.2.1',
      '1 . ipv4hint="192.0.2.1" ipv6hint="2001:db8::1"',
    ],
    ['1 . alpn="f\\\\\\\\oo\\\\,bar,h2"', '1 . alpn="f\\\\\\\\oo\\\\,bar,h2"'],
    ['1 . key3=\\001\\187', '1 . port="443"'],
    ['1 . key667=hello', '1 . key667="hello"'],
    [
      '16 foo ech=AEX+DQA= dohpath=/q{?dns} ohttp',
      '16 foo.example.com. ech="AEX+DQA=" dohpath="/q{?dns}" ohttp',
    ],
  ] as const)
    test(value, () => {
      expect(parse('@', 'HTTPS', value)).toBe(`example.com. 60 IN HTTPS ${expected}`)
    })

  for (const [value, why] of [
    ['0 . alpn=h2', 'a record of priority 0 (an alias) has no parameters'],
    ['1 . alpn=h2 alpn=h3', 'alpn is given twice'],
    ['1 . mandatory=port', 'port is mandatory but not given'],
    ['1 . mandatory=mandatory', 'does not list itself'],
    ['1 . mandatory=alpn,alpn alpn=h2', 'lists a key twice'],
    ['1 . no-default-alpn', 'no-default-alpn needs alpn'],
    ['1 . no-default-alpn=x alpn=h2', 'takes no value'],
    ['1 . alpn', 'alpn needs a value'],
    ['1 . alpn=h2,,h3', 'is not a list of protocols'],
    ['1 . port=65536', 'is not a port'],
    ['1 . ipv4hint=::1', 'is not a list of IPv4 addresses'],
    ['1 . ipv6hint=192.0.2.1', 'is not a list of IPv6 addresses'],
    ['1 . ech=***', 'is not base64'],
    ['1 . key3=abc', 'port: the value is malformed'],
    ['1 . key65535=x', 'is not a service parameter'],
    ['1 . key01=x', 'is not a service parameter'],
    ['1 . colour=red', 'is not a service parameter'],
    ['1 . "alpn=h2"', 'is quoted'],
    ['1', 'the target is missing'],
  ] as const)
    test(`${value} is refused`, () => {
      expect(parse('@', 'HTTPS', value)).toContain(why)
    })
})

describe('refusals', () => {
  for (const [type, value, why] of [
    ['SOA', 'a b 1 2 3 4 5', 'the SOA is not given as a record'],
    ['DNSKEY', '256 3 8 AAAA', 'made when the zone is signed'],
    ['NSEC', 'a A', 'made when the zone is signed'],
    ['ANY', 'x', 'not a type of data'],
    ['OPT', 'x', 'not a type of data'],
    ['NULL', '\\# 0', 'not allowed in zones'],
    ['AA', 'x', 'is not a record type'],
    ['LOC', '51 30 N', 'has no text form here; write \\# LENGTH HEX'],
    ['A', '::1', 'is not an IPv4 address'],
    ['AAAA', '192.0.2.1', 'is not an IPv6 address'],
    ['A', '', 'the address is missing'],
    ['CAA', '0 issue ca.example; x', 'put the text in double quotes'],
    ['CAA', '0 is-sue x', 'is not a CAA tag'],
    ['SSHFP', '4 2 00', 'the fingerprint has 1 octets, its type has 32'],
    ['DS', '1 8 2 ABC', 'is not hexadecimal'],
    ['A', '\\# 4 0102', '2 octets of data are given, but 4 announced'],
    ['MX', '\\# 3 000a01', 'the octets are not MX data'],
  ] as const)
    test(`${type} ${value}`, () => {
      expect(parse('x', type, value)).toContain(why)
    })

  test('a TTL outside 31 bits is refused', () => {
    expect(parse('x', 'A', '192.0.2.1', 2 ** 31)).toContain('outside 0 to 2147483647')
    expect(parse('x', 'A', '192.0.2.1', 1.5)).toContain('outside')
  })
})

test('an SOA goes to data and back, and data that is none gives none', () => {
  const soa = {
    primary: 'ns1.example.com',
    contact: 'host\\.master.example.com',
    serial: 4_000_000_000,
    refreshSeconds: 1,
    retrySeconds: 2,
    expireSeconds: 3,
    minimumSeconds: 4,
    ttlSeconds: 5,
  }
  const rdata = rdataOfSoa(soa)
  expect(rdata.ok && soaOfRdata(rdata.value, 5)).toEqual(soa)
  expect(soaOfRdata(new Uint8Array(3), 5)).toBeUndefined()
  expect(rdataOfSoa({ ...soa, primary: 'a..b' }).ok).toBe(false)
  expect(parseRdata(types.SOA, [], '').ok).toBe(false)
})
