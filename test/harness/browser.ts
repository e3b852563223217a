/**
 * Debian's Chromium, driven from a test: each page with its own record of what went wrong in it.
 */
import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { expect } from 'vitest'

const axeSource = readFileSync(
  createRequire(import.meta.url).resolve('axe-core/axe.min.js'),
  'utf8',
)

export async function startBrowser(): Promise<Browser> {
  const executablePath = execFileSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' })
  return chromium.launch({
    executablePath: executablePath.trim(),
    // Root, as in a container, has no sandbox; nothing but our own pages is opened.
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  })
}

export interface Watched {
  readonly page: Page
  /** Errors of the console, exceptions, and violations of the Content-Security-Policy. */
  readonly faults: string[]
  /** Hosts that anything was asked of. */
  readonly hosts: Set<string>
  close(): Promise<void>
}

/** A page in a context of its own; nothing of others is stored in it. */
export async function openPage(browser: Browser, options: BrowserContextOptions): Promise<Watched> {
  const context = await browser.newContext(options)
  const page = await context.newPage()
  page.setDefaultTimeout(15_000)
  const faults: string[] = []
  const hosts = new Set<string>()
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning')
      faults.push(`${message.type()}: ${message.text()} (${message.location().url})`)
  })
  page.on('pageerror', (error) => faults.push(`exception: ${error.message}`))
  page.on('request', (request) => hosts.add(new URL(request.url()).host))
  return { page, faults, hosts, close: () => context.close() }
}

interface AxeResult {
  readonly violations: readonly {
    readonly id: string
    readonly impact: string
    readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[]
  }[]
}

/** What axe finds wrong in the page as it is, one line each; minor faults too. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  // Through the debugger, for the page's own policy admits no foreign script.
  await page.evaluate(axeSource)
  const run = 'axe.run(document, { resultTypes: ["violations"] })'
  const { violations } = (await page.evaluate(run)) as AxeResult
  return violations.flatMap(({ id, impact, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${impact} ${id}: ${html} ${failureSummary}`),
  )
}

/** Whether the page is wider than its window, or a field sticks out of its panel. */
export const overflows = (page: Page): Promise<boolean> =>
  page.evaluate(`document.documentElement.scrollWidth > window.innerWidth ||
    [...document.querySelectorAll('main section :is(input, select)')].some((field) =>
      field.getBoundingClientRect().right >
        field.closest('section').getBoundingClientRect().right)`)

export interface Wish {
  readonly width?: number
  readonly dark?: boolean
  /** Without motion. */
  readonly still?: boolean
  /** What stands between the page and the server. */
  readonly prepare?: (page: Page) => Promise<unknown>
}

/** A page of the dashboard; at its end it had no fault and asked nobody but its server. */
export async function looking(
  browser: Browser,
  url: string,
  wish: Wish,
  work: (page: Page) => Promise<void>,
): Promise<void> {
  const { page, faults, hosts, close } = await openPage(browser, {
    viewport: { width: wish.width ?? 1280, height: 800 },
    colorScheme: wish.dark === true ? 'dark' : 'light',
    reducedMotion: wish.still === true ? 'reduce' : 'no-preference',
  })
  try {
    await wish.prepare?.(page)
    await page.goto(url)
    await page.locator('.node strong').filter({ hasText: /./ }).waitFor()
    await work(page)
    expect(faults).toEqual([])
    expect([...hosts]).toEqual([new URL(url).host])
  } finally {
    await close()
  }
}
