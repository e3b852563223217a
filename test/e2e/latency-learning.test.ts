// Goal: round-trip times of real TCP clients are learned by an agent and told by its overwatch:
// from short requests alone, and from kept connections. Method: client networks behind lines that
// delay, each in a network namespace; the built program as agent and overwatch beside the server.
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { GOSSIP_KEY, TOKEN } from '../harness/lab.ts'
import { Program, projectRoot, until } from '../harness/program.ts'
import { canDelay, SlowLines } from '../harness/slow-lines.ts'
import { output } from '../harness/tools.ts'

const WEB = 8_080
const API = 9_090
/** At full size only; elsewhere it is no test at all, and none that was skipped. */
const full = process.env['OPENGSLB_FULL'] === '1' ? test : () => undefined

interface Entry {
  readonly subnet: string
  readonly domain: string
  readonly region: string
  readonly rtt_ms: number
  readonly samples: number
}

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** A peer of the traffic in a namespace; it ends with the test. */
function peer(lines: SlowLines, space: string, ...words: readonly string[]): ChildProcess {
  const script = join(projectRoot, 'test', 'harness', 'line-peer.mjs')
  const [command, ...rest] = [...lines.inside(space), process.execPath, script, ...words]
  const child = spawn(command!, rest, { stdio: ['pipe', 'pipe', 'inherit'] })
  cleanups.push(() => child.kill('SIGKILL'))
  return child
}

const overwatchOf = (folder: string, persist: boolean) => `
mode: overwatch
dns: { listen_address: "127.0.0.1:5353", zones: [gslb.test] }
overwatch:
  identity: { node_id: ow1, region: eu }
  agent_tokens: { web: "${TOKEN}" }
  gossip: { bind_address: "127.0.0.1:7946", encryption_key: "${GOSSIP_KEY}", allowed_backends: [10.77.0.0/16] }
  learned_latency: { persist: ${persist} }
  data_dir: ${folder}/data
api: { enabled: true, address: "127.0.0.1:${API}" }
metrics: { enabled: false }
logging: { level: info, format: text }
`

function site(lines: SlowLines): { overwatch: Program; agent: Program } {
  const inside = lines.inside(lines.server)
  const overwatch = new Program('', inside)
  overwatch.configure(overwatchOf(overwatch.folder, true))
  const agent = new Program('', inside)
  agent.configure(`
mode: agent
agent:
  identity: { service_token: "${TOKEN}", region: eu, cert_path: ${agent.folder}/a.crt, key_path: ${agent.folder}/a.key }
  backends: [{ service: web, address: 10.77.1.1, port: ${WEB}, health_check: { type: tcp, interval: 1s, timeout: 500ms } }]
  gossip: { encryption_key: "${GOSSIP_KEY}", overwatch_nodes: ["127.0.0.1:7946"], bind_address: "127.0.0.1:0" }
  latency_learning: { enabled: true, poll_interval: 1s, min_connection_age: 1s, report_interval: 1s }
metrics: { enabled: true, address: "127.0.0.1:9091" }
logging: { level: info, format: text }
`)
  for (const program of [overwatch, agent]) {
    program.start()
    cleanups.push(() => program.remove())
  }
  return { overwatch, agent }
}

async function entriesOf(lines: SlowLines): Promise<readonly Entry[]> {
  const url = `http://127.0.0.1:${API}/api/v1/overwatch/latency`
  const [command, ...rest] = [...lines.inside(lines.server), 'curl', '-s', url]
  const text = await output(command!, rest)
  // Before the overwatch is up there is no answer, or one that says so.
  return text.startsWith('{') ? ((JSON.parse(text) as { entries?: Entry[] }).entries ?? []) : []
}

/** Each line's round-trip time is learned within a tenth or 0.7 ms, whichever is more. */
async function learns(rtts: readonly number[], role: 'short' | 'kept', withinMs: number) {
  const lines = new SlowLines()
  cleanups.push(() => lines.close())
  const spaces: string[] = []
  for (const [index, rttMs] of rtts.entries()) spaces.push(await lines.join(index + 1, rttMs))
  const server = peer(lines, lines.server, 'serve', String(WEB))
  await new Promise((ready) => server.stdout?.once('data', ready))
  const { agent, overwatch } = site(lines)
  await agent.logged('latency learning began', 15_000)
  for (const [index, space] of spaces.entries())
    peer(lines, space, role, lines.address(index + 1), String(WEB), '200')
  const seen = async (): Promise<readonly string[]> => {
    const entries = await entriesOf(lines)
    return rtts.flatMap((rttMs, index) => {
      const entry = entries.find(({ subnet }) => subnet === lines.subnet(index + 1))
      const near = Math.max(rttMs / 10, 0.7)
      const fits = entry !== undefined && Math.abs(entry.rtt_ms - rttMs) <= near
      return fits && entry.samples >= 5 ? [] : [`${rttMs} ms: ${JSON.stringify(entry)}`]
    })
  }
  let faults: readonly string[] = []
  const tookMs = await until(
    'every round-trip time is learned',
    async () => {
      faults = await seen()
      return faults.length === 0
    },
    withinMs,
  ).catch((error: Error) => {
    throw new Error(`${error.message}; ${faults.join('; ')}\n${agent.output.slice(-2_000)}`)
  })
  const entries = await entriesOf(lines)
  // Own checks and loopback teach nothing.
  expect(entries.map(({ subnet }) => subnet).sort()).toEqual(
    rtts.map((_, index) => lines.subnet(index + 1)),
  )
  expect(entries[0]).toMatchObject({ domain: 'web.gslb.test', region: 'eu' })
  await agent.logged('latency report', 5_000)
  return { tookMs, lines, entries, agent, overwatch }
}

describe.runIf(canDelay())('an agent learns the round-trip times of its clients', () => {
  test('from short requests alone, at 40 ms', async () => {
    const { tookMs, entries } = await learns([40], 'short', 30_000)
    process.stdout.write(`learned ${entries[0]!.rtt_ms} ms of 40 after ${Math.round(tookMs)} ms\n`)
  }, 90_000)

  test('and what was learned outlives a restart of the overwatch, unless it is told not to', async () => {
    const { lines, overwatch, agent } = await learns([40], 'short', 30_000)
    await agent.stop()
    await overwatch.stop()
    overwatch.start()
    await until('kept', async () => (await entriesOf(lines)).length === 1, 15_000)
    await overwatch.logged('latency rows restored')
    await overwatch.stop()
    overwatch.configure(overwatchOf(overwatch.folder, false))
    overwatch.start()
    await overwatch.logged('OpenGSLB running', 15_000)
    expect(await entriesOf(lines)).toEqual([])
  }, 120_000)

  full(
    'from short requests alone, at 2, 40 and 110 ms',
    async () => {
      const { tookMs, entries } = await learns([2, 40, 110], 'short', 60_000)
      const said = entries.map(({ rtt_ms, samples }) => `${rtt_ms} (${samples})`).join(', ')
      process.stdout.write(`short: learned ${said} after ${Math.round(tookMs)} ms\n`)
    },
    150_000,
  )

  full(
    'from kept connections, at 2, 40 and 110 ms',
    async () => {
      const { tookMs, entries } = await learns([2, 40, 110], 'kept', 60_000)
      const said = entries.map(({ rtt_ms, samples }) => `${rtt_ms} (${samples})`).join(', ')
      process.stdout.write(`kept: learned ${said} after ${Math.round(tookMs)} ms\n`)
    },
    150_000,
  )
})
