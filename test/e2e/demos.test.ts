/**
 * Goal: the demos hold what they tell their reader, by the very scripts and files that he gets.
 * Method: `npm run demo -- N`, whose hosts are network namespaces; it ends with 0 only where each
 * expectation of the script came true. What a container engine adds is left: images that build,
 * ports of the host, a login by SSH.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { projectRoot } from '../harness/program.ts'
import { has } from '../harness/tools.ts'

const isFull = process.env['OPENGSLB_FULL'] === '1'
const isPossible =
  process.getuid?.() === 0 &&
  has('ip', 'unshare', 'nsenter', 'dig', 'curl', 'nginx', 'jq', 'c++') &&
  existsSync('/dev/net/tun')

function demo(number: string): { readonly status: number | null; readonly output: string } {
  const words = [join(projectRoot, 'scripts', 'demo.mjs'), number]
  const done = spawnSync(process.execPath, words, { encoding: 'utf8', timeout: 200_000 })
  return { status: done.status, output: `${done.stdout}${done.stderr}` }
}

const namespaces = () => spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' }).stdout

/** Some minutes in all. */
function longDemos(): void {
  test('demo 3: the server that answers fastest is served', () => {
    const { status, output } = demo('3')
    expect(output).toContain('ok: webapp2 is served: 10.30.0.22')
    expect(output).toContain('ok: webapp3 is served: 10.30.0.23')
    expect([status, output.includes('FAILED')]).toEqual([0, false])
  }, 220_000)

  test('demo 5: a server whose processor is busy is drained before it fails', () => {
    const { status, output } = demo('5')
    expect(output).toContain('ok: backend-3 is out: 10.50.0.21 10.50.0.22')
    expect(output).toContain('ok: its health check passes')
    expect(output).toContain('ok: backend-3 is back: 10.50.0.21 10.50.0.22 10.50.0.23')
    expect([status, output.includes('FAILED')]).toEqual([0, false])
  }, 220_000)

  test('demo 6: clients are sent where their own connections are quick', () => {
    const { status, output } = demo('6')
    expect(output).toMatch(/ok: 10\.1\.2\.0\/24 to eu-west: 8\d[.\d]* ms/)
    expect(output).toContain('ok: East US is sent to Europe: 10.2.1.10')
    expect(output).toContain('ok: Asia is served in Asia: 10.3.1.10')
    expect([status, output.includes('FAILED')]).toEqual([0, false])
  }, 220_000)
}

describe.runIf(isPossible)('in network namespaces', () => {
  test('demo 1: a stopped web server leaves DNS, and returns', () => {
    const { status, output } = demo('1')
    expect(output).toContain('ok: webapp2 is out: 10.10.0.21 10.10.0.23')
    expect(output).toContain('ok: webapp2 is back: 10.10.0.21 10.10.0.22 10.10.0.23')
    expect([status, output.includes('FAILED')]).toEqual([0, false])
  }, 220_000)

  test('demo 2: a drained web server leaves DNS while it works, and no visit fails', () => {
    const { status, output } = demo('2')
    for (const line of ['✓ Overwatch DNS responding', '✓ All agents connected'])
      expect(output).toContain(line)
    expect(output).toContain('6 passed, 0 failed, 1 warnings')
    expect(output).toContain('ok: webapp2 is out of DNS: 10.20.0.21 10.20.0.23')
    expect(output).toContain('ok: its health check still passes')
    // What the reader types on the host: the file, the process, the log.
    expect(output).toMatch(/^-rw.* \/tmp\/drain$/m)
    expect(output).toMatch(/^\d+ opengslb/m)
    expect(output).toMatch(/^drain: the agent stops, nginx goes on$/m)
    expect(output).toMatch(/# \d+ visits during the drain, 0 of them failed/)
    expect([status, output.includes('FAILED')]).toEqual([0, false])
  }, 220_000)

  test('demo 4: each client is sent to a server of its region', () => {
    const { status, output } = demo('4')
    expect(output).toContain('ok: the London data centre: 172.28.0.51')
    expect(output).toContain('ok: nowhere known either: 172.28.0.11 172.28.0.12')
    expect([status, output.includes('FAILED')]).toEqual([0, false])
  }, 220_000)

  if (isFull) longDemos()

  test('nothing of a lab is left', () => {
    expect(namespaces()).not.toMatch(/^lab/m)
  })
})

test('a demo that does not run here is named as such', () => {
  const { status, output } = demo('9')
  expect([status, output]).toEqual([1, expect.stringMatching(/no demo 9 runs here.*1 2/)])
})
