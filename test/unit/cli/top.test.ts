// Goal: `top` draws what needs a look first, and gives the terminal back however it ends.
import { afterEach, describe, expect, test } from 'vitest'
import { cut } from '../../../src/cli/screen.ts'
import { frameOf, type View } from '../../../src/cli/top-frame.ts'
import { cli, fakeApi, fakeTerminal } from './run.ts'

const apis: { close(): void }[] = []
afterEach(() => {
  for (const api of apis.splice(0)) api.close()
})

const backend = (address: string, effective_status: string) => ({
  ...{ service: 'app', address, port: 80, region: 'eu', effective_status, cause: 'validation' },
  ...{ serving: effective_status === 'healthy', share: 1, latency_ms: 1.25 },
})

const stats = {
  ...{ total_backends: 2, healthy_backends: 1, active_overrides: 0, active_agents: 1 },
  unique_services: 1,
}
const drain = { id: 'd', backend: 'app:10.0.0.9:80', safe: false, why: '3 connections remain' }

async function api() {
  const found = await fakeApi({
    'GET /api/health': { status: 'healthy', version: '2.0.0', uptime_seconds: 61 },
    'GET /api/v1/ready': { ready: true, dns_ready: true, health_ready: true },
    'GET /api/v1/overwatch/stats': stats,
    'GET /api/v1/overwatch/backends?layers=false': {
      backends: [backend('10.0.0.1', 'healthy'), backend('10.0.0.2', 'unhealthy')],
    },
    'GET /api/v1/drains': { drains: [drain] },
  })
  apis.push(found)
  return found
}

const ENTER = '\u001b[?1049h\u001b[?25l'
const LEAVE = '\u001b[?25h\u001b[?1049l'

describe('top', () => {
  test('without a terminal it prints snapshots, the sick backend first', async () => {
    const { run } = await api()
    const { code, out } = await run('top', '--count', '2', '--interval', '50ms')
    expect(code).toBe(0)
    expect(out.match(/^OpenGSLB 2\.0\.0 /gm)).toHaveLength(2)
    expect(out).toMatch(/^app +10\.0\.0\.2:80 +eu +unhealthy .*\napp +10\.0\.0\.1:80 +eu +healthy/m)
    expect(out).toMatch(/^app:10\.0\.0\.9:80 +no +3 connections remain$/m)
    expect(out).not.toContain('\u001b')
  })

  for (const key of ['q', '\u0003'])
    test(`on a terminal it has a screen of its own, until ${JSON.stringify(key)}`, async () => {
      const { url } = await api()
      const terminal = fakeTerminal(60, 12)
      terminal.once(
        () => terminal.written().includes('unhealthy'),
        () => terminal.press(key),
      )
      const exits = process.listenerCount('exit')
      const { code } = await cli(['--api', url, 'top', '--interval', '40ms'], {}, { terminal })
      expect(code).toBe(0)
      const written = terminal.written()
      expect(written.startsWith(ENTER)).toBe(true)
      expect(written.endsWith(LEAVE)).toBe(true)
      expect(written.split(LEAVE)).toHaveLength(2)
      expect(process.listenerCount('exit')).toBe(exits)
      // Colour on a terminal; no line is wider than it.
      expect(written).toContain('\u001b[31munhealthy\u001b[0m')
      const frames = written.split('\u001b[H').join('\r\n')
      const lines = frames.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '').split('\r\n')
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60)
    })

  test('NO_COLOR holds on a terminal too', async () => {
    const { url } = await api()
    const terminal = fakeTerminal()
    await cli(['--api', url, 'top', '--count', '1'], { NO_COLOR: '1' }, { terminal })
    expect(terminal.written()).not.toMatch(/\u001b\[[0-9]+m/)
  })

  test('an API that goes away is told, and the last picture stays', async () => {
    const found = await api()
    const terminal = fakeTerminal()
    terminal.once(() => terminal.written().includes('10.0.0.2:80'), found.close)
    terminal.once(
      () => terminal.written().includes('this is of'),
      () => terminal.press('q'),
    )
    expect(
      (await cli(['--api', found.url, 'top', '--interval', '20ms'], {}, { terminal })).code,
    ).toBe(0)
    const last = terminal.written().split('\u001b[H').at(-1)!
    expect(last).toMatch(/Warning.*this is of .*failed to connect/)
    expect(last).toContain('10.0.0.2:80')
  })

  test('an API that is not there fails before the screen is taken', async () => {
    const terminal = fakeTerminal()
    const { code } = await cli(['--api', 'http://127.0.0.1:1', 'top'], {}, { terminal })
    expect([code, terminal.written()]).toEqual([3, ''])
  })
})

test('a frame fits its rows however many backends there are, and says how many it leaves out', () => {
  const health = { status: 'healthy', version: '2', uptime_seconds: 1 }
  const ready = { ready: true, dns_ready: true, health_ready: true }
  const status = { state: 'healthy', warnings: [], health, ready, stats, dnssec: null }
  const view: View = {
    ...{ api: 'x', at: 'now', status, drains: [], events: [], fault: '' },
    rates: { queries: 12, rcodes: { NOERROR: 11, SERVFAIL: 1, REFUSED: 0 } },
    backends: Array.from({ length: 1_000 }, (_, at) => backend(`10.0.0.${at}`, 'healthy')),
  }
  const lines = frameOf(view, 24, (text) => text)
  expect(lines.length).toBeLessThanOrEqual(24)
  expect(lines.at(-1)).toMatch(/^… and 9[0-9]+ more$/)
  expect(lines[1]).toContain('12/s (NOERROR 11, SERVFAIL 1)')
})

test('a line is cut by what is seen of it', () => {
  expect(cut('ab\u001b[31mcd\u001b[0mef', 3)).toBe('ab\u001b[31mc\u001b[0m')
})
