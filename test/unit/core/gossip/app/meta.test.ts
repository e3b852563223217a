// Goal: times and metadata of both programs are read, and written so that the other reads them.
// Method: tables.
import { describe, expect, test } from 'vitest'
import { octetsOf } from '../../../../../src/core/gossip/app/crypto.ts'
import { parseMeta, writeMeta } from '../../../../../src/core/gossip/app/meta.ts'
import { formatTime, parseTimeUs } from '../../../../../src/core/gossip/app/time.ts'
import { START } from '../../../../harness/agents.ts'

describe('times', () => {
  test.each([
    ['2026-11-20T23:54:02.641013448Z', 1_795_218_842_641_013],
    ['1970-01-01T00:00:00Z', 0],
    ['0001-01-01T00:00:00Z', 0],
    ['2026-11-20T23:54:02+01:00', 1_795_215_242_000_000],
    ['2026-11-20T23:54:02-00:30', 1_795_220_642_000_000],
    ['2026-13-20T23:54:02Z', undefined],
    ['2026-11-20 23:54:02Z', undefined],
    ['', undefined],
  ])('%s is %s', (text, us) => {
    expect(parseTimeUs(text)).toBe(us)
  })

  test('are written so that Go reads them', () => {
    expect(formatTime(1_795_218_842_641)).toBe('2026-11-20T23:54:02.641Z')
    expect(formatTime(0)).toBe('0001-01-01T00:00:00Z')
    expect(formatTime(8.64e15)).toBe('9999-12-31T23:59:59.999Z')
  })
})

describe('metadata', () => {
  const meta = {
    role: 'overwatch',
    region: '',
    version: '1.0.0',
    timestampMs: START,
    agentId: '',
    nodeId: 'ow1',
    boot: START,
    acks: true,
  } as const

  test('is read back as it was', () => {
    const bytes = writeMeta(meta)
    expect(bytes.ok && parseMeta(bytes.value)).toEqual({ ok: true, value: meta })
  })

  test('of the Go program says that it confirms nothing', () => {
    const go = '{"role":"overwatch","version":"1.0.0","timestamp":"2026-11-20T23:54:01.202503683Z"}'
    expect(parseMeta(octetsOf(go))).toMatchObject({
      ok: true,
      value: { role: 'overwatch', acks: false, boot: undefined, region: '' },
    })
  })

  test('has at most 512 octets', () => {
    expect(writeMeta({ ...meta, nodeId: 'n'.repeat(500) })).toMatchObject({ ok: false })
    expect(parseMeta(new Uint8Array(513)).ok).toBe(false)
    expect(parseMeta(octetsOf('{"role":"king"}')).ok).toBe(false)
  })
})
