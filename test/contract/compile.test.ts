// Goal: a large table is compiled on a thread of its own, into memory that is shared, and is the
// very table that a small one's way gives; a source that does not compile is an outcome.
// Method: the built port, with a source above and below its bound.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import type { Compile } from '../../src/actors/registry/contract.ts'
import { sharedMemory } from '../../src/core/base/memory.ts'
import { limits } from '../../src/core/base/limits.ts'
import { sealZones } from '../../src/core/zone/sealed.ts'
import { type TableSource, tableOf } from '../../src/core/zone/table-source.ts'
import { zoneOf } from '../harness/dns-world.ts'
import { projectRoot } from '../harness/program.ts'

const built = join(projectRoot, 'dist', 'actors', 'registry', 'ports-compile.js')
const { compile } = (await import(pathToFileURL(built).href)) as { compile: Compile }

const octets = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength)

function sourceOf(records: number): TableSource {
  const lines = Array.from({ length: records }, (_, at) => `h${at} A 10.0.${at >> 8}.${at & 255}`)
  const zones = sealZones([zoneOf('example.com', lines.join('\n'))], sharedMemory)
  return { zones, names: 'app.example.com\n*.example.com', seed: 0x9abcdef0 }
}

test('a small table is there at once', () => {
  const outcome = compile(sourceOf(3))
  expect(outcome).toMatchObject({ code: 'compiled', table: { faults: [] } })
})

test('a large one comes later, from another thread, and is the same as one made here', async () => {
  const source = sourceOf(5_000)
  expect(source.zones.length).toBeGreaterThan(limits.compileAtOnceBytes.default)
  const later = compile(source)
  expect(later).toBeInstanceOf(Promise)
  const outcome = await later
  if (outcome.code !== 'compiled') throw new Error(outcome.message)
  const here = tableOf(source, sharedMemory)
  for (const part of ['words', 'slots', 'soas', 'soaEnds', 'apexBytes', 'apexes'] as const) {
    expect(outcome.table[part].buffer, part).toBeInstanceOf(SharedArrayBuffer)
    expect(octets(outcome.table[part]).equals(octets(here[part])), part).toBe(true)
  }
  expect([outcome.table.labelsMax, outcome.table.seed]).toEqual([here.labelsMax, here.seed])
})

test('a source that is none is an outcome, not an exception', async () => {
  const zones = new Uint8Array(limits.compileAtOnceBytes.default + 1).fill(0xff)
  expect(await compile({ zones, names: '', seed: 1 })).toMatchObject({
    code: 'failed',
    message: expect.stringContaining('sealed zones') as string,
  })
})
