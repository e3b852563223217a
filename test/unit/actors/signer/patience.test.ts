// Goal: no wait of the signer lasts for ever: what never answers has failed by a time, and is told.
import { expect, test } from 'vitest'
import type { SignerPorts } from '../../../../src/actors/signer/contract.ts'
import { patientPorts } from '../../../../src/actors/signer/patience.ts'
import { limits } from '../../../../src/core/base/limits.ts'
import { fakeCtx } from '../../../harness/ctx.ts'
import { configOf, emptyDisk, portsOn, start, ZONE } from './world.ts'

const DISK_MS = limits.signerDiskMs.default
const never = () => new Promise<never>(() => {})

function world(ports: Partial<SignerPorts>) {
  const { ctx, clock, logs } = fakeCtx('signer')
  const patient = patientPorts(ctx, { ...portsOn(emptyDisk()), ...ports })
  /** What came of it after the time, and whether it did before. */
  const after = async <Value>(ms: number, work: Promise<Value>) => {
    let came: Value | 'nothing' = 'nothing'
    void work.then((value) => {
      came = value
    })
    await clock.advanceAsync(ms - 1)
    expect(came).toBe('nothing')
    await clock.advanceAsync(1)
    return came as Value | 'nothing'
  }
  const said = () => logs.map(({ level, message }) => `${level} ${message}`)
  return { clock, patient, after, said }
}

const nothing: readonly (keyof SignerPorts)[] = [
  ...(['loadKeys', 'saveKeys', 'loadSignatures', 'saveSignatures'] as const),
  ...(['readImports', 'dropImports'] as const),
]

test('a disk that never answers has failed by a time, in the words of what was asked', async () => {
  const ports = Object.fromEntries(nothing.map((name) => [name, never]))
  const { patient, after, said } = world(ports)
  const keys = { keys: [], rolls: [] }
  const why = 'no answer of the disk within 10000 ms'
  expect(await after(DISK_MS, patient.loadKeys())).toEqual({
    ...{ code: 'failed', message: `keys: ${why}` },
  })
  expect(await after(DISK_MS, patient.saveKeys(keys))).toBe('failed')
  expect(await after(DISK_MS, patient.loadSignatures())).toBeUndefined()
  expect(await after(DISK_MS, patient.saveSignatures(new Uint8Array()))).toBe('failed')
  // Unread, so that no zone gets other keys than those that may lie there.
  expect(await after(DISK_MS, patient.readImports())).toMatchObject({ keys: [], isUnread: true })
  expect(await after(DISK_MS, patient.dropImports([]))).toBeUndefined()
  expect(said()).toEqual([
    `error keys are not read: ${why}`,
    `error keys are not written: ${why}`,
    `error signatures are not read, and made again: ${why}`,
    `error signatures are not written: ${why}`,
    `error keys laid down are not read: ${why}`,
    `error key files that were taken are not removed: ${why}`,
  ])
})

test('a peer and a parent that never answer are given up', async () => {
  const { patient, after, said } = world({ post: never, askParent: never })
  const { parent } = configOf()
  expect(await after(31_000, patient.post('http://a', new Uint8Array(), 30_000))).toEqual({
    ...{ ok: false, error: 'no answer in 30000 ms' },
  })
  const lookMs = limits.parentLookMs.default
  expect(await after(lookMs, patient.askParent('a.test', parent))).toEqual([])
  expect(said()).toEqual(['warn the parent was not heard in time'])
})

test('no file is written beside a late write of it, and again once that came to an end', async () => {
  let calls = 0
  let end: (value: 'saved') => void = () => {}
  const saveKeys = () => {
    calls++
    return new Promise<'saved'>((resolve) => {
      end = resolve
    })
  }
  const { clock, patient, after } = world({ saveKeys })
  const keys = { keys: [], rolls: [] }
  expect(await after(DISK_MS, patient.saveKeys(keys))).toBe('failed')
  expect(await patient.saveKeys(keys)).toBe('failed')
  expect(calls).toBe(1)
  end('saved')
  await clock.advanceAsync(0)
  const second = patient.saveKeys(keys)
  expect(calls).toBe(2)
  end('saved')
  expect(await second).toBe('saved')
})

test('what answers in time is handed on, faults as well', async () => {
  const { clock, patient, said } = world({ dropImports: () => Promise.reject(new Error('broken')) })
  expect(await patient.loadKeys()).toEqual({ code: 'absent' })
  await expect(patient.dropImports([])).rejects.toThrow('broken')
  await clock.advanceAsync(DISK_MS * 2)
  expect(said()).toEqual([])
})

test('an operator hears of a disk that hangs instead of waiting with it', async () => {
  const disk = emptyDisk()
  let isHanging = false
  const { saveKeys } = portsOn(disk)
  const one = await start({
    disk,
    ports: { saveKeys: (content) => (isHanging ? never() : saveKeys(content)) },
  })
  isHanging = true
  const order = { zone: ZONE, emergency: false, by: 'ops' }
  let message = ''
  const asked = Promise.resolve(one.behaviour.receive['api.roll-keys'](order))
  void asked.then((reply) => {
    message = reply.message
  })
  await one.clock.advanceAsync(DISK_MS + 1_000)
  expect(message).toContain('not on disk yet')
})
