// Goal: demo 3. Answers follow the times of the overwatch's own checks: the quickest server alone;
// within five seconds another one when lines change; one over max_latency_ms is avoided; metrics
// and an explanation say so.
// Method: three servers in network namespaces behind lines of 25, 60 and 150 ms, at the addresses
// of the demo, checked every two seconds by the built program; lines change while it runs, by far
// more than a busy machine adds to a check, since near-equals share. A second name of the same
// servers wants more checks than there will be, so nothing is known of its times.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readMetrics, sumOf } from '../harness/metric-names.ts'
import { Program, projectRoot, until } from '../harness/program.ts'
import { canDelay, SlowLines } from '../harness/slow-lines.ts'
import { has, output } from '../harness/tools.ts'

const NAME = 'app.demo.local'
const UNKNOWN = 'new.demo.local'
const OVERWATCH = '10.30.0.10'
const WEBAPPS = ['10.30.0.21', '10.30.0.22', '10.30.0.23']
const RTTS = [25, 60, 150]

const servers = [NAME, UNKNOWN].flatMap((service) =>
  WEBAPPS.map((address) => `{ address: ${address}, port: 8080, service: ${service} }`),
)

const configuration = `
mode: overwatch
dns: { listen_address: "${OVERWATCH}:53", zones: [demo.local], default_ttl: 1 }
regions:
  - name: demo
    servers: [${servers.join(', ')}]
    health_check: { type: http, path: /, interval: 2s, timeout: 1500ms, failure_threshold: 3, success_threshold: 1 }
domains:
  - name: ${NAME}
    routing_algorithm: latency
    regions: [demo]
    latency_config: { smoothing_factor: 0.3, max_latency_ms: 400, min_samples: 2 }
  - name: ${UNKNOWN}
    routing_algorithm: latency
    regions: [demo]
    latency_config: { min_samples: 100 }
api: { enabled: true, address: "127.0.0.1:8080" }
metrics: { enabled: true, address: "127.0.0.1:9090" }
logging: { level: info, format: text }
`

let lines: SlowLines
let overwatch: Program
let space = ''
const cleanups: (() => unknown)[] = []

async function inside(...words: readonly string[]): Promise<string> {
  const [command, ...rest] = [...lines.inside(space), ...words]
  return output(command!, rest)
}

const dig = async (name = NAME): Promise<string> => {
  const words = ['dig', `@${OVERWATCH}`, name, 'A', '+short', '+tries=1', '+time=2', '+norecurse']
  return (await inside(...words)).trim()
}

/** How long it takes until an answer holds for ten questions in a row. */
const follows = (address: string, withinMs: number) =>
  until(
    `answers are ${address}`,
    async () => {
      for (let round = 0; round < 10; round++) if ((await dig()) !== address) return false
      return true
    },
    withinMs,
  )

beforeAll(async () => {
  if (!canDelay() || !has('dig', 'curl')) return
  lines = new SlowLines()
  space = lines.space('ow', `${OVERWATCH}/32`)
  for (const [index, address] of WEBAPPS.entries()) {
    const there = lines.space(`w${index + 1}`, `${address}/32`)
    const net = `10.91.${index}`
    await lines.line(
      [space, `w${index}`, `${net}.1/30`],
      [there, 'ow', `${net}.2/30`],
      RTTS[index]!,
    )
    lines.route(space, `${address}/32`, 'dev', `w${index}`, 'src', OVERWATCH)
    lines.route(there, `${OVERWATCH}/32`, 'dev', 'ow', 'src', address)
    const script = join(projectRoot, 'test', 'harness', 'line-peer.mjs')
    const [command, ...rest] = [...lines.inside(there), process.execPath, script, 'serve', '8080']
    const child = spawn(command!, rest, { stdio: ['pipe', 'pipe', 'inherit'] })
    cleanups.push(() => child.kill('SIGKILL'))
    await new Promise((ready) => child.stdout.once('data', ready))
  }
  overwatch = new Program('', lines.inside(space))
  overwatch.configure(configuration)
  overwatch.start()
  await overwatch.logged('OpenGSLB running', 30_000)
}, 60_000)

afterAll(async () => {
  for (const cleanup of cleanups.splice(0)) cleanup()
  await overwatch?.remove()
  lines?.close()
})

describe.runIf(canDelay() && has('dig', 'curl'))('answers by the times of checks', () => {
  test('are the quickest server, once enough checks were seen', async () => {
    await follows(WEBAPPS[0]!, 20_000)
    const page = await inside('curl', '-s', `http://127.0.0.1:8080/api/v1/explain?name=${NAME}`)
    const why = JSON.parse(page)
    expect(why).toMatchObject({ policy: 'latency', answers: [WEBAPPS[0]], verified: true })
  }, 40_000)

  test('are another server within five seconds when its line becomes the quickest', async () => {
    lines.delay(1, 2)
    const tookMs = await follows(WEBAPPS[1]!, 8_000)
    process.stdout.write(`the answer followed ${Math.round(tookMs)} ms after the line changed\n`)
    expect(tookMs).toBeLessThan(5_500)
  }, 20_000)

  test('avoid a server that became slow', async () => {
    lines.delay(1, 400)
    lines.delay(0, 500)
    const tookMs = await follows(WEBAPPS[2]!, 15_000)
    process.stdout.write(`slow servers were left after ${Math.round(tookMs)} ms\n`)
  }, 30_000)

  test('and the metrics tell of the times', async () => {
    const page = readMetrics(await inside('curl', '-s', 'http://127.0.0.1:9090/metrics'))
    const address = WEBAPPS[2]!
    expect(sumOf(page, 'backend_smoothed_latency_ms', { address })).toBeGreaterThan(150)
    expect(sumOf(page, 'backend_latency_samples', { address })).toBeGreaterThan(2)
    expect(sumOf(page, 'routing_latency_selected_ms', { domain: NAME })).toBeGreaterThan(150)
    expect(
      sumOf(page, 'routing_latency_rejected_total', { reason: 'above_threshold' }),
    ).toBeGreaterThan(0)
  })

  test('go round all servers in turn where there are no times to go by', async () => {
    await until('all are up', async () => {
      const seen = new Set<string>()
      for (let turn = 0; turn < 3; turn++) seen.add(await dig(UNKNOWN))
      return seen.size === WEBAPPS.length
    })
    const seen: string[] = []
    for (let turn = 0; turn < 9; turn++) seen.push(await dig(UNKNOWN))
    expect(seen.slice(0, 3).sort()).toEqual(WEBAPPS)
    expect([...seen.slice(3, 6)].sort()).toEqual(WEBAPPS)
    expect(seen.slice(3, 6)).toEqual(seen.slice(6))
  })
})
