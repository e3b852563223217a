/**
 * Goal: an actor whose thread stands still is back within its bound, also where the thread cannot
 * be ended, and what it was asked meanwhile ends.
 * Method: toy actors on the built runtime, one of which loops for ever or reads a pipe that nobody
 * writes to.
 */
import { execFileSync } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { echoCatalogue } from '../harness/threads/catalogue.ts'
import { startToys, type ThreadedToys, until } from '../harness/threads/system.ts'

const watch = { beatMs: 50, silentBeats: 10, endMs: 200 }

let folder: string
let pipe: string
let toys: ThreadedToys
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'opengslb-still-'))
  pipe = join(folder, 'pipe')
  execFileSync('mkfifo', [pipe])
})
afterEach(async () => {
  // A writer that comes and goes lets a reader that is left behind go on, and so come to its end.
  const isRead = () => {
    try {
      closeSync(openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK))
      return true
    } catch {
      return false
    }
  }
  isRead()
  await toys.system.stop()
  rmSync(folder, { recursive: true })
})

const echoOf = () => toys.system.states().find(({ name }) => name === 'echo')
const say = (text: string, timeoutMs = 2_000) => toys.ctx.ask('tester.say', { text }, timeoutMs)

for (const [what, pooled, word] of [
  ['a thread of its own that loops', false, () => 'spin'],
  ['a thread of its own that waits in native code', false, () => `read ${pipe}`],
  ['a thread of the pool that waits in native code', true, () => `read ${pipe}`],
] as const)
  test(`kernel: the actor of ${what} is started again elsewhere`, async () => {
    const configs = { tester: {}, echo: { words: 'hello', pooled } }
    toys = await startToys(echoCatalogue, configs, '/dev/null', watch)
    await until(() => echoOf()?.state === 'running')
    const asked = say(word(), 20_000)
    // Whoever waits for it is told, as of any other fall.
    expect(await asked).toEqual({ ok: false, error: { code: 'peer-down' } })
    await until(() => echoOf()?.incarnation === 2 && echoOf()?.state === 'running')
    expect(await say('again')).toEqual({ ok: true, value: { text: '2 hello again' } })
    const fell = toys.logs.find(({ message }) => message === 'actor fell')
    expect(fell?.fields).toMatchObject({ actor: 'echo', code: 'stands-still' })
    const isLeft = toys.logs.some(({ message }) => message.includes('left behind'))
    expect(isLeft).toBe(word() !== 'spin')
    const scraped = await toys.system.metricsText()
    expect(scraped).toContain('opengslb_actor_stood_still_total{actor="echo"} 1')
  })
