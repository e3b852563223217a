// Goal: the dashboard follows the feed of the server through breaks, gaps and networks that take no
// sockets, and lives with answers that lack fields.
// Method: the built program, Debian's Chromium, and in front of some endpoints a feed that a test
// tells what to say.
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { looking as look, startBrowser } from '../harness/browser.ts'
import { offer, ToldFeed } from '../harness/dashboard-feed.ts'
import * as world from '../harness/dashboard-world.ts'
import { has } from '../harness/tools.ts'

const { addresses, STATIC_NAME } = world

let deployment: world.DashboardWorld
let browser: Browser
let web = 0

const at = (hash: string) => `${deployment.url}/#/${hash}`

/** A page of the dashboard, before a feed of the test where one is given. */
const looking = (feed: ToldFeed | undefined, work: (page: Page) => Promise<void>) =>
  look(browser, deployment.url, { prepare: async (page) => feed?.stand(page) }, work)

async function drainOf(address: string): Promise<string | undefined> {
  const told = (await deployment.get('/api/v1/overwatch/backends')) as {
    backends: { address: string; drain_id?: string }[]
  }
  return told.backends.find((one) => one.address === address)?.drain_id
}

describe.runIf(has('chromium'))('the dashboard and its feed', () => {
  beforeAll(async () => {
    deployment = await world.startDashboardWorld()
    web = deployment.backends[0]!.port
    browser = await startBrowser()
  }, 60_000)

  afterAll(async () => {
    await browser?.close()
    await deployment?.stop()
  })

  test('events arrive live, are filtered, and stand still while paused', async () => {
    const feed = new ToldFeed()
    feed.tell({ topic: 'config', kind: 'topology-compiled', data: { epoch: 1 } })
    await looking(feed, async (page) => {
      await page.goto(at('events'))
      await page.getByText('topology compiled').waitFor()
      await page.getByText('Live').waitFor()
      feed.tell({ topic: 'drain', kind: 'started', service: STATIC_NAME, data: { drain: 'd-1' } })
      await page.getByText('d-1').waitFor()
      await page.getByRole('button', { name: 'Pause' }).click()
      feed.tell({ topic: 'alarm', kind: 'guard-held', data: { reason: 'a new one' } })
      const goOn = page.getByRole('button', { name: 'Go on (1 new)' })
      await goOn.waitFor()
      expect(await page.getByText('a new one').count()).toBe(0)
      await goOn.click()
      await page.getByText('a new one').waitFor()
      await page.getByLabel('Filter').fill('d-1')
      expect(await page.locator('.event-line').count()).toBe(1)
      await page.getByLabel('Filter').fill('')
      await page.getByRole('checkbox', { name: 'alarm' }).uncheck()
      expect(await page.getByText('a new one').count()).toBe(0)
    })
  })

  test('after a break the feed goes on from the last number, without a double', async () => {
    const feed = new ToldFeed()
    const tell = (text: string) =>
      feed.tell({ topic: 'gossip', kind: 'member-joined', data: { member: text } })
    await looking(feed, async (page) => {
      await page.goto(at('events'))
      tell('first')
      await page.getByText('first').waitFor()
      await feed.hangUp()
      tell('missed')
      await page.getByText('missed').waitFor()
      expect(feed.asked.map(({ query }) => query.get('from'))).toEqual([null, '2'])
      tell('later')
      await page.getByText('later').waitFor()
      const numbers = await page.locator('.event-line .number').allTextContents()
      expect(numbers).toEqual(['#3', '#2', '#1'])
      feed.say({ type: 'gap', from: 4, to: 9, reason: 'expired' })
      await page.getByText('6 events cannot be told any more').waitFor()
    })
  })

  test('where no socket is taken the same events come by polling', async () => {
    const feed = new ToldFeed()
    feed.takes = false
    await looking(feed, async (page) => {
      await page.goto(at('events'))
      await page.getByText('Polling').waitFor()
      feed.tell({ topic: 'config', kind: 'reloaded', data: { reloads: 1 } })
      await page.locator('.event-line', { hasText: 'reloaded' }).waitFor()
    })
  })

  test('the events of the server itself arrive without a reload', async () => {
    const { endpoints } = (await deployment.get('/api/v1')) as { endpoints: { path: string }[] }
    const hasFeed = endpoints.some(({ path }) => path === '/api/v1/events')
    await looking(undefined, async (page) => {
      await page.goto(at(hasFeed ? 'events' : 'overview'))
      if (hasFeed) await page.getByText('Live').waitFor()
      const order = { service: STATIC_NAME, address: addresses[1], port: web, reason: 'by hand' }
      expect(await deployment.send('POST', '/api/v1/drains', order)).toBe(201)
      // With a feed as an event, without one by the next reading.
      const sign = hasFeed ? page.locator('.event-line', { hasText: 'drain' }) : undefined
      await (sign ?? page.getByText('1 drain under way')).first().waitFor()
      const id = await drainOf(addresses[1])
      expect(await deployment.send('DELETE', `/api/v1/drains/${id}`)).toBe(204)
    })
  })

  test('a field that is missing, or of another kind, costs that field alone', async () => {
    await looking(undefined, async (page) => {
      await offer(page, ['/api/v1/domains', '/api/v1/metrics', '/api/v1/dnssec/status'])
      await page.route(/\/domains$/, (route) => route.fulfill({ json: { domains: [{}, 7] } }))
      await page.route(/\/metrics$/, (route) => route.fulfill({ json: { overview: { cpu: 'x' } } }))
      await page.route(/\/dnssec\/status$/, (route) => route.fulfill({ json: ['?'] }))
      await page.route(/\/drains$/, (route) => route.fulfill({ body: 'not JSON' }))
      await page.reload()
      for (const hash of ['overview', 'domains', 'dnssec', 'drains', 'cluster', 'backends/x']) {
        await page.goto(at(hash))
        await page.locator('.panel').first().waitFor()
      }
    })
  })
})
