// Goal: one overwatch and its agents as processes: a backend comes by registration, goes by drain,
// by SIGTERM and by revocation, and strangers are refused with the key to set in the log.
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Backend, startBackends } from '../harness/backends.ts'
import { GOSSIP_KEY, TOKEN } from '../harness/lab.ts'
import { freePort, Program, projectRoot, until } from '../harness/program.ts'
import { dig, has, output } from '../harness/tools.ts'

const NAME = 'web.gslb.test'
const addresses = ['127.99.8.21', '127.99.8.22']

let [port, apiPort, gossipPort, agentApi] = [0, 0, 0, 0]
let backends: Backend[]
let overwatch: Program
const agents: Program[] = []

const overwatchYaml = () => `
mode: overwatch
dns: { listen_address: "127.0.0.1:${port}", zones: [gslb.test] }
overwatch:
  identity: { node_id: ow1, region: eu }
  agent_tokens: { web: "${TOKEN}" }
  gossip: { bind_address: "127.0.0.1:${gossipPort}", encryption_key: "${GOSSIP_KEY}", allowed_backends: [127.99.0.0/16] }
  validation: { check_interval: 1s, check_timeout: 500ms }
  data_dir: ${overwatch.folder}/data
api: { enabled: true, address: "127.0.0.1:${apiPort}" }
metrics: { enabled: false }
logging: { level: info, format: text }
`

interface Wish {
  readonly address: string
  readonly token?: string
  readonly service?: string
  readonly api?: number
}

function startAgent({ address, token = TOKEN, service = 'web', api = 0 }: Wish): Program {
  const agent = new Program('')
  agent.configure(`
mode: agent
agent:
  identity: { service_token: "${token}", region: eu, cert_path: ${agent.folder}/a.crt, key_path: ${agent.folder}/a.key }
  backends:
    - { service: ${service}, address: ${address}, port: ${backends[0]!.port}, health_check: { type: tcp, interval: 1s, timeout: 500ms, failure_threshold: 2, success_threshold: 1 } }
  gossip: { encryption_key: "${GOSSIP_KEY}", overwatch_nodes: ["127.0.0.1:${gossipPort}"], bind_address: "127.0.0.1:0" }
  drain_file: ${agent.folder}/drain
  heartbeat: { interval: 1s }
metrics: { enabled: false }
api: { enabled: ${api > 0}, address: "127.0.0.1:${api}" }
logging: { level: info, format: text }
`)
  agent.start()
  agents.push(agent)
  return agent
}

async function served(): Promise<string> {
  const seen = new Set<string>()
  for (let turn = 0; turn < 4; turn++)
    for (const line of (await dig(port, NAME)).answer) seen.add(line.slice(2))
  return [...seen].sort().join(' ')
}

const both = addresses.join(' ')
const measured: string[] = []

async function comes(what: string, wanted: string, limitMs = 10_000): Promise<void> {
  const tookMs = await until(what, async () => (await served()) === wanted, limitMs)
  measured.push(`${what}: ${Math.round(tookMs)} ms`)
}

/** With curl: what `fetch` sends says that it is a browser, which needs a token for changes. */
async function call(at: number, method: string, path: string, body?: object) {
  const data = body === undefined ? [] : ['-d', JSON.stringify(body)]
  const url = `http://127.0.0.1:${at}/api/v1${path}`
  const head = ['-H', 'content-type: application/json', '-w', '\n%{http_code}']
  const text = await output('curl', ['-s', '-m', '5', '-X', method, url, ...head, ...data])
  const end = text.lastIndexOf('\n')
  return { status: Number(text.slice(end + 1)), json: () => JSON.parse(text.slice(0, end)) }
}

const cli = (...words: readonly string[]) =>
  output(process.execPath, [
    join(projectRoot, 'dist', 'cli', 'main.js'),
    ...['--api', `http://127.0.0.1:${apiPort}`],
    ...words,
  ])

describe.runIf(has('dig', 'curl'))('agents beside applications', () => {
  beforeAll(async () => {
    backends = await startBackends(addresses)
    ;[port, apiPort, gossipPort] = [await freePort(), await freePort(), await freePort()]
    agentApi = await freePort()
    overwatch = new Program('')
    overwatch.configure(overwatchYaml())
    overwatch.start()
    startAgent({ address: addresses[0]!, api: agentApi })
    startAgent({ address: addresses[1]! })
    await comes('registered', both, 30_000)
  }, 40_000)

  afterAll(async () => {
    console.info(measured.join('\n'))
    await Promise.all([overwatch, ...agents].map((program) => program?.remove()))
    await Promise.all((backends ?? []).map((backend) => backend.stop()))
  })

  test('a drain file takes the backend out, and its removal brings it back', async () => {
    const file = join(agents[1]!.folder, 'drain')
    writeFileSync(file, '')
    await comes('drain file', addresses[0]!)
    rmSync(file)
    await comes('drain file removed', both)
  })

  test('SIGUSR1 begins a drain, and the next one ends it', async () => {
    agents[1]!.signal('SIGUSR1')
    await comes('SIGUSR1', addresses[0]!)
    agents[1]!.signal('SIGUSR1')
    await comes('SIGUSR1 again', both)
  })

  test('the agent and the overwatch take drains by their API', async () => {
    for (const [at, body] of [
      [agentApi, { reason: 'work' }],
      [apiPort, { reason: 'work', service: NAME, address: addresses[0]! }],
    ] as const) {
      const answer = await call(at, 'POST', '/drains', body)
      expect(answer.status).toBe(201)
      const { ids } = answer.json() as { ids: string[] }
      await comes(
        `drain by API ${at === apiPort ? 'of the overwatch' : 'of the agent'}`,
        addresses[1]!,
      )
      expect((await call(at, 'DELETE', `/drains/${ids[0]}`)).status).toBe(204)
      await comes('lifted', both)
    }
  })

  test('overrides of agent backends work by both paths', async () => {
    const { port: web } = backends[0]!
    const flat = `/overrides/${NAME}/${addresses[0]}`
    const own = `/overwatch/backends/${NAME}/${addresses[0]}/${web}/override`
    await call(apiPort, 'PUT', flat, { healthy: false, reason: 'test', source: 'e2e' })
    await comes('override', addresses[1]!)
    await call(apiPort, 'DELETE', flat)
    await comes('override ended', both)
    await call(apiPort, 'POST', own, { healthy: false, reason: 'test' })
    await comes('override of the resource', addresses[1]!)
    await call(apiPort, 'DELETE', own)
    await comes('override of the resource ended', both)
  })

  test('a wrong token, an unknown service and a foreign address are refused by name', async () => {
    const strangers = [
      startAgent({ address: '127.99.8.23', token: 'another-token-of-sixteen' }),
      startAgent({ address: '127.99.8.23', service: 'other' }),
      startAgent({ address: '127.98.8.23' }),
    ]
    await overwatch.logged(/agent refused.*bad-proof.*agent_tokens/, 20_000)
    await overwatch.logged(/agent refused.*unknown-service.*agent_tokens/, 20_000)
    await overwatch.logged(/agent refused.*address-not-allowed.*allowed_backends/, 20_000)
    expect(await served()).toBe(both)
    await Promise.all(strangers.map((agent) => agent.remove()))
  }, 60_000)

  test('SIGTERM takes the backend out at once', async () => {
    agents[1]!.signal('SIGTERM')
    await comes('SIGTERM', addresses[0]!, 5_000)
    agents[1]!.start()
    await comes('started again', both, 20_000)
  }, 30_000)

  test('a revoked agent loses its backend at once and for good, and the name stays', async () => {
    const list = (await call(apiPort, 'GET', '/overwatch/agents')).json() as {
      agents: { agent_id: string; connected: boolean }[]
    }
    expect(list.agents.length).toBeGreaterThanOrEqual(2)
    for (const { agent_id: id } of list.agents) expect(await revoke(id)).toBe(200)
    await until('SERVFAIL', async () => (await dig(port, NAME)).status === 'SERVFAIL', 3_000)
    expect((await cli('drain', 'list')).trim()).toBe('No drains.')
    await overwatch.stop()
    overwatch.start()
    await overwatch.logged(/agent refused.*revoked/, 20_000)
    expect(await served()).toBe('')
  }, 60_000)
})

async function revoke(id: string): Promise<number> {
  return (await call(apiPort, 'POST', `/overwatch/agents/${id}/revoke`, { reason: 'test' })).status
}
