/**
 * Goal: actors on the threads of a pool keep the same promises as those on threads of their own.
 * Method: two echo actors of one role in a pool of the built runtime; the tester asks from the main
 * thread.
 */
import { afterEach, describe, expect, test } from 'vitest'
import type { AskFault } from '../../src/kernel/actor.ts'
import type { Result } from '../../src/core/base/result.ts'
import { echoCatalogue } from '../harness/threads/catalogue.ts'
import { startToys, type ThreadedToys, until } from '../harness/threads/system.ts'

let running: ThreadedToys | undefined
afterEach(async () => {
  await running?.system.stop()
  running = undefined
})

async function start(echo: Record<string, unknown> = {}): Promise<ThreadedToys> {
  const first = { pooled: true, words: 'one', ...echo }
  running = await startToys(echoCatalogue, {
    tester: {},
    echo: first,
    'echo#2': { ...first, words: 'two' },
  })
  return running
}

const say = async ({ ctx }: ThreadedToys, text: string, timeoutMs = 2_000) => {
  const result = (await ctx.ask('tester.say', { text }, timeoutMs)) as Result<
    { text: string },
    AskFault
  >
  return result.ok ? result.value.text : result.error.code
}

const stateOf = ({ system }: ThreadedToys, name: string) =>
  system.states().find((status) => status.name === name)!

const backAs = (toys: ThreadedToys, name: string, incarnation: number) =>
  until(() => {
    const status = stateOf(toys, name)
    return status.incarnation === incarnation && status.state === 'running'
  })

describe('in a pool', () => {
  test.each([
    ['an exception in a handler', 'throw', 'told to throw'],
    ['an exception in a timer', 'throw later', 'told to throw later'],
    ['an unhandled rejection', 'reject', 'told to reject'],
  ])('%s ends that actor only, and it is back in another thread', async (_, word, message) => {
    const toys = await start()
    expect(await say(toys, 'there')).toBe('1 one there')
    await say(toys, word)
    await backAs(toys, 'echo', 2)
    await until(async () => (await say(toys, 'again')) === '2 one again')
    expect(stateOf(toys, 'echo#2').incarnation).toBe(1)
    const told = toys.logs.map(({ fields }) => `${fields['actor']} ${fields['message']}`)
    expect(told).toContain(`echo ${message}`)
  })

  test('while one is down the other takes the requests', async () => {
    const toys = await start()
    toys.system.kill('echo')
    await until(async () => (await say(toys, 'x')).endsWith('x'))
    await backAs(toys, 'echo', 2)
    toys.system.kill('echo#2')
    expect(await say(toys, 'y')).toBe('2 one y')
    await backAs(toys, 'echo#2', 2)
  })

  test('an actor that loops for ever is ended from outside', async () => {
    const toys = await start()
    expect(await say(toys, 'spin', 100)).toBe('timed-out')
    toys.system.kill('echo')
    await backAs(toys, 'echo', 2)
    await until(async () => (await say(toys, 'x')) === '2 one x')
  })

  test('six falls in a row leave as many threads as before', async () => {
    const toys = await start()
    for (let fall = 1; fall <= 5; fall++) {
      toys.system.kill('echo#2')
      await backAs(toys, 'echo#2', fall + 1)
    }
    expect(await say(toys, 'x')).toBe('1 one x')
    expect(await toys.system.stop()).toBe('clean')
  })

  test('a first start that fails rejects with its fault, and ends the pool', async () => {
    const failed = start({ failOnStart: true })
    const fault = { name: 'StartError', actor: 'echo', code: 'uncaught-exception' }
    await expect(failed).rejects.toMatchObject({ ...fault, message: 'cannot start' })
    await expect(start({ refuse: true })).rejects.toMatchObject({ code: 'bind-failed' })
  })

  test('a stop that all follow is clean, and one that hangs is ended at its deadline', async () => {
    expect(await (await start()).system.stop()).toBe('clean')
    const toys = await start({ hangOnStop: true })
    const beganMs = performance.now()
    expect(await toys.system.stop()).toBe('timed-out')
    expect(performance.now() - beganMs).toBeLessThan(7_000)
  })

  test('the scrape adds the threads of a role up, and keeps what a fallen one had counted', async () => {
    const toys = await start()
    for (let asked = 0; asked < 5; asked++) await say(toys, 'x')
    const sent = async () => {
      const text = await toys.system.metricsText()
      const line = /opengslb_messages_sent_total\{from="echo",to="tester"\} (\d+)/.exec(text)
      return [Number(line?.[1]), /opengslb_actor_up\{actor="echo#2"\} 1/.test(text)]
    }
    expect(await sent()).toEqual([5, true])
    toys.system.kill('echo')
    await backAs(toys, 'echo', 2)
    await until(async () => (await say(toys, 'x')) === '2 one x')
    const [count] = await sent()
    expect(count).toBeGreaterThanOrEqual(6)
  })
})
