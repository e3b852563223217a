// Goal: the site of the documentation opens without a server, on a phone and on a wide screen,
// light and dark; its search finds what is written; it asks nobody for anything.
// Method: the site is made and opened in Chromium from the disk.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { accessibilityFaults, openPage, overflows, startBrowser } from '../harness/browser.ts'
import { has } from '../harness/tools.ts'

const script = new URL('../../scripts/site.mjs', import.meta.url).href
const out = join(mkdtempSync(join(tmpdir(), 'opengslb-site-')), 'site')
const { writeSite } = (await import(script)) as { writeSite(out: string): unknown }

let browser: Browser

/** Opens a page of the site; at its end it had no fault and asked no host for anything. */
async function looking(
  place: string,
  wish: { width: number; dark?: boolean },
  work: (page: Page) => Promise<void>,
) {
  const { page, faults, hosts, close } = await openPage(browser, {
    viewport: { width: wish.width, height: 900 },
    colorScheme: wish.dark === true ? 'dark' : 'light',
  })
  try {
    await page.goto(pathToFileURL(join(out, place)).href)
    await work(page)
    expect(faults).toEqual([])
    // What lies on the disk has no host.
    expect([...hosts]).toEqual([''])
    // Last, since axe itself reads the style sheet in a way that a page from a disk may not.
    expect(await accessibilityFaults(page)).toEqual([])
  } finally {
    await close()
  }
}

describe.runIf(has('chromium'))('the documentation as a site', () => {
  beforeAll(async () => {
    writeSite(out)
    browser = await startBrowser()
  }, 30_000)
  afterAll(async () => {
    await browser?.close()
    rmSync(join(out, '..'), { recursive: true, force: true })
  })

  for (const dark of [false, true])
    for (const width of [400, 1_400])
      test(`fits ${width} pixels and can be read by all, ${dark ? 'dark' : 'light'}`, async () => {
        await looking('docs/operations/troubleshooting.html', { width, dark }, async (page) => {
          expect(await overflows(page)).toBe(false)
          const back = await page.evaluate('getComputedStyle(document.body).backgroundColor')
          expect(back).toBe(dark ? 'rgb(18, 22, 28)' : 'rgb(255, 255, 255)')
        })
      })

  test('a word that is searched leads to its section', async () => {
    await looking('index.html', { width: 1_200 }, async (page) => {
      await page.keyboard.press('/')
      await page.keyboard.type('misspelt-nowhere')
      await page.getByText('Nothing was found.').waitFor()
      await page.fill('#q', 'drain never safe')
      await page.locator('#found a').first().waitFor()
      await page.keyboard.press('Enter')
      await page.waitForURL(/troubleshooting\.html#a-drain-never-becomes-safe$/)
      expect(await page.locator('h1').textContent()).toContain('Troubleshooting')
    })
  })

  test('what was found stands under the search of a phone, not over it', async () => {
    await looking('index.html', { width: 400 }, async (page) => {
      await page.fill('#q', 'geo update')
      await page.locator('#found a').first().waitFor()
      const [search, found] = [page.locator('#q'), page.locator('#found')]
      const [above, below] = [await search.boundingBox(), await found.boundingBox()]
      expect(below?.y).toBeGreaterThanOrEqual((above?.y ?? 0) + (above?.height ?? 0))
      expect(await overflows(page)).toBe(false)
    })
  })

  test('the menu of a phone is closed, and leads everywhere', async () => {
    await looking('docs/guides/overwatch.html', { width: 400, dark: true }, async (page) => {
      const link = page.getByRole('link', { name: 'Backup and restore', exact: true }).first()
      expect(await link.isVisible()).toBe(false)
      await page.getByText('Pages', { exact: true }).click()
      await link.click()
      await page.waitForURL(/backup\.html$/)
    })
  })
})
