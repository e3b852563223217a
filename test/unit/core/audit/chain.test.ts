/**
 * The chain of the audit log: whatever is done to its lines shows, and where.
 */
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  type ChainHead,
  ChainReader,
  chainStart,
  sealAnchor,
  sealEntry,
} from '../../../../src/core/audit/chain.ts'
import type { AuditFields } from '../../../../src/core/audit/entry.ts'
import { limits } from '../../../../src/core/base/limits.ts'

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest()

const fields = (more: Partial<AuditFields> = {}): AuditFields => ({
  atMs: 1_750_000_000_000,
  action: 'update',
  resource: 'override',
  actor: 'ops',
  actorType: 'token',
  status: 'success',
  ...more,
})

/** Segments of three records each, as the writer would leave them. */
function log(segments: number): { names: string[]; lines: string[][]; head: ChainHead } {
  let head = chainStart
  const lines: string[][] = []
  for (let segment = 1; segment <= segments; segment++) {
    const anchor = sealAnchor(head, { atMs: 0, segment }, sha256)
    const own = [anchor.line]
    head = anchor.head
    for (let at = 0; at < 3; at++) {
      const sealed = sealEntry(head, fields({ resourceId: `${segment}/${at}` }), sha256)
      own.push(sealed.line)
      head = sealed.head
    }
    lines.push(own)
  }
  return { names: lines.map((_, at) => `${String(at + 1).padStart(8, '0')}.log`), lines, head }
}

function faultsOf({ names, lines }: { names: string[]; lines: string[][] }): string[] {
  const reader = new ChainReader(sha256)
  for (const [at, name] of names.entries()) reader.read(name, lines[at]!.join(''))
  reader.finish()
  return reader.faults.map(
    ({ segment, line, what }) => `${Number(segment.slice(0, 8))}:${line} ${what}`,
  )
}

describe('the chain of the audit log', () => {
  test('a log that nobody touched has no fault, and gives back its entries', () => {
    const { names, lines, head } = log(3)
    const reader = new ChainReader(sha256, [head.hash])
    const ids = names.flatMap((name, at) =>
      reader.read(name, lines[at]!.join('')).map(({ resourceId }) => resourceId),
    )
    reader.finish()
    expect(reader.faults).toEqual([])
    expect(ids).toEqual(['1/0', '1/1', '1/2', '2/0', '2/1', '2/2', '3/0', '3/1', '3/2'])
    expect(reader.head).toEqual(head)
    expect(reader.records).toBe(12)
    expect(reader.met.has(head.hash)).toBe(true)
  })

  const NOT_FROM_BEFORE = 'the hash does not follow from the record before'
  const rows: [string, (log: { names: string[]; lines: string[][] }) => void, string[]][] = [
    [
      'a changed record is told where it stands',
      ({ lines }) => {
        lines[1]![2] = lines[1]![2]!.replace('ops', 'eve')
      },
      [`2:3 ${NOT_FROM_BEFORE}`],
    ],
    ['a removed record is', ({ lines }) => void lines[1]!.splice(2, 1), [`2:3 ${NOT_FROM_BEFORE}`]],
    [
      'two records that changed places are',
      ({ lines }) => void lines[0]!.splice(1, 2, lines[0]![2]!, lines[0]![1]!),
      [`1:2 ${NOT_FROM_BEFORE}`, `1:3 ${NOT_FROM_BEFORE}`, `1:4 ${NOT_FROM_BEFORE}`],
    ],
    [
      'a record that was added with a hash of its own breaks the next one',
      ({ lines }) => {
        const [hash = ''] = lines[0]![1]!.split(' ')
        const forged = sealEntry({ seq: 2, hash }, fields({ actor: 'eve' }), sha256)
        lines[0]!.splice(2, 0, forged.line)
      },
      [`1:4 ${NOT_FROM_BEFORE}`],
    ],
    [
      'a missing segment is',
      ({ names, lines }) => {
        names.splice(1, 1)
        lines.splice(1, 1)
      },
      ['3:1 segments between 1 and 3 are missing', `3:1 ${NOT_FROM_BEFORE}`],
    ],
    [
      'first segments that nobody recorded as removed are',
      ({ names, lines }) => {
        names.shift()
        lines.shift()
      },
      ['2:1 segments before 2 are missing and no record says that retention removed them'],
    ],
    [
      'a last record that was cut short is',
      ({ lines }) => {
        lines[2]![3] = lines[2]![3]!.slice(0, -20)
      },
      ['3:4 the last record was cut short'],
    ],
    ['an empty segment is', ({ lines }) => void lines[2]!.splice(0), ['3:1 the segment is empty']],
    [
      'garbage is',
      ({ lines }) => {
        lines[0]![2] = '\u0000\u0000 nonsense\n'
      },
      ['1:3 is not a record', `1:4 ${NOT_FROM_BEFORE}`],
    ],
  ]
  test.each(rows)('%s', (_title, touch, expected) => {
    const whole = log(3)
    touch(whole)
    expect(faultsOf(whole)).toEqual(expected)
  })

  test('what retention removed, as it recorded itself, is no fault', () => {
    const { names, lines, head } = log(2)
    const details = { removed_through: 1 }
    const note = {
      action: 'retention',
      resource: 'audit-log',
      actorType: 'system',
      details,
    } as const
    lines[1]!.push(sealEntry(head, fields(note), sha256).line)
    expect(faultsOf({ names: names.slice(1), lines: lines.slice(1) })).toEqual([])
  })

  test('faults past the first few are counted, not kept', () => {
    const { names, lines } = log(1)
    const reader = new ChainReader(sha256)
    reader.read(names[0]!, `${lines[0]![0]!}${'x\n'.repeat(1_000)}`)
    expect(reader.faultCount).toBe(1_000)
    expect(reader.faults.length).toBeLessThan(100)
  })

  test('secrets are masked, and what is too large is left out and said', () => {
    const after = { token: 'abc', nested: { api_key: 'x', reason: 'r' }, list: ['a'.repeat(9_000)] }
    const small = sealEntry(chainStart, fields({ after }), sha256).line
    expect(small).toContain('"token":"****"')
    expect(small).toContain('"api_key":"****"')
    expect(small).toContain('"reason":"r"')
    const many = Array.from({ length: 5_000 }, (_, at) => at)
    const large = sealEntry(chainStart, fields({ after: many, before: many }), sha256).line
    expect(large).toMatch(/"after":\{"omitted_bytes":\d+\}/)
    expect(large.length).toBeLessThan(limits.auditRecordBytes.default)
  })
})
