/**
 * Goal: children of one role each hear what is said to the role, and fall and rise one by one.
 * Method: small actors in a simulated world, where time is the test's.
 */
import { describe, expect, test } from 'vitest'
import { replicaName, roleOf } from '../../../src/kernel/role.ts'
import type { AnyActor, AnyCtx } from '../../../src/kernel/erased.ts'
import type { Catalogue } from '../../../src/messages/entry.ts'
import { field } from '../../../src/messages/fields.ts'
import { startWorld, type WorldChild } from '../../harness/world.ts'

const catalogue = {
  'source.number-set': {
    kind: 'fact',
    id: 1,
    from: 'source',
    to: ['reader'],
    delivery: 'latest',
    key: [],
    maxBytes: 100,
    fields: { n: field.number('any') },
    doc: '',
  },
  'source.do': {
    kind: 'request',
    id: 2,
    from: 'source',
    to: ['reader'],
    maxBytes: 100,
    fields: {},
    reply: { by: field.text('who') },
    doc: '',
  },
  'reader.number-seen': {
    kind: 'fact',
    id: 3,
    from: 'reader',
    to: ['source'],
    delivery: 'each',
    key: [],
    maxBytes: 100,
    fields: { by: field.text('who'), n: field.number('what') },
    doc: '',
  },
} as const satisfies Catalogue

function cast({ escalate = true } = {}) {
  const held = new Map<string, number>()
  const seen: string[] = []
  const heardOf: string[] = []
  const configs: (readonly [string, unknown])[] = []
  let source: AnyCtx | undefined
  let n = 1
  const sourceActor: AnyActor = {
    name: 'source',
    start: (ctx) => {
      source = ctx
      return {
        receive: {
          'reader.number-seen': (message) => {
            const { by, n: number } = message as { by: string; n: number }
            seen.push(`${by} ${number}`)
          },
        },
        onPeerStarted: (peer) => {
          heardOf.push(peer)
          ctx.publish('source.number-set', { n })
        },
      }
    },
  }
  const readerActor = (name: string): AnyActor => ({
    name: 'reader',
    start: (ctx, _ports, config) => {
      held.set(name, 0)
      configs.push([name, config])
      expect(ctx.name).toBe('reader')
      return {
        receive: {
          'source.number-set': (message) => {
            held.set(name, (message as { n: number }).n)
            ctx.publish('reader.number-seen', { by: name, n: held.get(name)! })
          },
          'source.do': () => ({ by: name }),
        },
      }
    },
  })
  const names = ['reader', 'reader#2', 'reader#3']
  const children: WorldChild[] = [
    { name: 'source', actor: sourceActor },
    ...names.map((name) => ({ name, actor: readerActor(name), config: name, escalate })),
  ]
  /** What is published leaves at the end of the turn. */
  const publish = async (value: number) => {
    n = value
    source!.publish('source.number-set', { n })
    await Promise.resolve()
  }
  const ask = () => source!.ask('source.do', {})
  return { held, seen, heardOf, configs, publish, ask, options: { catalogue, children, seed: 3 } }
}

describe('names', () => {
  test.each([
    ['dns', 0, 'dns'],
    ['dns', 1, 'dns#2'],
    ['dns', 15, 'dns#16'],
  ])('child %s at %i is %s, and plays that role', (role, index, name) => {
    expect(replicaName(role, index)).toBe(name)
    expect(roleOf(name)).toBe(role)
  })
})

describe('children of one role', () => {
  test('each hear every fact, and what each says is heard', async () => {
    const { options, held, heardOf, publish, seen } = cast()
    const world = await startWorld(options)
    await world.runFor(100)
    expect(heardOf).toEqual(['reader', 'reader', 'reader'])
    await publish(7)
    await world.runFor(100)
    expect([...held.entries()]).toEqual([
      ['reader', 7],
      ['reader#2', 7],
      ['reader#3', 7],
    ])
    expect(seen.slice(-3).sort()).toEqual(['reader 7', 'reader#2 7', 'reader#3 7'])
  })

  test('one falls: the others go on, and it is told what holds', async () => {
    const { options, held, publish } = cast()
    const world = await startWorld(options)
    await publish(7)
    await world.runFor(100)
    world.kill('reader#2')
    await publish(8)
    while (world.states()[2]?.state !== 'running') await world.step(Number.POSITIVE_INFINITY)
    await world.runFor(100)
    expect(world.states().map(({ incarnation }) => incarnation)).toEqual([1, 1, 2, 1])
    expect([...held.values()]).toEqual([8, 8, 8])
  })

  test('one request goes to one of them: the first that is up', async () => {
    const { options, ask } = cast({ escalate: false })
    const world = await startWorld(options)
    const asked = async () => {
      const reply = ask()
      await Promise.resolve()
      await world.runFor(100)
      const result = await reply
      return result.ok ? (result.value as { by: string }).by : result.error.code
    }
    expect(await asked()).toBe('reader')
    world.kill('reader')
    await world.runFor(1)
    expect(world.states()[1]?.state).toBe('backoff')
    expect(await asked()).toBe('reader#2')
    await world.runFor(1_000)
    expect(await asked()).toBe('reader')
  })

  test('each has a configuration of its own', async () => {
    const { options, configs } = cast()
    const world = await startWorld(options)
    world.supervisor.reconfigure({ 'reader#2': 'new' })
    world.kill('reader')
    world.kill('reader#2')
    await world.runFor(1_000)
    expect(new Map(configs.slice(3))).toEqual(
      new Map([
        ['reader', 'reader'],
        ['reader#2', 'new'],
      ]),
    )
  })

  test('what escalates is started again without a wait, until its falls are too many', async () => {
    const { options } = cast()
    const world = await startWorld(options)
    for (let fall = 1; fall <= 5; fall++) {
      const beganMs = world.clock.monotonicMs()
      world.kill('reader#2')
      await world.runFor(1)
      while (world.states()[2]?.state !== 'running') await world.step(Number.POSITIVE_INFINITY)
      expect(world.clock.monotonicMs() - beganMs).toBeLessThanOrEqual(11)
      expect(world.escalated).toEqual([])
    }
    world.kill('reader#2')
    await world.runFor(1)
    expect(world.escalated).toEqual(['reader#2'])
    expect(world.states()[2]?.state).toBe('degraded')
  })
})
