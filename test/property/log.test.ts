// Goal: damage at any byte of the event log costs the records from there on and nothing else.
// Method: a small log; for every offset it is cut there, and the byte there is flipped; then it is
// opened, read, appended to and read again.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openEventLog } from '../../src/actors/registry/ports-log.ts'
import type { HealthEvent } from '../../src/core/health/events.ts'
import { crc32 } from '../../src/core/base/crc32.ts'
import { FRAME_HEADER_BYTES, frame, scanFrames } from '../../src/core/health/frames.ts'

const settings = { retentionMs: 86_400_000, maxBytes: 1e9 }
let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'events-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const open = (name: string) =>
  openEventLog(join(folder, name), settings, { failedCommits: 0, dropped: 0 })

const eventAt = (atMs: number): HealthEvent => ({
  kind: 'verdict-changed',
  key: 'a:10.0.0.1:80',
  verdict: atMs % 2 === 0 ? 'up' : 'down',
  atMs,
  reason: 'x'.repeat(atMs % 5),
})

async function written(name: string, count: number) {
  const log = await open(name)
  for (let at = 0; at < count; at++) log.append(eventAt(at))
  expect(await log.flush()).toBe('committed')
  await log.close()
  return join(folder, name, 'events', '00000001.log')
}

/** Ends of the records, found by their lengths. */
function endsOf(bytes: Buffer): number[] {
  const ends: number[] = []
  for (let at = 0; at < bytes.length; ) {
    at += FRAME_HEADER_BYTES + bytes.readUInt32LE(at)
    ends.push(at)
  }
  return ends
}

async function survives(path: string, name: string, damaged: Buffer, whole: number) {
  await writeFile(path, damaged)
  const log = await open(name)
  const expected = Array.from({ length: whole }, (_, at) => eventAt(at))
  expect((await log.read()).events).toEqual(expected)
  log.append(eventAt(77))
  expect(await log.flush()).toBe('committed')
  expect((await log.read()).events).toEqual([...expected, eventAt(77)])
  await log.close()
}

test('cut at any byte, the log gives the records before it and takes new ones', async () => {
  const path = await written('cut', 6)
  const bytes = await readFile(path)
  const ends = endsOf(bytes)
  expect(ends).toHaveLength(6)
  for (let at = 0; at <= bytes.length; at++) {
    const whole = ends.filter((end) => end <= at).length
    await survives(path, 'cut', bytes.subarray(0, at), whole)
  }
})

test('with any byte flipped, the log gives the records before it and takes new ones', async () => {
  const path = await written('flip', 6)
  const bytes = await readFile(path)
  const ends = endsOf(bytes)
  for (let at = 0; at < bytes.length; at++) {
    const damaged = Buffer.from(bytes)
    damaged[at]! ^= 1 << (at % 8)
    await survives(path, 'flip', damaged, ends.filter((end) => end <= at).length)
  }
})

test('zeros after the last record, as a power cut leaves them, are no records', async () => {
  const path = await written('zeros', 3)
  const bytes = await readFile(path)
  await survives(path, 'zeros', Buffer.concat([bytes, Buffer.alloc(64)]), 3)
})

test('frames of anything come back, and a scan of anything neither throws nor reads past it', () => {
  const payloads = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 8 })
  fc.assert(
    fc.property(payloads, fc.uint8Array({ maxLength: 60 }), (list, tail) => {
      const bytes = Buffer.concat([...list.map(frame), tail])
      const scan = scanFrames(bytes, 64)
      expect(scan.payloads.slice(0, list.length).map((one) => [...one])).toEqual(
        list.map((one) => [...one]),
      )
      expect(scan.validBytes).toBeLessThanOrEqual(bytes.length)
    }),
  )
})

test('the checksum is the CRC-32 of zip', () => {
  expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926)
})
