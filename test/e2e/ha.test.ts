// Goal: the HA guide as it is written: independent overwatches with neither regions nor domains,
// agents that gossip to all of them, and every failure the guide names. Each node is a process in
// a network namespace of its own where root allows it, else on a loopback address.
import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { GOSSIP_KEY, Lab, TOKEN } from '../harness/lab.ts'
import { Program, until } from '../harness/program.ts'
import { has } from '../harness/tools.ts'

const NAME = 'webapp.gslb.example.com'
const [DNS, API, GOSSIP, WEB] = [5353, 8090, 7946, 8099]
const overwatchHosts = [1, 2, 3, 4]
const agentHosts = [21, 22, 23]

const lab = new Lab()
const programs = new Map<number, Program>()
let web: readonly ChildProcess[] = []

const overwatchYaml = (host: number, folder: string) => `
mode: overwatch
overwatch:
  identity: { node_id: overwatch-${host}, region: us-east }
  agent_tokens: { webapp: "${TOKEN}" }
  gossip: { bind_address: "${lab.address(host)}:${GOSSIP}", encryption_key: "${GOSSIP_KEY}", allowed_backends: [127.0.0.0/8, 10.0.0.0/8] }
  validation: { check_interval: 1s, check_timeout: 500ms }
  stale: { threshold: 5s, remove_after: 60s }
  data_dir: ${folder}/data
dns: { listen_address: "${lab.address(host)}:${DNS}", zones: [gslb.example.com] }
api: { enabled: true, address: "${lab.address(host)}:${API}", allowed_networks: [127.0.0.0/8, 10.0.0.0/8] }
metrics: { enabled: false }
logging: { level: info, format: text }
`

const seeds = () => overwatchHosts.map((one) => `"${lab.address(one)}:${GOSSIP}"`).join(', ')

const agentYaml = (host: number, folder: string) => `
mode: agent
agent:
  identity: { service_token: "${TOKEN}", region: us-east, cert_path: ${folder}/a.crt, key_path: ${folder}/a.key }
  backends:
    - { service: webapp, address: ${lab.address(host)}, port: ${WEB}, health_check: { type: tcp, interval: 1s, timeout: 500ms, failure_threshold: 2, success_threshold: 1 } }
  gossip: { encryption_key: "${GOSSIP_KEY}", bind_address: "${lab.address(host)}:${GOSSIP}", overwatch_nodes: [${seeds()}] }
  heartbeat: { interval: 1s }
metrics: { enabled: false }
logging: { level: info, format: text }
`

function start(host: number, yaml: (host: number, folder: string) => string): Program {
  const program = new Program('', lab.place(host))
  program.configure(yaml(host, program.folder))
  program.start()
  programs.set(host, program)
  return program
}

/** The application beside each agent. */
function serveWeb(host: number): ChildProcess {
  const script = `require('net').createServer((s) => s.end()).listen(${WEB}, process.argv[1])`
  const [command, ...rest] = [...lab.place(host), process.execPath, '-e', script]
  return spawn(command!, [...rest, lab.address(host)], { stdio: 'ignore' })
}

interface Answer {
  readonly status: string
  readonly addresses: readonly string[]
}

/** One question; the status is 'no-answer' when nobody answers. */
async function ask(host: number): Promise<Answer> {
  const at = [`@${lab.address(host)}`, '-p', String(DNS)]
  const text = await lab.run(lab.hub, 'dig', ...at, '+tries=1', '+time=1', NAME, 'A')
  const status = /status: ([A-Z]+)/.exec(text)?.[1] ?? 'no-answer'
  const lines = text.split('\n').filter((line) => !line.startsWith(';') && / *\sIN\sA\s/.test(line))
  return { status, addresses: lines.map((line) => line.split(/\s+/).at(-1)!) }
}

/** The set of addresses that a node gives over some turns, one in each answer. */
async function setOf(host: number): Promise<string> {
  const answers = await Promise.all(Array.from({ length: 6 }, () => ask(host)))
  const odd = answers.find(({ addresses }) => addresses.length !== 1)
  if (odd !== undefined) return `${odd.status} with ${odd.addresses.length} addresses`
  return [...new Set(answers.flatMap((one) => one.addresses))].sort().join(' ')
}

const all = agentHosts.map((host) => lab.address(host)).join(' ')
const known = new Set(agentHosts.map((host) => lab.address(host)))
const without = (gone: number) =>
  agentHosts
    .filter((host) => host !== gone)
    .map((host) => lab.address(host))
    .join(' ')

const agree = async (hosts: readonly number[], wanted: string) => {
  for (const host of hosts) if ((await setOf(host)) !== wanted) return false
  return true
}

function api(host: number, method: string, path: string, body?: object): Promise<string> {
  const url = `http://${lab.address(host)}:${API}/api/v1${path}`
  const data = body === undefined ? [] : ['-d', JSON.stringify(body)]
  const head = ['-H', 'content-type: application/json']
  return lab.run(lab.place(host), 'curl', '-s', '-m', '3', '-X', method, url, ...head, ...data)
}

const measured: string[] = []
const note = (what: string, ms: number) => measured.push(`${what}: ${Math.round(ms)} ms`)

interface AgentSeen {
  readonly connected: boolean
  readonly backends: number
}

/** Whether this overwatch itself hears so many agents; what others tell it does not count. */
async function hears(host: number, count: number): Promise<boolean> {
  const text = await api(host, 'GET', '/overwatch/agents')
  const { agents = [] } = (text === '' ? {} : JSON.parse(text)) as { agents?: AgentSeen[] }
  const heard = agents.filter(({ connected, backends }) => connected && backends === 1)
  return text !== '' && heard.length === count
}

const WARM_MS = 5_000

/**
 * Waits until a node hears every agent and answers as the others do, 5 s after its process was
 * started at the latest. Printed too is how much of it the process took to come up.
 */
async function warm(host: number, what: string, startedMs: number): Promise<void> {
  const program = programs.get(host)!
  const leftMs = () => startedMs + WARM_MS - performance.now()
  const passed = (stage: string) => note(`${what}: ${stage}`, performance.now() - startedMs)
  await until('it listens', () => program.output.includes('gossip listens'), leftMs())
  passed('listens')
  await until('it answers as the others', () => agree([host], all), leftMs())
  passed('answers as the others')
  await until('it hears every agent', () => hears(host, agentHosts.length), leftMs())
  passed('hears every agent')
  expect(leftMs()).toBeGreaterThan(0)
  const nodes = [...programs.keys()].filter((one) => overwatchHosts.includes(one))
  expect(await Promise.all(nodes.map(setOf))).toEqual(nodes.map(() => all))
}

describe.runIf(has('dig', 'curl'))(`the HA guide`, () => {
  beforeAll(async () => {
    for (const host of overwatchHosts.slice(0, 3)) start(host, overwatchYaml)
    web = agentHosts.map(serveWeb)
    for (const host of agentHosts) start(host, agentYaml)
    const three = overwatchHosts.slice(0, 3)
    note('cold start', await until('all agree', () => agree(three, all), 30_000))
    for (const host of three) await programs.get(host)!.logged('http listening', 20_000)
  }, 40_000)

  afterAll(async () => {
    console.info([`namespaces: ${lab.inNamespaces}`, ...measured].join('\n'))
    for (const one of web) one.kill('SIGKILL')
    await Promise.all([...programs.values()].map((program) => program.remove()))
    lab.close()
  })

  test('an override set on one overwatch counts on all', async () => {
    const path = `/overrides/${NAME}/${lab.address(21)}`
    await api(1, 'PUT', path, { healthy: false, reason: 'test', source: 'e2e' })
    note('override', await until('it is out', () => agree([1, 2, 3], without(21)), 4_000))
    await api(3, 'DELETE', path)
    await until('it is back', () => agree([1, 2, 3], all), 4_000)
  })

  test('one overwatch killed, then two: the last goes on with the same answers', async () => {
    for (const host of [1, 2]) {
      programs.get(host)!.signal('SIGKILL')
      await programs.get(host)!.exited()
      expect((await ask(host)).status).toBe('no-answer')
      expect(await setOf(3)).toBe(all)
    }
    for (const host of [1, 2]) programs.get(host)!.start()
    const back = await until('both are back', () => agree([1, 2], all), 20_000)
    note('two killed and started', back)
  }, 30_000)

  test('a rolling restart gives no wrong answer, and agents are back in 5 s', async () => {
    for (const host of [1, 2, 3]) {
      const wrong: string[] = []
      let isOver = false
      const asking = (async () => {
        while (!isOver)
          for (const one of [1, 2, 3]) {
            const { status, addresses } = await ask(one)
            const isRight =
              status === 'NOERROR' && addresses.length === 1 && known.has(addresses[0]!)
            if (!isRight && !(one === host && ['no-answer', 'SERVFAIL'].includes(status)))
              wrong.push(`${one} ${status}`)
          }
      })()
      await programs.get(host)!.stop()
      const startedMs = performance.now()
      programs.get(host)!.start()
      await warm(host, `restart of ${host}`, startedMs)
      isOver = true
      await asking
      expect(wrong).toEqual([])
    }
  }, 60_000)

  test('a fourth overwatch joins and is warm in 5 s', async () => {
    const startedMs = performance.now()
    start(4, overwatchYaml)
    await warm(4, 'fourth', startedMs)
  }, 30_000)

  test.runIf(lab.inNamespaces)(
    'without gossip an overwatch goes on answering, and hears of the rest when it heals',
    async () => {
      lab.block(2, GOSSIP)
      const path = `/overrides/${NAME}/${lab.address(22)}`
      await api(1, 'PUT', path, { healthy: false, reason: 'test', source: 'e2e' })
      await until('the others agree', () => agree([1, 3], without(22)), 4_000)
      expect(await setOf(2)).toBe(all)
      // Past `stale.threshold` no agent counts any more, and what passes its checks is served on.
      note('stale', await until('it hears nobody', () => hears(2, 0), 10_000))
      await programs.get(2)!.logged('agent is silent', 2_000)
      await sleep(2_000)
      expect(await setOf(2)).toBe(all)
      const healedMs = performance.now()
      lab.unblock(2, GOSSIP)
      await until('it agrees', () => agree([1, 2, 3], without(22)), 10_000)
      note('healed: answers as the others', performance.now() - healedMs)
      await until('it hears every agent', () => hears(2, agentHosts.length), 10_000)
      note('healed: hears every agent', performance.now() - healedMs)
      await api(2, 'DELETE', path)
      await until('all is as before', () => agree([1, 2, 3], all), 5_000)
    },
    60_000,
  )
})
