// Goal: tables of past epochs are held within their bounds, the newest always.
import { describe, expect, test } from 'vitest'
import { Epochs } from '../../../../src/actors/api/epochs.ts'
import { limits } from '../../../../src/core/base/limits.ts'
import { servingSetOf, snapshotOf, type WorldParts } from '../../../harness/dns-world.ts'

const PARTS: WorldParts = { zones: { 'a.test': '@ NS ns1\nns1 A 192.0.2.1' } }

function filled(count: number, grow = 0) {
  const epochs = new Epochs()
  for (let epoch = 1; epoch <= count; epoch++) {
    const { parts } = servingSetOf({ ...PARTS, epoch }, 1)
    // Only its length is looked at.
    const labels = { byteLength: grow } as Uint8Array
    epochs.compiled({ epoch, parts: grow === 0 ? parts : { ...parts, labels } })
    epochs.named(snapshotOf({ ...PARTS, epoch }))
  }
  return Array.from({ length: count }, (_, at) => at + 1).filter((at) => epochs.of(at))
}

describe('epochs', () => {
  test('so many are held, the newest of them', () => {
    const most = limits.sampleEpochs.default
    expect(filled(most + 3)).toEqual(Array.from({ length: most }, (_, at) => at + 4))
  })

  test('large ones are held as far as they fit, and one always', () => {
    expect(filled(5, limits.sampleEpochBytes.default / 2.5)).toEqual([4, 5])
    expect(filled(3, limits.sampleEpochBytes.default * 2)).toEqual([3])
  })

  test('an epoch of which only one half is known is none', () => {
    const epochs = new Epochs()
    epochs.named(snapshotOf(PARTS))
    expect(epochs.of(1)).toBeUndefined()
  })
})
