// Goal: a configuration that is held because it is not signed is told: in the gauge, as an event
// and in the log; and so is its end. Method: the registry with a signer that is the test.
import { expect, test } from 'vitest'
import { registry } from '../../../src/actors/registry/actor.ts'
import { emptyDisk, memoryPorts } from '../../../src/actors/registry/ports-memory.ts'
import { limits } from '../../../src/core/base/limits.ts'
import type { SignedParts } from '../../../src/core/dnssec/parts.ts'
import { fakeCtx } from '../../harness/ctx.ts'
import { zoneOf } from '../../harness/dns-world.ts'
import { unpackWord } from '../../../src/core/steer/words.ts'
import { keyOf, poolOf, topologyOf } from '../core/health/sample.ts'
import { A, B, configOf, START_MS } from './registry-world.ts'

const ZONE = 'test'
const HELD_MS = limits.signedHeldMs.default

async function start() {
  const fake = fakeCtx('registry', { startUnixMs: START_MS })
  const disk = emptyDisk()
  const configFor = (...addresses: string[]) => ({
    ...configOf({
      ...topologyOf(poolOf(`app.${ZONE}`, addresses)),
      zones: [zoneOf(ZONE, '@ NS ns1\nns1 A 192.0.2.53')],
    }),
    signedZones: [ZONE],
  })
  const ports = memoryPorts(disk, fake.clock)
  const { receive, onReconfigured } = await registry.start(fake.ctx, ports, configFor(A))
  const settle = (ms = 50) => fake.clock.advanceAsync(ms)
  receive['signer.keys-set']({ version: 'k1', zones: [{ apex: ZONE, records: [] }] })
  await settle()
  const drafted = () => {
    const [, draft] = fake.published.findLast(([id]) => id === 'registry.serving-drafted')!
    return (draft as { epoch: number }).epoch
  }
  let version = 0
  const told = {
    sign: () => {
      const signed = { version: ++version } as unknown as SignedParts
      receive['signer.serving-signed']({ epoch: drafted(), version, signed })
      return settle()
    },
    refuse: (reason: string) => {
      receive['signer.serving-refused']({ epoch: drafted(), reason })
      return settle()
    },
  }
  const served = () => {
    const [, last] = fake.published.findLast(([id]) => id === 'registry.serving-set')!
    return (last as { epoch: number }).epoch
  }
  const said = (id: string) => fake.published.filter(([name]) => name === id)
  return {
    ...{ fake, settle, drafted, served, said, ...told },
    verdict: (address: string, state: 'up' | 'down') => {
      const told = { verdict: state, atMs: fake.clock.nowMs(), reason: '' }
      receive['prober.verdict-changed']({ target: keyOf(`app.${ZONE}`, address), ...told })
      return settle()
    },
    override: (address: string, healthy: boolean) => {
      const order = { service: `app.${ZONE}`, address, healthy, reason: 'fire', by: 'ann' }
      return Promise.resolve(receive['api.set-override']({ ...order, force: true }))
    },
    reload: async (...addresses: string[]) => {
      onReconfigured!(configFor(...addresses))
      await settle()
    },
    gauge: () => fake.metrics.value('opengslb_dnssec_serving_held'),
    events: () =>
      disk.feed.filter(({ topic }) => topic === 'dnssec').map(({ kind, data }) => ({ kind, data })),
    lines: () => fake.logs.filter(({ message }) => message.includes(' held')),
  }
}

test('a draft that is refused is told as held with the reason, until one is signed', async () => {
  const one = await start()
  await one.sign()
  const first = one.served()
  expect([one.gauge(), one.events()]).toEqual([0, []])
  await one.reload(A, B)
  const held = one.drafted()
  await one.refuse('test: wrong-signature')
  expect(one.served(), 'what was signed before serves on').toBe(first)
  expect(one.gauge()).toBe(1)
  expect(one.events()).toEqual([
    { kind: 'serving-held', data: { epoch: held, reason: 'test: wrong-signature' } },
  ])
  expect(one.lines()).toMatchObject([
    { level: 'warn', fields: { epoch: held, reason: 'test: wrong-signature' } },
  ])
  await one.reload(B)
  await one.sign()
  const last = one.served()
  expect(last).toBeGreaterThan(held)
  expect(one.gauge()).toBe(0)
  expect(one.events().slice(1)).toEqual([{ kind: 'serving-released', data: { epoch: last } }])
  expect(one.lines()[1]).toMatchObject({ level: 'info', fields: { epoch: last } })
})

test('a draft whose signatures take long is told as held, and one that is quick is not', async () => {
  const one = await start()
  await one.sign()
  await one.reload(A, B)
  await one.settle(HELD_MS / 2)
  await one.sign()
  expect([one.gauge(), one.events()]).toEqual([0, []])
  await one.reload(B)
  await one.settle(HELD_MS)
  expect(one.gauge()).toBe(1)
  expect(one.events()).toMatchObject([
    { kind: 'serving-held', data: { reason: 'its signatures are not there yet' } },
  ])
  await one.sign()
  expect(one.gauge()).toBe(0)
})

test('an order reaches who answers in the turn it comes, also where it ends a hold', async () => {
  const one = await start()
  await one.verdict(A, 'up')
  await one.sign()
  // Of its successor nothing is known yet, so the guard-rail keeps the one that is gone.
  await one.reload(B)
  await one.sign()
  const epoch = one.served()
  const words = one.said('registry.word-changed').length
  void one.override(A, false)
  await one.settle()
  expect(one.served(), 'what follows is not signed yet').toBe(epoch)
  expect(one.drafted()).toBeGreaterThan(epoch)
  const told = one.said('registry.word-changed').slice(words)
  expect(told).toMatchObject([[expect.anything(), { epoch, pool: 0 }]])
  const { word } = told[0]![1] as { word: number }
  expect(unpackWord(word)).toMatchObject({ serving: false, cause: 'override' })
})
