// Goal: data that is nearly right is refused or written in the generic form, and words in any
// order give the one wire form.
import { describe, expect, test } from 'vitest'
import { nameToWire, wireNameLength, wireToName } from '../../../../src/core/dns/names.ts'
import { typeNumber, types } from '../../../../src/core/dns/types.ts'
import { formatRdata, mayCompress, parseRdata } from '../../../../src/core/zone/rdata.ts'
import { lexValue } from '../../../../src/core/zone/zonefile-lexer.ts'

/** The octets in hex, or the fault. */
function parse(type: string, text: string): string {
  const tokens = lexValue(text)
  const read = tokens.ok ? parseRdata(typeNumber(type)!, tokens.value, 'example.com') : tokens
  return read.ok ? Buffer.from(read.value).toString('hex') : read.error
}

const format = (type: number, hex: string) => formatRdata(type, Buffer.from(hex, 'hex'))

test('lists come out in the order of the wire, whatever the order of the words', () => {
  const windows = `000440000008041b${'00'.repeat(26)}20`
  expect(parse('NSEC', 'a. TYPE1234 AAAA A')).toBe(`016100${windows}`)
  expect(parse('HTTPS', '1 . port=1 alpn=a')).toBe('000100000100020161000300020001')
})

describe('words that are nearly right are refused', () => {
  for (const [type, text, why] of [
    ['OPENPGPKEY', 'AAB=', 'is not base64'],
    ['OPENPGPKEY', 'AAAAA', 'is not base64'],
    ['OPENPGPKEY', 'AAA', 'is not base64'],
    ['OPENPGPKEY', 'A===', 'is not base64'],
    ['OPENPGPKEY', '""', 'the public key is empty'],
    ['NSEC3', '1 0 0 - 1 A', 'is not base32hex'],
    ['TXT', 'caf\ufffd', 'octets that are not UTF-8'],
    ['TXT', 'key="value"', 'a quote inside a word'],
    ['HTTPS', '1 . alpn="a\\\\b"', 'is not a list of protocols'],
    ['HTTPS', '1 . alpn="a\\\\"', 'is not a list of protocols'],
    ['RRSIG', 'A 8 2 60 20240230000000 0 1 a. AAAA', 'the expiration'],
    ['EUI48', '01-23-45-67-89', 'is not a EUI-48 address'],
    ['NS', '"quoted"', 'write it without quotes'],
    ['MX', '+1 a', 'is not a number'],
    ['MX', '1e1 a', 'is not a number'],
    ['A', '[192.0.2.1]', 'is not an IPv4 address'],
    ['AAAA', '[::1]', 'is not an IPv6 address'],
    ['AAAA', 'fe80::1%eth0', 'is not an IPv6 address'],
    ['A', '\\# x 01', 'is not a number of octets'],
    ['PX', '\\# 2 0001', 'the octets are not PX data'],
    ['TYPE38', '\\# 1 FF', 'the octets are not A6 data'],
    ['PX', '\\# 2 0001', 'the octets are not PX data'],
    ['A6', '\\# 1 FF', 'the octets are not A6 data'],
    ['TYPE999', '\\# 70000 00', 'octets of data are given'],
  ] as const)
    test(`${type} ${text}`, () => expect(parse(type, text)).toContain(why))
})

describe('octets that are nearly right are written in the generic form', () => {
  for (const [type, hex] of [
    [types.A, 'c00002'],
    [types.A, 'c000020100'],
    [types.NS, 'c00c'],
    [types.NS, `40${'61'.repeat(64)}00`],
    [types.NSEC, '00000100'],
    [types.NSEC, '000002400000'],
    [types.NSEC, '00010140000140'],
    [types.CAA, '000005'],
    [types.CAA, '00012d'],
    [types.HTTPS, '0001000003000201bb0001000302683200'],
    [types.HTTPS, '00000000010003026832'],
    [types.TXT, ''],
    [types.OPENPGPKEY, ''],
  ] as const)
    test(`type ${type}: ${hex}`, () => {
      const text = `\\# ${hex.length / 2} ${hex.toUpperCase()}`.trim()
      expect(format(type, hex)).toBe(text)
    })
})

test('a label of 64 octets is no label', () => {
  const bytes = new Uint8Array([64, ...new Array<number>(64).fill(97), 0])
  expect(wireNameLength(bytes)).toBe(0)
  expect(wireToName(bytes)).toBe('')
  expect(nameToWire('a'.repeat(64)).ok).toBe(false)
})

test('names are compressed in the data of the types of RFC 1035 alone', () => {
  expect([types.NS, types.MX, types.SOA].every(mayCompress)).toBe(true)
  expect([types.SRV, types.DNAME, types.HTTPS, types.RRSIG].some(mayCompress)).toBe(false)
})
