// Goal: a start whose first epoch is refused does not wait out its time: whoever waits is told why
// at once; what is only late, or refused while something is served, ends no wait.
import { expect, test } from 'vitest'
import { untilServing } from '../../../src/actors/api/ports-serving.ts'
import { STRIDE } from '../../../src/actors/dns/ports-native.ts'
import { untilServed } from '../../../src/actors/dns/ports-sockets.ts'
import type { FeedRecorder } from '../../../src/actors/registry/feed.ts'
import { memoryPorts } from '../../../src/actors/registry/ports-memory.ts'
import { pressOf } from '../../../src/actors/registry/press-world.ts'
import type { Made } from '../../../src/actors/registry/press.ts'
import { limits } from '../../../src/core/base/limits.ts'
import { noteMemory, readNote, writeNote } from '../../../src/core/base/note.ts'
import type { SignedParts } from '../../../src/core/dnssec/parts.ts'
import type { ServingParts } from '../../../src/core/dns/serving.ts'
import { slabMemory } from '../../../src/native/index.ts'
import { fakeCtx } from '../../harness/ctx.ts'

const madeOf = (epoch: number): Made => ({
  ...{ epoch, version: 0, keysVersion: 'k1', signing: 'wanted', pools: [], words: [] },
  parts: { epoch } as unknown as ServingParts,
})

function world() {
  const { ctx, clock } = fakeCtx('registry')
  const memory = noteMemory()
  const refusedFirst = (reason: string) => writeNote(memory, reason)
  const ports = { ...memoryPorts(), refusedFirst }
  const feed = { record: () => {} } as unknown as FeedRecorder
  const { press } = pressOf(ctx, ports, feed, () => {})
  press.speak()
  return { press, clock, memory }
}

test('a first epoch that is refused is noted, and ends the wait for the start', async () => {
  const { press, memory, clock } = world()
  press.offer(madeOf(1))
  clock.advance(limits.signedHeldMs.default)
  expect(readNote(memory)).toBeUndefined()
  press.refused(1, '')
  expect(readNote(memory)).toBeUndefined()
  press.refused(1, 'a signature does not verify — at all')
  expect(readNote(memory)).toBe('a signature does not verify — at all')
  const isHopeless = () => readNote(memory) !== undefined
  const fromMs = performance.now()
  // Nobody answers there.
  expect(await untilServing('127.0.0.1:9', ['example.com'], isHopeless)).toBe(false)
  const socket = { batch: 8, memory: slabMemory(8, STRIDE) }
  const lent = [[socket]] as unknown as Parameters<typeof untilServed>[0]
  expect(await untilServed([...lent], isHopeless)).toBe(false)
  expect(performance.now() - fromMs).toBeLessThan(2_000)
})

test('one that is refused while another is served is not', () => {
  const { press, memory } = world()
  press.offer(madeOf(1))
  press.signed(1, 1, { version: 1 } as unknown as SignedParts)
  press.offer(madeOf(2))
  press.refused(2, 'a signature does not verify')
  expect(readNote(memory)).toBeUndefined()
})
