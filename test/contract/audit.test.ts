/**
 * The audit log on disk: durable, bounded, and never repaired behind anybody's back.
 */
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { memoryAudit } from '../../src/actors/api/audit-memory.ts'
import type { AuditPort, AuditState } from '../../src/actors/api/contract.ts'
import { sha256 } from '../../src/actors/api/ports-access.ts'
import { openAudit } from '../../src/actors/api/ports-audit.ts'
import { limits } from '../../src/core/base/limits.ts'
import { ChainReader } from '../../src/core/audit/chain.ts'
import type { AuditEntry, AuditFields } from '../../src/core/audit/entry.ts'

let folder: string
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'opengslb-audit-')), 'audit')
})
afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }))

const record = (resourceId: string): AuditFields => ({
  atMs: 1_750_000_000_000,
  action: 'update',
  resource: 'override',
  resourceId,
  actor: 'ops',
  actorType: 'token',
  status: 'success',
})

const DAY_MS = 86_400_000
const disk = (more = {}) =>
  openAudit({ folder, retentionMs: DAY_MS, maxBytes: 1_048_576, ...more }, sha256)

async function readAll(port: AuditPort): Promise<AuditEntry[]> {
  const all: AuditEntry[] = []
  await port.read((entries) => {
    all.push(...entries)
    return true
  })
  return all
}

const checked = (port: AuditPort) => new Promise<AuditState>((settle) => port.onChecked(settle))
const ids = (entries: readonly AuditEntry[]) => entries.map((entry) => entry.resourceId)
const segments = () => readdirSync(folder).sort()
const pathOf = (name: string) => join(folder, name)

function verified(): ChainReader {
  const reader = new ChainReader(sha256)
  for (const name of segments()) reader.read(name, readFileSync(pathOf(name), 'utf8'))
  reader.finish()
  return reader
}

describe.each([
  ['in memory', async () => memoryAudit(sha256)],
  ['on disk', async () => await disk()],
] as const)('the audit log %s', (_name, open) => {
  test('gives back what was appended, in order, with growing numbers', async () => {
    const port = await open()
    const outcomes = await Promise.all(['a', 'b', 'c'].map((id) => port.append(record(id))))
    expect(outcomes).toEqual(['committed', 'committed', 'committed'])
    const entries = await readAll(port)
    expect(ids(entries)).toEqual(['a', 'b', 'c'])
    expect(entries[2]!.seq - entries[0]!.seq).toBe(2)
    expect(port.state()).toMatchObject({ seq: entries[2]!.seq, lost: 0, failedWrites: 0 })
    expect((await checked(port)).chain).toBe('intact')
    await (port as { close?: () => Promise<void> }).close?.()
  })
})

describe('the audit log on disk', () => {
  test('goes on where it stopped, and the whole chain holds', async () => {
    for (const id of ['a', 'b', 'c']) {
      const port = await disk()
      await port.append(record(id))
      await port.close()
    }
    expect(segments()).toEqual(['00000001.log'])
    expect(verified()).toMatchObject({ faultCount: 0, records: 4 })
  })

  test('many at once are written in few groups, all of them', async () => {
    const port = await disk()
    await Promise.all(Array.from({ length: 500 }, (_, at) => port.append(record(`${at}`))))
    await port.close()
    expect(verified()).toMatchObject({ faultCount: 0, records: 501 })
  })

  test('a record that was cut short by a crash stays, is told, and a new segment says so', async () => {
    const before = await disk()
    await before.append(record('a'))
    await before.append(record('b'))
    await before.close()
    const path = pathOf('00000001.log')
    const { length } = readFileSync(path)
    truncateSync(path, length - 10)
    const torn = readFileSync(path)

    const after = await disk()
    const state = await checked(after)
    expect(state.chain).toBe('broken')
    expect(state.faults[0]).toMatchObject({ segment: '00000001.log', line: 3 })
    await after.append(record('c'))
    await after.close()
    expect(readFileSync(path)).toEqual(torn)
    expect(segments()).toEqual(['00000001.log', '00000002.log'])
    expect(readFileSync(pathOf('00000002.log'), 'utf8')).toContain('the last record was cut short')
    // The chain of what is whole goes on across the damage.
    expect(verified().faults.map(({ what }) => what)).toEqual(['the last record was cut short'])
    const last = await disk()
    expect(ids(await readAll(last))).toEqual(['a', 'c'])
    await last.close()
  })

  for (const [title, touch] of [
    ['a changed record', (text: string) => text.replace('"a"', '"x"')],
    ['a removed record', (text: string) => text.split('\n').toSpliced(1, 1).join('\n')],
    ['an added record', (text: string) => text.replace(/\n$/, `\n${text.split('\n')[1]}\n`)],
  ] as const)
    test(`${title} is told at the next start and never made good`, async () => {
      const before = await disk()
      for (const id of ['a', 'b', 'c']) await before.append(record(id))
      await before.close()
      const path = pathOf('00000001.log')
      const touched = touch(readFileSync(path, 'utf8'))
      writeFileSync(path, touched)
      const after = await disk()
      expect((await checked(after)).chain).toBe('broken')
      await after.append(record('d'))
      await after.close()
      expect(readFileSync(path, 'utf8')).toBe(touched)
      expect(verified().faultCount).toBeGreaterThan(0)
    })

  test('a file of zeros or garbage does not keep it from opening', async () => {
    const port = await disk()
    await port.append(record('a'))
    await port.close()
    writeFileSync(pathOf('00000002.log'), Buffer.alloc(4_096))
    const after = await disk()
    expect((await checked(after)).chain).toBe('broken')
    expect(await after.append(record('b'))).toBe('committed')
    await after.close()
    expect(segments()).toEqual(['00000001.log', '00000002.log', '00000003.log'])
  })

  test('its size is bounded by whole segments, and retention is in the chain', async () => {
    const port = await disk({ maxBytes: 16_384 })
    for (let at = 0; at < 200; at++) await port.append(record(`record ${at}`))
    await port.close()
    const names = segments()
    expect(names[0]).not.toBe('00000001.log')
    const total = names.reduce((sum, name) => sum + readFileSync(pathOf(name)).length, 0)
    expect(total).toBeLessThan(2 * 16_384)
    expect(verified()).toMatchObject({ faultCount: 0 })
    // Removing more than retention did is seen.
    rmSync(pathOf(names[0]!))
    expect(verified().faults[0]!.what).toMatch(/no record says that retention removed them/)
  })

  test('what is older than the retention goes when a segment is begun', async () => {
    const first = await disk()
    for (let at = 0; at < 5; at++) await first.append(record(`${at}`))
    await first.close()
    const old = new Date(Date.now() - 2 * DAY_MS)
    utimesSync(pathOf('00000001.log'), old, old)
    const second = await disk({ maxBytes: 1_000 })
    await second.append(record('new'))
    await second.close()
    expect(segments()).toEqual(['00000002.log'])
    expect(verified().faultCount).toBe(0)
  })

  test('a disk that fails is told, and what waited is written once it works again', async () => {
    const port = await disk()
    await port.append(record('a'))
    rmSync(folder, { recursive: true })
    // The open file is gone with its folder; a full segment makes the writer open a new one.
    const small = await disk({ maxBytes: 8 })
    rmSync(folder, { recursive: true })
    expect(await small.append(record('b'))).toBe('failed')
    expect(small.state().failedWrites).toBe(1)
    await port.close()
    const { mkdirSync } = await import('node:fs')
    mkdirSync(folder)
    expect(await small.append(record('c'))).toBe('committed')
    expect(ids(await readAll(small))).toEqual(['b', 'c'])
    await small.close()
  })

  /** A log whose disk does not take the given records. */
  async function failing(...resourceIds: string[]) {
    const port = await disk()
    rmSync(folder, { recursive: true })
    const outcomes = resourceIds.map((id) => port.append(record(id)))
    expect(new Set(await Promise.all(outcomes))).toEqual(new Set(['failed']))
    mkdirSync(folder)
    return port
  }

  test('what a disk that was full did not take is written without another change', async () => {
    const port = await failing('a', 'b')
    await expect.poll(async () => ids(await readAll(port)), { timeout: 5_000 }).toEqual(['a', 'b'])
    await port.close()
    expect(verified().faults).toEqual([])
  })

  test('and at a stop', async () => {
    const port = await failing('a')
    await port.close()
    const again = await disk()
    expect(ids(await readAll(again))).toEqual(['a'])
    await again.close()
  })

  test('past what may wait the oldest are lost, and the loss is in the chain', async () => {
    const most = limits.auditPendingRecords.default
    const port = await failing(...Array.from({ length: most + 3 }, (_, at) => `r${at}`))
    expect(port.state().lost).toBe(3)
    await port.append(record('after'))
    await port.append(record('last'))
    const [loss, first, ...rest] = await readAll(port)
    expect(loss).toMatchObject({ action: 'loss', actorType: 'system', details: { lost: 3 } })
    expect([first?.resourceId, rest.length]).toEqual(['r3', most + 1])
    await port.close()
    expect(verified().faults).toEqual([])
  })

  test('readers beyond a few are told that it is busy', async () => {
    const port = await disk()
    await port.append(record('a'))
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => port.read(() => true)))
    expect(outcomes.filter((one) => one === 'busy').length).toBeGreaterThan(0)
    expect(outcomes[0]).toBe('read')
    expect(await port.read(() => true)).toBe('read')
    await port.close()
  })

  test('lines that somebody appended are not read as records of ours', async () => {
    const port = await disk()
    await port.append(record('a'))
    await port.close()
    appendFileSync(pathOf('00000001.log'), `${'0'.repeat(64)} {"seq":3,"at":"2026-01-01"}\n`)
    const after = await disk()
    expect((await checked(after)).chain).toBe('broken')
    await after.close()
  })
})
