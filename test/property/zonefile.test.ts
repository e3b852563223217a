/**
 * Goal: a zone written as text is the same zone when read, and no text whatever breaks the reader.
 */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { limits } from '../../src/core/base/limits.ts'
import { foldCase, wireToName } from '../../src/core/dns/names.ts'
import { types } from '../../src/core/dns/types.ts'
import { checkZone } from '../../src/core/zone/check.ts'
import { formatRecord, formatZone } from '../../src/core/zone/format.ts'
import { parseRecord, refusedType } from '../../src/core/zone/records.ts'
import { parseZoneFile } from '../../src/core/zone/zonefile.ts'
import { rdataOf, wireName } from './rdata-arbitraries.ts'

const apex = 'example.com'
const options = { origin: apex, file: 'zone', defaultTtlSeconds: 60 }
const soa = {
  primary: 'ns.example.net',
  contact: 'host\\.master.example.com',
  serial: 4_294_967_295,
  refreshSeconds: 1,
  retrySeconds: 2,
  expireSeconds: 3,
  minimumSeconds: 4,
  ttlSeconds: 5,
}

const owner = wireName
  .map((octets) => wireToName(foldCase(new Uint8Array(octets))))
  .map((text) => (text === '' ? apex : `${text}.${apex}`))
  // Names that get too long under the apex are another test's business.
  .filter((text) => text.length < 200)
const record = fc
  .constantFrom(...[...rdataOf].filter(([type]) => refusedType(type) === undefined))
  .filter(([type]) => type !== types.SOA)
  .chain(([type, arbitrary]) =>
    fc.record({
      name: owner,
      type: fc.constant<number>(type),
      ttlSeconds: fc.integer({ min: 0, max: 2_147_483_647 }),
      rdata: arbitrary.map((octets) => new Uint8Array(octets)),
    }),
  )

test('a zone written as text reads back as the same zone', () => {
  fc.assert(
    fc.property(fc.array(record, { maxLength: 20 }), (records) => {
      const read = parseZoneFile(formatZone({ apex, soa, records }), options)
      if (!read.ok) throw new Error(JSON.stringify(read.error))
      expect(read.value.soa).toEqual(soa)
      expect(read.value.records).toEqual(records)
      expect(read.value.lines).toEqual(records.map((_, index) => index + 2))
    }),
    { numRuns: 300 },
  )
})

test('a record given alone, as the configuration gives it, is the record of the zone file', () => {
  fc.assert(
    fc.property(record, (expected) => {
      const [name, , , type, ...words] = formatRecord(expected).split(' ')
      const input = {
        name: name!,
        type: type!,
        ttlSeconds: expected.ttlSeconds,
        value: words.join(' '),
      }
      expect(parseRecord(input, apex)).toEqual({ ok: true, value: expected })
    }),
    { numRuns: 500 },
  )
})

/** What holds of any result at all. */
function check(text: string): void {
  const read = parseZoneFile(text, options)
  if (!read.ok) {
    expect(read.error.length).toBeGreaterThan(0)
    expect(read.error.length).toBeLessThanOrEqual(limits.zoneFileFaults.default)
    const lines = text.split('\n').length
    for (const fault of read.error) {
      expect(fault.line).toBeGreaterThan(0)
      expect(fault.line).toBeLessThanOrEqual(lines)
      expect(fault.column).toBeGreaterThan(0)
    }
    return
  }
  const zone = { apex, soa: read.value.soa ?? soa, records: read.value.records }
  checkZone(zone, ['app.example.com', 'a.b.example.com'])
  const again = parseZoneFile(formatZone(zone), options)
  expect(again.ok && again.value.records).toEqual(zone.records)
}

test('any text is a zone or faults with their places, never an exception', () => {
  const piece = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.constantFrom('\n', ' ', '\t', '(', ')', '"', ';', '\\', '@', '$TTL', '$ORIGIN', '$GENERATE'),
    fc.constantFrom('IN', 'CH', 'A', 'TXT', 'SOA', 'NS', 'HTTPS', 'CNAME', '1h', '300', '\r\n'),
    fc.constantFrom('192.0.2.1', 'www', 'example.com.', '\\#', '0', '\\000', '\ufeff', 'alpn="'),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => check(pieces.join(''))),
    { numRuns: 5_000 },
  )
})

test('a zone file with characters changed, lost or doubled never breaks the reader', () => {
  const text = readFileSync(new URL('../interop/zonefile-all-types.zone', import.meta.url), 'utf8')
  const change = fc.tuple(
    fc.nat(text.length),
    fc.nat(12),
    fc.oneof(fc.string({ maxLength: 4 }), fc.constantFrom('(', ')', '"', '\n', '\\', ' ', '$', '')),
  )
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
      let mutated = text
      for (const [at, removed, added] of changes)
        mutated = mutated.slice(0, at) + added + mutated.slice(at + removed)
      check(mutated)
    }),
    { numRuns: 1_000 },
  )
})
