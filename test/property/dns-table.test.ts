// Goal: the compiled name table finds what RFC 1034 and RFC 4592 say, for any set of names.
// Method: random small zones against a model on strings that walks labels one by one.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nameToWire } from '../../src/core/dns/names.ts'
import { viewOf } from '../../src/core/base/octets.ts'
import {
  BEFORE_NAME_BYTES as BEFORE,
  findLabels,
  foldWord,
  hashName,
} from '../../src/core/dns/hash.ts'
import { buildTable } from '../../src/core/zone/table-build.ts'
import { dnsWorld, zoneOf } from '../harness/dns-world.ts'

const APEX = 'z.org'
const label = fc.constantFrom('a', 'b', 'B', 'cc', '*')
const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'))

/** What a TXT question must get: the text, or the kind of "no". */
function model(owned: ReadonlyMap<string, string>, asked: string): string {
  const exists = (at: string) =>
    at === '' || [...owned.keys()].some((own) => own === at || own.endsWith(`.${at}`))
  const at = asked.toLowerCase()
  if (exists(at)) return owned.get(at) ?? 'NODATA'
  let encloser = at
  while (!exists(encloser))
    encloser = encloser.includes('.') ? encloser.replace(/^[^.]*\./, '') : ''
  const wildcard = encloser === '' ? '*' : `*.${encloser}`
  if (!exists(wildcard)) return 'NXDOMAIN'
  return owned.get(wildcard) ?? 'NODATA'
}

test('random names in random zones get what the model says', () => {
  fc.assert(
    fc.property(
      fc.array(name, { maxLength: 8 }),
      fc.array(name, { minLength: 1 }),
      (owners, asked) => {
        const owned = new Map(owners.map((owner) => [owner.toLowerCase(), owner.toLowerCase()]))
        const text = [...owned.keys()].map((owner) => `${owner} TXT "${owner}"`).join('\n')
        const world = dnsWorld({ zones: { [APEX]: text } })
        for (const one of asked) {
          const reply = world.ask(`${one}.${APEX}`, 'TXT')
          const [answer] = reply.answers
          const negative = reply.rcode === 'NXDOMAIN' ? 'NXDOMAIN' : 'NODATA'
          expect(answer?.data ?? negative, `${one} in ${text}`).toBe(model(owned, one))
          expect(answer?.name ?? `${one}.${APEX}`).toBe(`${one}.${APEX}`)
          expect(reply.authority[0]?.name).toBe(answer === undefined ? APEX : undefined)
        }
      },
    ),
    { numRuns: 400 },
  )
})

test('20,000 names are all found, under any seed, in any case', () => {
  const names = Array.from({ length: 20_000 }, (_, i) => `host-${i}.dc${i % 7}.${APEX}`)
  const pools = names.map((one) => ({ name: one }))
  const labelAt = new Uint8Array(128)
  const hashes = new Int32Array(128)
  for (const seed of [0, 1, 0x7fffffff, -5]) {
    const table = buildTable([zoneOf(APEX, '')], pools, seed)
    for (const [index, one] of names.entries()) {
      const wire = nameToWire(index % 2 === 0 ? one : one.toUpperCase())
      if (!wire.ok) throw new Error(wire.error)
      const bytes = new Uint8Array(BEFORE + wire.value.length)
      bytes.set(wire.value, BEFORE)
      const view = viewOf(bytes)
      const labels = findLabels(bytes, BEFORE, labelAt)
      hashName(view, BEFORE, labelAt, labels, hashes, seed)
      const node = table.find(hashes[0]!, view, BEFORE, wire.value.length)
      if (node < 0 || table.pool(node) !== index) expect.fail(`${one} under seed ${seed}`)
    }
  }
})

test('folding four octets at once is folding each', () => {
  const fold = (byte: number) => (byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte)
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), ([a, b, c, d]) => {
      const word = (x: number[]) => x[0]! | (x[1]! << 8) | (x[2]! << 16) | (x[3]! << 24)
      const bytes = [a!, b!, c!, d!]
      expect(foldWord(word(bytes))).toBe(word(bytes.map(fold)))
    }),
    { numRuns: 5_000 },
  )
  for (let byte = 0; byte < 256; byte++) expect(foldWord(byte) & 0xff).toBe(fold(byte))
})

test('a record or a name that cannot be served is told as a fault, and the rest is served', () => {
  const zone = zoneOf(APEX, 'a CNAME b\nb A 192.0.2.1')
  const broken = {
    ...zone,
    records: [
      ...zone.records,
      { name: `a.${APEX}`, type: 5, ttlSeconds: 1, rdata: Uint8Array.of(9) },
      {
        name: `${'x'.repeat(64)}.${APEX}`,
        type: 1,
        ttlSeconds: 1,
        rdata: Uint8Array.of(1, 2, 3, 4),
      },
    ],
  }
  const table = buildTable([broken], [{ name: 'outside.com' }], 1)
  expect(table.faults).toHaveLength(3)
  expect(table.faults.join('\n')).toMatch(/outside\.com lies in no zone/)
})
