// Goal: demo 6. Clients are sent where their own connections are quick: before anything is known by
// geography, which the log says; then by what agents learned of real TCP connections, short ones
// alone; after a restart by what was kept, or by geography again where nothing is kept.
// Method: two regions and two client networks in network namespaces, joined by lines that delay by
// 2, 40 and 110 ms; the built program as overwatch and agents; geography is wrong on purpose.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { GOSSIP_KEY, TOKEN } from '../harness/lab.ts'
import { readMetrics, sumOf } from '../harness/metric-names.ts'
import { Program, projectRoot, until } from '../harness/program.ts'
import { canDelay, SlowLines } from '../harness/slow-lines.ts'
import { has, output } from '../harness/tools.ts'

const NAME = 'app.demo.local'
const EU = '10.80.1.1'
const AP = '10.80.2.1'
const RTTS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  '10.77.1.0/24': { 'eu-west': 40, 'ap-southeast': 110 },
  '10.77.2.0/24': { 'eu-west': 110, 'ap-southeast': 2 },
}

interface Entry {
  readonly subnet: string
  readonly region: string
  readonly rtt_ms: number
  readonly samples: number
}

let lines: SlowLines
let [eu, ap]: string[] = []
const clients: string[] = []
const programs: Program[] = []
let overwatch: Program
const cleanups: (() => unknown)[] = []

const overwatchOf = (folder: string, persist: boolean) => `
mode: overwatch
dns: { listen_address: "${EU}:53", zones: [demo.local], default_ttl: 1 }
overwatch:
  identity: { node_id: ow1, region: eu-west }
  agent_tokens: { ${NAME}: "${TOKEN}" }
  gossip: { bind_address: "${EU}:7946", encryption_key: "${GOSSIP_KEY}", allowed_backends: [10.80.0.0/16] }
  learned_latency: { persist: ${persist} }
  geolocation:
    default_region: eu-west
    custom_mappings: [{ cidr: 10.77.1.0/24, region: ap-southeast }, { cidr: 10.77.2.0/24, region: eu-west }]
  data_dir: ${folder}/data
regions: [{ name: eu-west }, { name: ap-southeast }]
domains:
  - name: ${NAME}
    routing_algorithm: learned_latency
    regions: [eu-west, ap-southeast]
    latency_config: { max_latency_ms: 300, min_samples: 5 }
api: { enabled: true, address: "127.0.0.1:9090" }
metrics: { enabled: true, address: "127.0.0.1:9091" }
logging: { level: info, format: text }
`

const agentOf = (folder: string, region: string, address: string) => `
mode: agent
agent:
  identity: { service_token: "${TOKEN}", region: ${region}, cert_path: ${folder}/a.crt, key_path: ${folder}/a.key }
  backends: [{ service: ${NAME}, address: ${address}, port: 8080, health_check: { type: tcp, interval: 1s, timeout: 500ms } }]
  gossip: { encryption_key: "${GOSSIP_KEY}", overwatch_nodes: ["${EU}:7946"], bind_address: "${address}:${address === EU ? 7947 : 7946}", advertise_address: "${address}" }
  latency_learning: { enabled: true, poll_interval: 1s, min_connection_age: 5s, report_interval: 4s, min_samples: 5 }
api: { enabled: false }
metrics: { enabled: false }
logging: { level: info, format: text }
`

async function inside(space: string, ...words: readonly string[]): Promise<string> {
  const [command, ...rest] = [...lines.inside(space), ...words]
  return output(command!, rest)
}

function peer(space: string, ...words: readonly string[]) {
  const script = join(projectRoot, 'test', 'harness', 'line-peer.mjs')
  const [command, ...rest] = [...lines.inside(space), process.execPath, script, ...words]
  const child = spawn(command!, rest, { stdio: ['pipe', 'pipe', 'inherit'] })
  cleanups.push(() => child.kill('SIGKILL'))
  return child
}

const dig = async (client: number): Promise<string> => {
  const words = ['dig', `@${EU}`, NAME, 'A', '+short', '+tries=1', '+time=2', '+norecurse']
  return (await inside(clients[client]!, ...words)).trim()
}
const api = async (path: string) =>
  JSON.parse((await inside(eu!, 'curl', '-s', `http://127.0.0.1:9090/api/v1${path}`)) || '{}')
const answers = (client: number, address: string, withinMs = 15_000) =>
  until(
    `client ${client + 1} is sent to ${address}`,
    async () => (await dig(client)) === address,
    withinMs,
  )

beforeAll(async () => {
  if (!canDelay() || !has('dig', 'curl')) return
  lines = new SlowLines()
  eu = lines.space('eu', `${EU}/32`)
  ap = lines.space('ap', `${AP}/32`)
  await lines.line([eu, 'toap', '10.90.0.1/30'], [ap, 'toeu', '10.90.0.2/30'], 2)
  lines.route(eu, `${AP}/32`, 'dev', 'toap', 'src', EU)
  lines.route(ap, `${EU}/32`, 'dev', 'toeu', 'src', AP)
  for (const [index, [subnet, rtts]] of Object.entries(RTTS).entries()) {
    const net = index + 1
    const own = subnet.replace('0/24', '2')
    const space = lines.space(`c${net}`, `${own}/32`)
    clients.push(space)
    for (const [at, [region, address]] of [
      [eu, EU],
      [ap, AP],
    ].entries()) {
      const link = `10.90.${net * 2 + at}`
      const rtt = Object.values(rtts)[at]!
      await lines.line([region!, `c${net}`, `${link}.1/30`], [space, `r${at}`, `${link}.2/30`], rtt)
      lines.route(region!, subnet, 'dev', `c${net}`)
      lines.route(space, `${address}/32`, 'dev', `r${at}`, 'src', own)
    }
  }
  for (const space of [eu, ap]) {
    const server = peer(space, 'serve', '8080')
    await new Promise((ready) => server.stdout?.once('data', ready))
  }
  overwatch = new Program('', lines.inside(eu))
  overwatch.configure(overwatchOf(overwatch.folder, true))
  const agents = [eu, ap].map((space, at) => {
    const agent = new Program('', lines.inside(space))
    agent.configure(agentOf(agent.folder, at === 0 ? 'eu-west' : 'ap-southeast', [EU, AP][at]!))
    return agent
  })
  programs.push(overwatch, ...agents)
  for (const program of programs) program.start()
  await overwatch.logged('OpenGSLB running', 30_000)
  for (const agent of agents) await agent.logged('latency learning began', 30_000)
}, 120_000)

afterAll(async () => {
  for (const cleanup of cleanups.splice(0)) cleanup()
  for (const program of programs) await program.remove()
  lines?.close()
})

describe.runIf(canDelay() && has('dig', 'curl'))('answers by learned latency', () => {
  test('before anything is known geography decides, and the log says so', async () => {
    await answers(0, AP, 30_000)
    await answers(1, EU)
    await overwatch.logged('geo_fallback', 5_000)
    const { learned } = await api(`/explain?name=${NAME}&client=10.77.1.2&turn=0`)
    expect(learned).toMatchObject({ method: 'geo_fallback', steps: [] })
  }, 60_000)

  test('from short requests alone all round-trip times are learned within a minute', async () => {
    const fromMs = performance.now()
    for (const client of clients)
      for (const to of [EU, AP]) peer(client, 'short', to, '8080', '200')
    let faults: string[] = []
    await until(
      'every round-trip time is learned',
      async () => {
        const { entries = [] } = (await api('/overwatch/latency')) as { entries?: Entry[] }
        faults = Object.entries(RTTS).flatMap(([subnet, rtts]) =>
          Object.entries(rtts).flatMap(([region, rtt]) => {
            const entry = entries.find((one) => one.subnet === subnet && one.region === region)
            const fits =
              entry !== undefined && Math.abs(entry.rtt_ms - rtt) <= Math.max(rtt / 10, 0.7)
            return fits && entry.samples >= 5 ? [] : [`${subnet} ${region}: ${entry?.rtt_ms}`]
          }),
        )
        return faults.length === 0
      },
      60_000,
    ).catch((error: Error) => {
      throw new Error(`${error.message}: ${faults.join('; ')}`)
    })
    const tookMs = Math.round(performance.now() - fromMs)
    process.stdout.write(`all four learned ${tookMs} ms after the first request\n`)
  }, 90_000)

  test('then each client is sent to the region its own connections are quick to', async () => {
    await answers(0, EU)
    await answers(1, AP)
    await overwatch.logged('method=learned', 5_000)
    const { learned } = await api(`/explain?name=${NAME}&client=10.77.2.2&turn=0`)
    expect(learned).toMatchObject({
      ...{ method: 'learned', source: 'network', network: '10.77.2.0/24' },
      steps: [{ region: 'ap-southeast', outcome: 'answers' }, { region: 'eu-west' }],
      data: [
        { region: 'eu-west', measured_ms: expect.any(Number) },
        { region: 'ap-southeast', measured_ms: expect.any(Number) },
      ],
    })
    const page = readMetrics(await inside(eu!, 'curl', '-s', 'http://127.0.0.1:9091/metrics'))
    const hits = (method: string) =>
      sumOf(page, 'overwatch_latency_routing_hits_total', { method }) ?? 0
    expect(hits('learned')).toBeGreaterThan(0)
    expect(hits('geo_fallback')).toBeGreaterThan(0)
  }, 60_000)

  test('a reload changes nothing of that', async () => {
    overwatch.signal('SIGHUP')
    await overwatch.logged('SIGHUP', 5_000).catch(() => undefined)
    for (let round = 0; round < 10; round++) {
      expect(await dig(0)).toBe(EU)
      expect(await dig(1)).toBe(AP)
    }
  }, 60_000)

  test('after a restart what was kept decides, before anybody reported again', async () => {
    await overwatch.stop()
    overwatch.start()
    await overwatch.logged('OpenGSLB running', 30_000)
    await answers(0, EU, 20_000)
    await answers(1, AP)
    expect(overwatch.output).toMatch(/latency rows restored/)
  }, 60_000)

  test('where nothing is kept a restart is a cold start: geography, then what is learned anew', async () => {
    await overwatch.stop()
    overwatch.configure(overwatchOf(overwatch.folder, false))
    overwatch.start()
    await until(
      'geography decides again',
      async () => {
        await dig(0)
        return /geo_fallback/.test(overwatch.output)
      },
      20_000,
    )
    await answers(0, EU, 40_000)
    await answers(1, AP)
  }, 90_000)
})
