// Goal: an operator does with the dashboard what it is for: sees what is wrong and why, gives each
// order and sees it take effect, by mouse or keyboard, on a phone or a wall, without one error in
// the console and without anything that axe finds wrong.
// Method: the built program with an agent beside a fourth backend, and Debian's Chromium.
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  accessibilityFaults,
  looking as look,
  openPage,
  overflows,
  startBrowser,
  type Wish,
} from '../harness/browser.ts'
import { standFigures, ToldFeed } from '../harness/dashboard-feed.ts'
import * as world from '../harness/dashboard-world.ts'
import { until } from '../harness/program.ts'
import { has } from '../harness/tools.ts'

const { addresses, API_TOKEN, STATIC_NAME } = world
const shots = process.env['OPENGSLB_SCREENSHOTS'] === '1'

let deployment: world.DashboardWorld
let browser: Browser
let web = 0

const keyOf = (address: string) => `${STATIC_NAME}:${address}:${web}`
const at = (hash: string) => `${deployment.url}/#/${hash}`
const backendPage = (address: string) => at(`backends/${encodeURIComponent(keyOf(address))}`)

/** Views and a text that shows that each has its data. */
const views = (): [name: string, hash: string, sign: string][] => [
  ['overview', 'overview', 'Where traffic goes'],
  ['backends', 'backends', '4 backends'],
  ['backend', `backends/${encodeURIComponent(keyOf(addresses[0]))}`, 'Operator override'],
  ['drains', 'drains', 'safe to stop'],
  ['why', 'why', 'Why this answer'],
  ['events', 'events', 'Pause'],
  ['domains', 'domains', '2 domains'],
  ['agents', 'agents', '1 agent'],
  ['gossip', 'gossip', '2 members'],
  ['cluster', 'cluster', 'Live overwatches'],
]

const looking = (wish: Wish, work: (page: Page) => Promise<void>) =>
  look(browser, deployment.url, wish, work)

const filled = async (page: Page, reason?: string) => {
  const dialog = page.getByRole('dialog')
  // Whether it asks for a token can be told once it is there.
  await dialog.waitFor()
  if (reason !== undefined) await dialog.getByLabel('Reason').fill(reason)
  const secret = dialog.getByLabel('Token')
  if (await secret.isVisible()) await secret.fill(API_TOKEN)
  await dialog.locator('button[type=submit]').click()
  await dialog.waitFor({ state: 'hidden' })
}

interface BackendRow {
  readonly address: string
  readonly effective_status: string
  readonly override_by?: string
  readonly override_reason?: string
  readonly drain_id?: string
}

async function backend(address: string): Promise<BackendRow> {
  const told = (await deployment.get('/api/v1/overwatch/backends')) as { backends: BackendRow[] }
  return told.backends.find((one) => one.address === address)!
}

describe.runIf(has('chromium'))('the dashboard in a browser', () => {
  beforeAll(async () => {
    deployment = await world.startDashboardWorld()
    web = deployment.backends[0]!.port
    browser = await startBrowser()
  }, 60_000)

  afterAll(async () => {
    await browser?.close()
    await deployment?.stop()
  })

  describe.each([
    ['light, 1,280 px', { width: 1280 }],
    ['dark, 1,920 px', { width: 1920, dark: true }],
    ['light, 400 px, without motion', { width: 400, still: true }],
    ['dark, 400 px', { width: 400, dark: true }],
  ] as const)('%s', (_title, wish) => {
    test('every view shows its data, fits, and passes axe', { timeout: 60_000 }, async () => {
      const prepare = async (page: Page) => {
        await standFigures(page)
        await new ToldFeed().stand(page)
      }
      await looking({ ...wish, prepare }, async (page) => {
        for (const [name, hash, sign] of views()) {
          await page.goto(at(hash))
          await page.getByText(sign, { exact: false }).first().waitFor()
          expect([name, await overflows(page)]).toEqual([name, false])
          expect([name, await accessibilityFaults(page)]).toEqual([name, []])
        }
      })
    })
  })

  test('where traffic goes is told by the answers of each backend', {
    timeout: 60_000,
  }, async () => {
    await looking({}, async (page) => {
      await page.goto(at('overview'))
      const table = page.getByRole('table', { name: 'Where traffic goes, by backend' })
      await table.getByText('Answers a second').waitFor({ timeout: 40_000 })
      const rows = await table.getByRole('row').allTextContents()
      // Of the servers that answers were given with, one at least has a share.
      expect(rows.some((row) => /[1-9][0-9.]*\s?%/.test(row))).toBe(true)
    })
  })

  test('views that this server has nothing for are not there, nor asked for', async () => {
    await looking({}, async (page) => {
      const links = await page.getByRole('navigation').getByRole('link').allTextContents()
      const { endpoints } = (await deployment.get('/api/v1')) as { endpoints: { path: string }[] }
      const offered = (path: string) => endpoints.some((one) => one.path === path)
      expect(links.some((text) => text.startsWith('DNSSEC'))).toBe(offered('/api/v1/dnssec/status'))
      expect(links.some((text) => text.startsWith('Events'))).toBe(offered('/api/v1/events'))
      await page.goto(at('nowhere'))
      await page.getByText('no such view').waitFor()
    })
  })

  test('an override is set with a token and a reason, told of, and cleared', async () => {
    await looking({}, async (page) => {
      await page.goto(backendPage(addresses[0]))
      await page.getByRole('button', { name: 'Force unhealthy' }).click()
      await filled(page, 'bad disk')
      await page.getByText('Forced unhealthy.').waitFor()
      await page.getByText('bad disk').waitFor()
      expect(await backend(addresses[0])).toMatchObject({
        effective_status: 'unhealthy',
        override_reason: 'bad disk',
      })
      const decided = page.locator('.layers .decided')
      expect(await decided.textContent()).toContain('Operator override')
      await page.getByRole('button', { name: 'Clear override' }).click()
      // The token is known by now and is not asked for again.
      expect(await page.getByRole('dialog').getByLabel('Token').count()).toBe(0)
      await filled(page)
      await page.getByText('Override cleared.').waitFor()
      await page.getByRole('button', { name: 'Clear override' }).waitFor({ state: 'hidden' })
      await page.getByRole('button', { name: 'Force healthy' }).click()
      await filled(page, 'seen to work')
      await page.getByText('Forced healthy.').waitFor()
      await page.getByRole('button', { name: 'Clear override' }).click()
      await filled(page)
      await page.getByText('Override cleared.').waitFor()
      expect((await backend(addresses[0])).override_by).toBeUndefined()
    })
  })

  test('a drain is declared, followed until it may be stopped, and ended', async () => {
    await looking({}, async (page) => {
      await page.goto(backendPage(addresses[1]))
      await page.getByRole('button', { name: 'Drain' }).click()
      await page.getByRole('dialog').getByLabel('Lasts').selectOption('3600')
      await filled(page, 'kernel update')
      await page.getByText('Drain declared.').waitFor()
      expect(await backend(addresses[1])).toMatchObject({ effective_status: 'draining' })
      await page.goto(at('drains'))
      const card = page.locator('.card')
      await card.getByText('kernel update').waitFor()
      await card.locator('.badge').waitFor()
      await card.getByRole('button', { name: 'End drain' }).click()
      await filled(page)
      await page.getByText('Nothing drains.').waitFor()
      expect((await backend(addresses[1])).drain_id).toBeUndefined()
    })
  })

  test('a check is made at once', async () => {
    await looking({}, async (page) => {
      await page.goto(backendPage(addresses[0]))
      await page.getByRole('button', { name: 'Check now' }).click()
      await filled(page)
      await page.getByText('A check is under way.').waitFor()
    })
  })

  test('a backend that fails is an alarm, with the layer that decided', async () => {
    deployment.backends[2]!.status.set('/health', 503)
    await looking({}, async (page) => {
      const alarm = page.getByRole('link', { name: '1 backend unhealthy' })
      await alarm.waitFor()
      expect(await page.getByRole('log').textContent()).toContain('1 backend unhealthy')
      await alarm.click()
      await page.getByText('1 of 4 backends').waitFor()
      await page.getByRole('link', { name: addresses[2] }).click()
      await page.locator('.layers .decided', { hasText: 'Health checks' }).waitFor()
      await page.getByText('503').first().waitFor()
    })
    deployment.backends[2]!.status.delete('/health')
    const healthy = async () => (await backend(addresses[2])).effective_status === 'healthy'
    await until('it is healthy again', healthy)
  })

  test('the list of backends is filtered by text and state', async () => {
    await looking({}, async (page) => {
      await page.goto(at('backends'))
      await page.getByText('4 backends').waitFor()
      await page.getByLabel('Filter').fill('us-east')
      await page.getByText('1 of 4 backends').waitFor()
      expect(await page.locator('tbody tr').count()).toBe(1)
      await page.getByLabel('State').selectOption('stale')
      await page.getByText('No backend fits the filter.').waitFor()
    })
  })

  test('the why-box names every candidate with a reason', async () => {
    await looking({}, async (page) => {
      await page.goto(at('why'))
      await page.getByLabel('Name').fill(STATIC_NAME)
      await page.getByLabel('Client').fill('192.0.2.7')
      await page.getByRole('button', { name: 'Explain' }).click()
      await page.getByText('A backend is selected.').waitFor()
      expect(await page.locator('tbody tr').count()).toBe(3)
      const reasons = await page.locator('tbody tr td:last-child').allTextContents()
      expect(reasons.every((text) => text.length > 5)).toBe(true)
    })
  })

  test('the keyboard reaches everything: skip link, views, a dialog, Escape', async () => {
    await looking({}, async (page) => {
      await page.keyboard.press('Tab')
      expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to content')
      await page.keyboard.press('Enter')
      expect(await page.evaluate('document.activeElement.id')).toBe('main')
      await page.goto(backendPage(addresses[0]))
      const drain = page.getByRole('button', { name: 'Drain' })
      await drain.focus()
      await page.keyboard.press('Enter')
      await page.getByRole('dialog').waitFor()
      expect(await page.evaluate('document.activeElement.name')).toBe('reason')
      expect(await accessibilityFaults(page)).toEqual([])
      await page.keyboard.press('Escape')
      await page.getByRole('dialog').waitFor({ state: 'hidden' })
      expect(await page.evaluate('document.activeElement.textContent')).toBe('Drain')
    })
  })

  test('colours follow the system until chosen, and the choice is kept', async () => {
    const shown = (page: Page) => page.evaluate('document.documentElement.dataset.theme')
    await looking({ dark: true }, async (page) => {
      expect(await shown(page)).toBe('dark')
      await page.getByRole('button', { name: /^Colours/ }).click()
      expect(await shown(page)).toBe('light')
      await page.reload()
      await page.getByText('ow-frankfurt-1').first().waitFor()
      expect(await shown(page)).toBe('light')
    })
  })

  test('a token stays in the tab, and a wrong one is asked for again', async () => {
    const { page, close } = await openPage(browser, { viewport: { width: 1280, height: 800 } })
    await page.goto(backendPage(addresses[0]))
    await page.getByRole('button', { name: 'Drain' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Reason').fill('a try')
    await dialog.getByLabel('Token').fill('not the token that is asked')
    await dialog.locator('button[type=submit]').click()
    await dialog.getByRole('alert').getByText('token').waitFor()
    expect(await page.evaluate('sessionStorage.length + localStorage.length')).toBe(0)
    await dialog.getByLabel('Token').fill(API_TOKEN)
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('button', { name: 'No token' }).click()
    await page.getByRole('dialog').getByLabel('Token').fill(API_TOKEN)
    await page.getByRole('button', { name: 'Use it' }).click()
    await page.getByRole('button', { name: 'Token set' }).click()
    expect(await page.evaluate('Object.values(sessionStorage)')).toEqual([API_TOKEN])
    expect(await page.evaluate('localStorage.length + document.cookie.length')).toBe(0)
    await page.getByRole('button', { name: 'Forget the token' }).click()
    expect(await page.evaluate('sessionStorage.length')).toBe(0)
    await close()
  })

  const picture = shots ? test : () => {}
  picture('pictures for the guide', { timeout: 120_000 }, async () => {
    const order = { service: STATIC_NAME, address: addresses[1], port: web, reason: 'new kernel' }
    await deployment.send('POST', '/api/v1/drains', { ...order, expires_in_seconds: 3_600 })
    deployment.backends[2]!.status.set('/health', 503)
    const unwell = async () => (await backend(addresses[2])).effective_status === 'unhealthy'
    await until('one is unhealthy', unwell)
    const take = async (page: Page, name: string) => {
      await page.screenshot({ path: `docs/img/dashboard-${name}.png`, scale: 'css' })
    }
    const names = new Set(['overview', 'backends', 'backend', 'drains', 'why', 'events'])
    await looking({}, async (page) => {
      // So that the plots have something to draw.
      await page.waitForTimeout(20_000)
      for (const [name, hash, sign] of views().filter(([view]) => names.has(view))) {
        const shown = name === 'backend' ? backendPage(addresses[1]) : at(hash)
        await page.goto(shown)
        const isThere = await page.getByText('no such view').count()
        if (isThere > 0) continue
        await page.getByText(sign, { exact: false }).first().waitFor()
        if (name === 'why') await page.getByRole('button', { name: 'Explain' }).click()
        await page.waitForTimeout(700)
        await take(page, name)
      }
    })
    const plain = async (page: Page, name: string) => {
      await page.waitForTimeout(6_000)
      await take(page, name)
    }
    await looking({ dark: true }, (page) => plain(page, 'dark'))
    await looking({ width: 400 }, (page) => plain(page, 'phone'))
  })
})
