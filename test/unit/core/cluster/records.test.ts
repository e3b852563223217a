// Goal: a record comes back from the store as it went there, and nothing else does.
import { describe, expect, test } from 'vitest'
import { base64 } from '../../../../src/core/cluster/gateway.ts'
import {
  isKept,
  keyOfRecord,
  presenceOf,
  recordOf,
  valueOfRecord,
} from '../../../../src/core/cluster/records.ts'

const record = {
  ...{ kind: 'override', id: 'app.example.com:10.0.1.10:80', origin: 'node-1' },
  ...{ stamp: 1_750_000_000_000, seq: 2, keepUntilMs: 0, body: Uint8Array.of(0, 255, 7) },
}
const stored = (value: string, key = keyOfRecord(record)) => ({ key, value: base64(value) })

describe('a record', () => {
  test('comes back as it went', () => {
    expect(recordOf(stored(valueOfRecord(record)))).toEqual(record)
  })

  test('is stored for orders, and not for what nodes say of the moment', () => {
    expect(['override', 'drain', 'verdict', 'heard'].map((kind) => isKept({ kind }))).toEqual([
      ...[true, true, false, false],
    ])
  })

  test.each([
    ['no JSON', stored('x')],
    ['under the key of another', stored(valueOfRecord(record), '/opengslb/records/drain/x')],
    ['of another kind', stored(valueOfRecord({ ...record, kind: 'verdict' }))],
    ['with a negative time', stored(valueOfRecord({ ...record, stamp: -1 }))],
    ['outside the records', stored(valueOfRecord(record), '/elsewhere')],
  ])('is none: %s', (_name, value) => {
    expect(recordOf(value)).toBeUndefined()
  })
})

test('a node is who its key says', () => {
  const value = base64(JSON.stringify({ name: 'node-1', address: '10.0.1.1:7000' }))
  expect(presenceOf({ key: '/opengslb/nodes/node-1', value })?.address).toBe('10.0.1.1:7000')
  expect(presenceOf({ key: '/opengslb/nodes/node-2', value })).toBeUndefined()
})
