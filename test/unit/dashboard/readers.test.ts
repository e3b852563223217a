// Goal: one page asks little of the API, whatever happens and however slow it is, and nothing
// with a token that is refused. Method: the real readers in a browser that is a table of answers.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Browser, browserOf, newBrowser, openDashboard } from './world.ts'

const here = vi.hoisted(() => ({ browser: undefined as unknown }))
vi.mock('../../../src/dashboard/browser.ts', () => browserOf(() => here.browser as Browser))
vi.mock('preact/hooks', () => ({
  useEffect: (run: () => void) => run(),
  useState: () => [0, () => {}],
}))

const FEED = '/api/v1/events'
const RESOURCES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name) => `/api/v1/${name}`)
const endpoints = [...RESOURCES, FEED].map((path) => ({ path }))

let browser: Browser
beforeEach(() => {
  vi.useFakeTimers()
  browser = newBrowser()
  here.browser = browser
  browser.answer = () => ({ status: 200, value: { endpoints } })
})
afterEach(() => void vi.useRealTimers())

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

/** A page that shows all resources and follows the feed. */
async function open() {
  const { live, feed, ask } = await openDashboard()
  feed.follow()
  live.keepFresh()
  await pass(100)
  for (const path of RESOURCES) live.useLive(path)
  await pass(5_000)
  return { live, feed, ask }
}

describe('reading', () => {
  test.each([0, 100, 500, 1_500])('never overlaps, with answers after %i ms', async (answerMs) => {
    const { live } = await open()
    Object.assign(browser, { answerMs, mostInFlight: 0 })
    browser.asked.length = 0
    const timer = setInterval(() => live.nudge(), 100)
    await pass(30_000)
    clearInterval(timer)
    expect(browser.mostInFlight).toBe(1)
    const readings = browser.asked.filter(({ path }) => path === RESOURCES[0]).length
    // A reading and a second of rest; and those of the period, which are not nudged.
    const most = 30_000 / (1_000 + RESOURCES.length * answerMs) + 30_000 / 5_000 + 2
    expect(readings).toBeLessThanOrEqual(most)
    expect(readings).toBeGreaterThanOrEqual(30_000 / (2_000 + RESOURCES.length * answerMs) - 1)
  })

  test('whoever waits for it sees what was so when he asked', async () => {
    const { live } = await open()
    browser.answerMs = 50
    void live.refresh()
    browser.asked.length = 0
    let isOver = false
    void live.refresh().then(() => {
      isOver = true
    })
    await pass(450)
    expect(isOver).toBe(false)
    await pass(2_000)
    expect(isOver).toBe(true)
    expect(browser.asked.filter(({ path }) => path === RESOURCES[0])).toHaveLength(1)
  })

  test('word of what is answered has nothing read, other events have', async () => {
    await open()
    const { events } = browser.sockets.at(-1)!
    events.onOpen()
    const event = (topic: string) => ({
      ...{ type: 'event', number: 1, at: '2026-11-21T12:00:00.000Z', topic, kind: 'x', data: {} },
    })
    await pass(1_500)
    browser.asked.length = 0
    events.onText(JSON.stringify(event('delta')))
    await pass(1_500)
    expect(browser.asked).toEqual([])
    events.onText(JSON.stringify(event('health')))
    await pass(1_500)
    expect(browser.asked).toHaveLength(RESOURCES.length)
  })
})

describe('a token that is refused', () => {
  const refuseOld = (_path: string, token: string | undefined) =>
    token === 'new' ? { status: 200, value: { endpoints } } : { status: 401, value: {} }
  /** Sockets with a bad token fail at once, and the browser does not say why. */
  const failSockets = () => {
    for (const { protocols, events } of browser.sockets.splice(0))
      if (!protocols.includes(`bearer64.${btoa('new')}`)) events.onClose(1006, '')
  }

  test.each([true, false])('is tried a few times and no more, seen: %s', async (isVisible) => {
    const { live, feed, ask } = await open()
    ask.setToken('old')
    await pass(3_000)
    Object.assign(browser, { isVisible, answer: refuseOld })
    browser.asked.length = 0
    let tries = 0
    for (let second = 0; second < 600; second++) {
      tries += browser.sockets.length
      failSockets()
      await pass(1_000)
    }
    expect(tries + browser.asked.length).toBeLessThanOrEqual(4)
    expect(live.trouble.value).toBe('locked')
    browser.isVisible = true
    ask.setToken('new')
    await pass(1_000)
    expect(live.trouble.value).toBeUndefined()
    browser.sockets.at(-1)!.events.onOpen()
    expect(feed.mode.value).toBe('live')
  })

  test('says nothing of the one that took its place meanwhile', async () => {
    const { live, ask } = await open()
    ask.setToken('old')
    await pass(3_000)
    Object.assign(browser, { answer: refuseOld, answerMs: 200 })
    void live.refresh()
    await pass(100)
    ask.setToken('new')
    await pass(5_000)
    expect(live.trouble.value).toBeUndefined()
  })
})
