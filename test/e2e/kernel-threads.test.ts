/**
 * Goal: what the semantics promise holds on real threads.
 * Method: toy actors on the built runtime; the tester lives on the main thread and asks them.
 */
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { AskFault } from '../../src/kernel/actor.ts'
import type { Result } from '../../src/core/base/result.ts'
import { echoCatalogue, floodCatalogue } from '../harness/threads/catalogue.ts'
import { startToys, type ThreadedToys, until } from '../harness/threads/system.ts'

let running: ThreadedToys | undefined

async function start(catalogue: Parameters<typeof startToys>[0], configs: Record<string, unknown>) {
  running = await startToys(catalogue, configs)
  return running
}

const say = async ({ ctx }: ThreadedToys, text: string, timeoutMs = 2_000) =>
  (await ctx.ask('tester.say', { text }, timeoutMs)) as Result<{ text: string }, AskFault>

const stateOf = ({ system }: ThreadedToys, name: string) =>
  system.states().find((status) => status.name === name)

afterEach(async () => {
  await running?.system.stop()
  running = undefined
})

describe('restarts', () => {
  test.each([
    ['an exception in a handler', 'throw'],
    ['an exception in a timer', 'throw later'],
    ['an unhandled rejection', 'reject'],
  ])('%s ends that actor only, and it is back with its publishers told', async (_, word) => {
    const toys = await start(echoCatalogue, { tester: {}, echo: { words: 'hello' } })
    expect(await say(toys, 'there')).toEqual({ ok: true, value: { text: '1 hello there' } })
    expect(toys.peers).toEqual(['echo'])
    const asked = await say(toys, word)
    if (word === 'throw') expect(asked).toEqual({ ok: false, error: { code: 'peer-down' } })
    await until(() => stateOf(toys, 'echo')?.incarnation === 2)
    await until(() => toys.peers.length === 2)
    expect(await say(toys, 'again')).toEqual({ ok: true, value: { text: '2 hello again' } })
    expect(stateOf(toys, 'tester')?.restarts).toBe(0)
    expect(toys.logs.some(({ fields }) => `${fields['message']}`.includes('told to'))).toBe(true)
  })

  test('a restarted actor gets the last configuration it was given', async () => {
    const toys = await start(echoCatalogue, { tester: {}, echo: { words: 'old' } })
    toys.system.reconfigure({ echo: { words: 'new' } })
    await until(async () => (await say(toys, 'x')).ok)
    expect(await say(toys, 'x')).toEqual({ ok: true, value: { text: '1 new x' } })
    toys.system.kill('echo')
    await until(() => stateOf(toys, 'echo')?.incarnation === 2)
    await until(async () => (await say(toys, 'x')).ok)
    expect(await say(toys, 'x')).toEqual({ ok: true, value: { text: '2 new x' } })
  })

  test('an actor on the main thread is restarted in place', async () => {
    const toys = await start(echoCatalogue, { echo: {}, tester: {} })
    const before = toys.ctx
    toys.system.kill('tester')
    await until(() => {
      const status = stateOf(toys, 'tester')
      return status?.incarnation === 2 && status.state === 'running'
    })
    const after = (globalThis as unknown as { testerCtx: typeof before }).testerCtx
    expect(after.incarnation).toBe(2)
    expect((await after.ask('tester.say', { text: 'x' })).ok).toBe(true)
  })

  test('repeated crashes of an escalating child are told, and it still comes back', async () => {
    const toys = await start(echoCatalogue, { tester: {}, echo: {} })
    const escalated: string[] = []
    toys.system.onEscalate((name) => escalated.push(name))
    for (let crash = 1; crash <= 6; crash++) {
      expect(escalated).toEqual([])
      await until(() => stateOf(toys, 'echo')?.state === 'running')
      toys.system.kill('echo')
      await until(() => stateOf(toys, 'echo')?.state !== 'running')
    }
    expect(escalated).toEqual(['echo'])
    expect(stateOf(toys, 'echo')?.state).toBe('degraded')
    await until(() => stateOf(toys, 'echo')?.state === 'running', 8_000)
  }, 30_000)

  test('five kills of a peer leave no channel end behind', async () => {
    const config = { size: 10, perTick: 1 }
    const toys = await start(floodCatalogue, { flooder: config, sink: { spinMs: 0 }, tester: {} })
    const ends = async () => {
      const result = await toys.ctx.ask('tester.look', {})
      return result.ok ? (result.value as { ports: number }).ports : Number.NaN
    }
    await until(async () => (await ends()) > 0)
    const before = await ends()
    for (let kill = 1; kill <= 5; kill++) {
      toys.system.kill('sink')
      await until(() => stateOf(toys, 'sink')?.incarnation === kill + 1, 12_000)
      await until(() => stateOf(toys, 'sink')?.state === 'running', 12_000)
    }
    await until(async () => (await ends()) === before)
  }, 40_000)
})

describe('start and stop', () => {
  test.each([
    ['its ports', { refuse: true }, 'bind-failed', 'address in use'],
    ['its start', { failOnStart: true }, 'uncaught-exception', 'cannot start'],
  ])('a first start that fails in %s rejects with its fault', async (_, echo, code, message) => {
    const failed = startToys(echoCatalogue, { tester: {}, echo })
    await expect(failed).rejects.toMatchObject({ name: 'StartError', actor: 'echo', code, message })
  })

  test('a stop that all follow is clean', async () => {
    const toys = await start(echoCatalogue, { tester: {}, echo: {} })
    expect(await toys.system.stop()).toBe('clean')
    expect(toys.system.states().every(({ state }) => state === 'stopped')).toBe(true)
  })

  test.each([
    ['hangs in its onStop', { hangOnStop: true }, ''],
    ['is stuck in a loop', {}, 'spin'],
  ])('an actor that %s is killed at its deadline', async (_, echo, word) => {
    const toys = await start(echoCatalogue, { tester: {}, echo })
    if (word !== '')
      expect(await say(toys, word, 50)).toMatchObject({ error: { code: 'timed-out' } })
    const beganMs = performance.now()
    expect(await toys.system.stop()).toBe('timed-out')
    expect(performance.now() - beganMs).toBeLessThan(4_000)
  })
})

describe('asks', () => {
  test('a request ends at its deadline, and a late one does not disturb the next', async () => {
    const toys = await start(echoCatalogue, { tester: {}, echo: {} })
    const beganMs = performance.now()
    expect(await say(toys, 'never', 100)).toEqual({ ok: false, error: { code: 'timed-out' } })
    expect(performance.now() - beganMs).toBeLessThan(1_000)
    expect((await say(toys, 'x')).ok).toBe(true)
  })

  test('a reply past its bound is a failure, not a crash', async () => {
    const toys = await start(echoCatalogue, { tester: {}, echo: {} })
    expect(await say(toys, 'big')).toMatchObject({ ok: false, error: { code: 'failed' } })
    expect(stateOf(toys, 'echo')?.incarnation).toBe(1)
  })

  test('more requests than a peer may hold are refused at once', async () => {
    const toys = await start(echoCatalogue, { tester: {}, echo: {} })
    const all = Array.from({ length: 1_030 }, () => say(toys, 'never', 300))
    const codes = (await Promise.all(all)).map((result) => (result.ok ? 'ok' : result.error.code))
    expect(codes.filter((code) => code === 'too-many-asks')).toHaveLength(6)
    expect(codes.filter((code) => code === 'timed-out')).toHaveLength(1_024)
  })
})

test('the log level of every thread follows, also of one started later', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'kernel-')), 'log')
  running = await startToys(echoCatalogue, { tester: {}, echo: {} }, file)
  const toys = running
  await say(toys, 'quiet')
  toys.system.setLogLevel('debug')
  await say(toys, 'loud')
  toys.system.kill('echo')
  await until(() => stateOf(toys, 'echo')?.incarnation === 2)
  await until(async () => (await say(toys, 'back')).ok)
  const text = readFileSync(file, 'utf8')
  expect(text).not.toContain('text=quiet')
  expect(text).toContain('text=loud')
  expect(text).toContain('text=back')
})

test('the scrape holds the series of the runtime and of every actor', async () => {
  const toys = await start(echoCatalogue, { tester: {}, echo: {} })
  await say(toys, 'x')
  const text = await toys.system.metricsText()
  expect(text).toContain('opengslb_actor_up{actor="echo"} 1')
  expect(text).toContain('opengslb_messages_sent_total{from="tester",to="echo"} 1')
  expect(text).toContain('opengslb_messages_sent_total{from="echo",to="tester"} 1')
})

describe('floods', () => {
  const MIB = 1_048_576

  test.each([
    ['each', false],
    ['latest', true],
  ])(
    'a stuck reader does not grow its sender beyond the bound (%s)',
    async (_, keyed) => {
      const flood = { size: 1_000, perTick: 500, keyed }
      const sink = { spinMs: 'for ever' }
      const toys = await start(floodCatalogue, { flooder: flood, sink, tester: {} })
      const look = async () => {
        const result = await toys.ctx.ask('tester.look', {})
        return result.ok ? (result.value as { number: number; heapBytes: number }) : undefined
      }
      // Twice the messages the outbox may hold, so that it is full and dropping.
      await until(async () => ((await look())?.number ?? 0) > 140_000, 30_000)
      const text = await toys.system.metricsText()
      const series = (name: string) =>
        Number(new RegExp(`${name}\\{from="flooder",to="sink"\\} (\\d+)`).exec(text)?.[1])
      const unacked = series('opengslb_outbox_unacked_batches')
      const queued = series('opengslb_outbox_queued_bytes')
      const event = 'from="flooder",to="sink",message="flooder.event-happened"'
      const droppedLine = new RegExp(`opengslb_outbox_dropped_total\\{${event}\\} (\\d+)`)
      const dropped = Number(droppedLine.exec(text)?.[1] ?? 0)
      const heapBytes = (await look())?.heapBytes ?? Number.NaN
      const heapMib = Math.round(heapBytes / MIB)
      console.log(
        `stuck reader, ${keyed ? 'latest' : 'each'}: ${unacked} batches posted and unread, ` +
          `${queued} bytes queued, ${dropped} dropped, sender heap ${heapMib} MiB`,
      )
      expect(unacked).toBeLessThanOrEqual(4)
      // 100 keys of a kilobyte, or 65,536 messages of one.
      expect(queued).toBeLessThan(keyed ? 0.2 * MIB : 80 * MIB)
      expect(heapBytes).toBeLessThan((keyed ? 64 : 200) * MIB)
      if (!keyed) expect(dropped).toBeGreaterThan(50_000)
    },
    60_000,
  )

  test('a flooding sender does not grow a slow reader', async () => {
    const flood = { size: 1_000, perTick: 500, keyed: false }
    const toys = await start(floodCatalogue, { flooder: flood, sink: { spinMs: 0.2 }, tester: {} })
    const peek = async () => {
      const result = await toys.ctx.ask('tester.peek', {}, 10_000)
      return result.ok ? (result.value as { count: number; heapBytes: number }) : undefined
    }
    let maxBytes = 0
    await until(async () => {
      const seen = await peek()
      maxBytes = Math.max(maxBytes, seen?.heapBytes ?? 0)
      return (seen?.count ?? 0) > 10_000
    }, 40_000)
    console.log(`flooded reader: at most ${Math.round(maxBytes / MIB)} MiB`)
    // Four batches of a mebibyte on top of an idle thread.
    expect(maxBytes).toBeLessThan(64 * MIB)
  }, 60_000)
})
