/**
 * Goal: starts, restarts, escalation and stops follow the semantics.
 * Method: small actors in a simulated world, where time is the test's.
 */
import { describe, expect, test } from 'vitest'
import type { AnyActor, AnyBehaviour, AnyCtx } from '../../../src/kernel/erased.ts'
import type { Catalogue } from '../../../src/messages/entry.ts'
import { field } from '../../../src/messages/fields.ts'
import { startWorld, World, type WorldChild } from '../../harness/world.ts'

const catalogue = {
  'a.number-set': {
    kind: 'fact',
    id: 1,
    from: 'a',
    to: ['b', 'c'],
    delivery: 'latest',
    key: [],
    maxBytes: 100,
    fields: { n: field.number('any') },
    doc: '',
  },
} as const satisfies Catalogue

type Script = (ctx: AnyCtx, config: unknown) => Partial<AnyBehaviour> | undefined

/** Actors a, b and c that write down what happens to them. */
function cast(scripts: Record<string, Script> = {}, extra: Partial<WorldChild> = {}) {
  const events: string[] = []
  const children = ['a', 'b', 'c'].map((name): WorldChild => {
    const actor: AnyActor = {
      name,
      start: (ctx, _ports, config) => {
        events.push(`${name}${ctx.incarnation} starts`)
        return {
          receive: { 'a.number-set': () => {} },
          onPeerStarted: (peer) => void events.push(`${name} hears of ${peer}`),
          onStop: () => void events.push(`${name} stops`),
          ...scripts[name]?.(ctx, config),
        }
      },
    }
    return { name, actor, ...extra }
  })
  return { events, options: { catalogue, children, seed: 7 } }
}

const statesOf = (world: World) => world.states().map(({ state }) => state)

describe('start', () => {
  test('is in order, and a publisher hears of each reader', async () => {
    const { events, options } = cast()
    const world = await startWorld(options)
    await world.runFor(10)
    expect(events.filter((event) => event.includes('starts'))).toEqual([
      'a1 starts',
      'b1 starts',
      'c1 starts',
    ])
    expect(events.filter((event) => event.includes('hears')).sort()).toEqual([
      'a hears of b',
      'a hears of c',
    ])
  })

  test('a fault in it stops what had started and names the actor', async () => {
    const { events, options } = cast({
      b: () => {
        throw Object.assign(new Error('port 53 is taken'), { code: 'bind-failed' })
      },
    })
    const world = new World(options)
    const fault = { actor: 'b', code: 'bind-failed', message: 'port 53 is taken' }
    await expect(world.start()).rejects.toMatchObject(fault)
    expect(events).toEqual(['a1 starts', 'b1 starts', 'a stops'])
    expect(statesOf(world)).toEqual(['stopped', 'stopped', 'stopped'])
  })

  test('one that never ends is a fault after its deadline', async () => {
    const { options } = cast()
    const stuck = {
      ...options.children[1]!,
      actor: { name: 'b', start: () => new Promise(() => {}) },
    }
    const world = new World({ ...options, children: [options.children[0]!, stuck] })
    await expect(world.start()).rejects.toMatchObject({ actor: 'b', code: 'start-timed-out' })
  })
})

describe('restart', () => {
  test('ends no other actor, and tells only the publishers', async () => {
    const { events, options } = cast()
    const world = await startWorld(options)
    await world.runFor(10)
    events.length = 0
    world.kill('b')
    await world.runFor(200)
    expect(events).toEqual(['b2 starts', 'a hears of b'])
    events.length = 0
    world.kill('a')
    await world.runFor(400)
    expect(events).toEqual(['a2 starts'])
  })

  test('the requests to an actor that falls end at once, as do those while it is down', async () => {
    const outcomes: string[] = []
    const asks: Catalogue = {
      'c.do': {
        kind: 'request',
        id: 1,
        from: 'c',
        to: ['b'],
        maxBytes: 100,
        fields: {},
        reply: {},
        doc: '',
      },
    }
    const { options } = cast({
      b: () => ({ receive: { 'c.do': () => new Promise(() => {}) } }),
      c: (ctx) => {
        const ask = async () => {
          const result = await ctx.ask('c.do', {}, 10_000)
          outcomes.push(`${ctx.clock.monotonicMs()} ${result.ok ? 'ok' : result.error.code}`)
          if (outcomes.length === 1) void ask()
        }
        void ask()
        return undefined
      },
    })
    const world = await startWorld({ ...options, catalogue: asks })
    await world.runFor(10)
    const nowMs = world.clock.monotonicMs()
    world.kill('b')
    await world.runFor(10)
    expect(outcomes).toEqual([`${nowMs} peer-down`, `${nowMs} peer-down`])
  })

  test('gives the last configuration', async () => {
    const seen: unknown[] = []
    const { options } = cast({ b: (_, config) => void seen.push(config) as undefined })
    const world = await startWorld(options)
    world.supervisor.reconfigure({ b: { n: 2 } })
    world.kill('b')
    await world.runFor(200)
    expect(seen).toEqual([undefined, { n: 2 }])
  })

  test.each([
    [true, ['b']],
    [false, []],
  ])(
    'five restarts in thirty seconds degrade; escalation only if asked (%s)',
    async (escalate, told) => {
      const { options } = cast({}, { escalate })
      const world = await startWorld(options)
      for (let crash = 1; crash <= 6; crash++) {
        world.kill('b')
        while (statesOf(world)[1] === 'running') await world.step(Number.POSITIVE_INFINITY)
        expect(statesOf(world)[1]).toBe(crash <= 5 ? 'backoff' : 'degraded')
        while (statesOf(world)[1] !== 'running') await world.step(Number.POSITIVE_INFINITY)
      }
      expect(world.escalated).toEqual(told)
      expect(statesOf(world)).toEqual(['running', 'running', 'running'])
    },
  )

  test('a start that fails again and again keeps being tried, ever more slowly', async () => {
    let starts = 0
    const { options } = cast({
      b: (ctx) => {
        starts++
        if (ctx.incarnation > 1) throw new Error('no')
        return undefined
      },
    })
    const world = await startWorld(options)
    world.kill('b')
    await world.runFor(120_000)
    expect(statesOf(world)).toEqual(['running', 'degraded', 'running'])
    // About five seconds apart on average, once the bound is reached.
    expect(starts).toBeGreaterThan(15)
    expect(starts).toBeLessThan(60)
  })
})

describe('stop', () => {
  test('is in reverse order and clean', async () => {
    const { events, options } = cast()
    const world = await startWorld(options)
    events.length = 0
    expect(await world.stop()).toBe('clean')
    expect(events.filter((event) => event.includes('stops'))).toEqual([
      'c stops',
      'b stops',
      'a stops',
    ])
  })

  test('kills what does not stop in time, and goes on', async () => {
    const { events, options } = cast({ b: () => ({ onStop: () => new Promise(() => {}) }) })
    const world = await startWorld(options)
    const beganMs = world.clock.monotonicMs()
    expect(await world.stop()).toBe('timed-out')
    expect(world.clock.monotonicMs() - beganMs).toBeLessThan(2_100)
    expect(events.at(-1)).toBe('a stops')
  })

  test('starts nothing again that was waiting for its backoff', async () => {
    const { events, options } = cast()
    const world = await startWorld(options)
    world.kill('b')
    while (statesOf(world)[1] !== 'backoff') await world.step(Number.POSITIVE_INFINITY)
    expect(await world.stop()).toBe('clean')
    await world.runFor(60_000)
    expect(events.filter((event) => event.startsWith('b2'))).toEqual([])
  })
})

describe('a pause', () => {
  test('stops all but the roles named, in reverse, and a resume starts them in order', async () => {
    const { events, options } = cast()
    const world = await startWorld(options)
    await world.runFor(10)
    events.length = 0
    const paused = world.supervisor.pause(new Set(['b']))
    await world.runFor(10)
    expect(await paused).toBe('clean')
    expect(events).toEqual(['c stops', 'a stops'])
    expect(statesOf(world)).toEqual(['stopped', 'running', 'stopped'])
    // Long enough for any restart: what was paused stays so.
    await world.runFor(60_000)
    expect(statesOf(world)).toEqual(['stopped', 'running', 'stopped'])
    const resumed = world.supervisor.resume()
    await world.runFor(10)
    await resumed
    expect(events.slice(2, 4)).toEqual(['a2 starts', 'c2 starts'])
    expect(statesOf(world)).toEqual(['running', 'running', 'running'])
  })
})
