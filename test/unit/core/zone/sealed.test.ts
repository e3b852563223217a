// Goal: zones that were sealed are the same zones, and a table compiled from them into shared
// memory is the table that the zones themselves compile to.
import { expect, test } from 'vitest'
import { ownMemory, sharedMemory } from '../../../../src/core/base/memory.ts'
import { sealedRecords, sealZones, unsealZones } from '../../../../src/core/zone/sealed.ts'
import { compileTable } from '../../../../src/core/zone/table-build.ts'
import { namesOf, tableOf } from '../../../../src/core/zone/table-source.ts'
import { zoneOf } from '../../../harness/dns-world.ts'

const TEXT = `@ NS ns1
ns1 A 192.0.2.53
long TXT "0123456789" "\\195\\188\\010x"
*.wild 7 AAAA 2001:db8::1
a\\.b MX 10 ns1
empty TYPE65280 \\# 0`
const ZONES = [zoneOf('example.com', TEXT), zoneOf('example.org', ''), zoneOf('', '@ NS ns.')]

test('sealed zones are read back as they were, from memory of either kind', () => {
  for (const memory of [ownMemory, sharedMemory]) {
    const back = unsealZones(sealZones(ZONES, memory))
    expect(back.map(({ apex, soa }) => [apex, soa])).toEqual(
      ZONES.map(({ apex, soa }) => [apex, soa]),
    )
    const plain = (zones: typeof ZONES) =>
      zones.map(({ records }) => records.map((one) => ({ ...one, rdata: [...one.rdata] })))
    expect(plain(back)).toEqual(plain(ZONES))
  }
  expect(unsealZones(sealZones([]))).toEqual([])
})

test('what follows the SOAs tells records apart, and nothing else', () => {
  const [first] = ZONES
  const seal = (zone: (typeof ZONES)[0]) => [...sealedRecords(sealZones([zone]))]
  const later = { ...first!, soa: { ...first!.soa, serial: 99 } }
  expect(seal(later)).toEqual(seal(first!))
  const changed = first!.records.with(1, { ...first!.records[1]!, ttlSeconds: 1 })
  expect(seal({ ...first!, records: changed })).not.toEqual(seal(first!))
})

test('a table compiled into shared memory is the same table', () => {
  const pools = [{ name: 'app.example.com' }, { name: 'www.example.org' }]
  const source = { zones: sealZones(ZONES, sharedMemory), names: namesOf(pools), seed: 7 }
  const shared = tableOf(source, sharedMemory)
  const names = pools.map(({ name }) => name)
  const own = compileTable(ZONES, names, 7, ownMemory)
  for (const part of ['words', 'slots', 'soas', 'soaEnds', 'apexBytes', 'apexes'] as const) {
    expect(shared[part].buffer, part).toBeInstanceOf(SharedArrayBuffer)
    expect(own[part].buffer, part).toBeInstanceOf(ArrayBuffer)
    expect([...shared[part]], part).toEqual([...own[part]])
  }
  expect([shared.labelsMax, shared.seed, shared.faults]).toEqual([own.labelsMax, own.seed, []])
})
