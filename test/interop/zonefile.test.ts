// Goal: a zone file means to us, octet for octet, what it means to BIND; and what we write, BIND
// reads. Method: `named-compilezone` turns the file into its raw form, which holds the wire data.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { foldCase, wireToName } from '../../src/core/dns/names.ts'
import { typeName, types } from '../../src/core/dns/types.ts'
import type { RecordSpec } from '../../src/core/steer/topology.ts'
import { formatRecord } from '../../src/core/zone/format.ts'
import { rdataOfSoa } from '../../src/core/zone/records.ts'
import { parseZoneFile } from '../../src/core/zone/zonefile.ts'
import { has } from '../harness/tools.ts'
import { rdataOf } from '../property/rdata-arbitraries.ts'

const folder = mkdtempSync(join(tmpdir(), 'zonefile-'))
afterAll(() => rmSync(folder, { recursive: true }))
const found = has('named-compilezone')
const zone = 'example.com'

/** What BIND makes of a zone file, in one of its formats; the whole zone, unchecked. */
function compile(text: string, format: 'raw' | 'text'): Buffer {
  const [from, to] = [join(folder, 'zone'), join(folder, format)]
  writeFileSync(from, text)
  const lenient = ['-i', 'none', '-k', 'ignore', '-m', 'ignore', '-n', 'ignore', '-r', 'ignore']
  const run = spawnSync('named-compilezone', [...lenient, '-F', format, '-o', to, zone, from], {
    encoding: 'utf8',
  })
  if (run.status !== 0) throw new Error(run.stdout + run.stderr)
  return readFileSync(to)
}

const line = (record: RecordSpec) =>
  `${record.name} ${record.ttlSeconds} ${typeName(record.type)} ` +
  Buffer.from(record.rdata).toString('hex')

/** The records of BIND's raw form: a header of 24 octets, then one block an rrset. */
function rawRecords(raw: Buffer): string[] {
  const lines: string[] = []
  for (let at = 24; at < raw.length; ) {
    const end = at + raw.readUInt32BE(at)
    const type = raw.readUInt16BE(at + 6)
    const ttlSeconds = raw.readUInt32BE(at + 10)
    const count = raw.readUInt32BE(at + 14)
    const nameEnd = at + 20 + raw.readUInt16BE(at + 18)
    const name = wireToName(foldCase(raw.subarray(at + 20, nameEnd)))
    let data = nameEnd
    for (let left = count; left > 0; left--) {
      const length = raw.readUInt16BE(data)
      lines.push(line({ name, type, ttlSeconds, rdata: raw.subarray(data + 2, data + 2 + length) }))
      data += 2 + length
    }
    at = end
  }
  return lines.sort()
}

/** What we make of a zone file. */
function ourRecords(text: string): string[] {
  const parsed = parseZoneFile(text, { origin: zone, file: 'zone', defaultTtlSeconds: 60 })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error, null, 1))
  const { soa, records } = parsed.value
  const lines = records.map(line)
  const data = soa === undefined ? undefined : rdataOfSoa(soa)
  if (soa !== undefined && data?.ok)
    lines.push(line({ name: zone, type: types.SOA, ttlSeconds: soa.ttlSeconds, rdata: data.value }))
  return lines.sort()
}

const byHand = readFileSync(new URL('./zonefile-all-types.zone', import.meta.url), 'utf8')

describe('named-compilezone', () => {
  test.runIf(found)('a zone of all types and notations is the same octets to both', () => {
    const theirs = rawRecords(compile(byHand, 'raw'))
    expect(theirs.length).toBeGreaterThan(60)
    expect(ourRecords(byHand)).toEqual(theirs)
  })

  test.runIf(found)('its text form of that zone is the same zone to us', () => {
    expect(ourRecords(compile(byHand, 'text').toString())).toEqual(ourRecords(byHand))
  })

  test.runIf(found)('random data of every type that we write is the same octets to it', () => {
    // MD and MF are obsolete; in X25 and NAPTR strings are checked there that are any octets here;
    // what signs a zone is not for zone files.
    const { MD, MF, X25, NAPTR, SOA, RRSIG, NSEC, DNSKEY, NSEC3, NSEC3PARAM } = types
    const leftOut: ReadonlySet<number> = new Set([MD, MF, X25, NAPTR, SOA])
    const signing: ReadonlySet<number> = new Set([RRSIG, NSEC, DNSKEY, NSEC3, NSEC3PARAM])
    const chosen = [...rdataOf].filter(([type]) => !leftOut.has(type) && !signing.has(type))
    // The parameter ohttp (RFC 9540) is younger than the BIND of Debian 12.
    const isKnown = (record: RecordSpec) => !/ (SVCB|HTTPS) .*ohttp/.test(formatRecord(record))
    const all: RecordSpec[] = chosen.flatMap(([type, arbitrary]) =>
      fc.sample(arbitrary, { numRuns: 30, seed: 1_600 + type }).map((octets, index) => ({
        name: `r${index}.${typeName(type).toLowerCase()}.${zone}`,
        type,
        ttlSeconds: 300 + index,
        rdata: new Uint8Array(octets),
      })),
    )
    const records = all.filter(isKnown)
    const apex = ['@ 60 IN SOA ns admin 1 2 3 4 5', '@ 60 IN NS ns.example.net.']
    const text = `${[...apex, ...records.map(formatRecord)].join('\n')}\n`
    const theirs = rawRecords(compile(text, 'raw'))
    expect(theirs.length).toBe(records.length + 2)
    expect(ourRecords(text)).toEqual(theirs)
  })
})
