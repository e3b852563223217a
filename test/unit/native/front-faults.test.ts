// Goal: a socket that fails is never a front that spins or is deaf in silence: a fault that passes
// is counted and read past, one that stays is told once, and reading ends.
// Method: the built addon, with the end of a pipe that has no reader, which fails for ever.
import { execFileSync } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { batchAnswerer } from '../../../src/actors/dns/ports-native.ts'
import { countsOf, isReading, loadNative, slabOf } from '../../../src/native/index.ts'
import { hasAddon } from '../../harness/dns-fronts.ts'

const cleanups: (() => unknown)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup()
})

function addon() {
  const native = loadNative()
  if (!native.ok) throw new Error(native.error)
  return native.value
}

/** The end of a pipe that is written to, after the other was closed. */
function brokenPipe(): number {
  const folder = mkdtempSync(join(tmpdir(), 'opengslb-pipe-'))
  cleanups.push(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'pipe')
  execFileSync('mkfifo', [path])
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
  closeSync(reader)
  cleanups.push(() => closeSync(writer))
  return writer
}

describe.runIf(hasAddon)('a front whose socket fails', () => {
  test('ends the thread that answers, so that another is made', () => {
    const answer = () => 0
    const answers = batchAnswerer(slabOf(8, 4_096), answer, () => false)
    expect(() => answers(0)).not.toThrow()
    expect(() => answers(-1)).toThrow('the socket of queries fails and cannot be read')
  })

  test('for good is told so once, and reads no more', async () => {
    const native = addon()
    const descriptor = brokenPipe()
    const slab = slabOf(8, 512)
    const told: number[] = []
    const onBatch = (count: number) => void told.push(count)
    const handle = native.startFront(descriptor, descriptor, slab, onBatch, { wildcard: false })
    cleanups.push(() => native.stopFront(handle))
    expect(isReading(slab)).toBe(true)
    await sleep(50)
    expect(told).toEqual([-1])
    expect(countsOf(slab).pollFaults).toBe(16)
    expect(isReading(slab)).toBe(false)
  })
})
