// Goal: two overwatches that know 10,000 backends, of which none changes, tell each other at most
// 5 KB a second in all. Method: agents register in network namespaces, then are gone; what the
// kernel counted at the interface of an overwatch, at which nobody is left but the other one.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { GOSSIP_KEY, Lab, TOKEN } from '../harness/lab.ts'
import { Program, until } from '../harness/program.ts'

const [DNS, API, GOSSIP] = [5353, 8090, 7946]
const AGENTS = 10
const EACH = 1_000
const BYTES_A_SECOND_MAX = 5_000
const WATCHED_SECONDS = 60

const lab = new Lab()
const programs: Program[] = []

const overwatchYaml = (host: number, folder: string) => `
mode: overwatch
overwatch:
  identity: { node_id: overwatch-${host}, region: eu }
  agent_tokens: { web: "${TOKEN}" }
  gossip: { bind_address: "${lab.address(host)}:${GOSSIP}", encryption_key: "${GOSSIP_KEY}", allowed_backends: [10.0.0.0/8] }
  validation: { enabled: false }
  stale: { threshold: 1h, remove_after: 2h }
  data_dir: ${folder}/data
dns: { listen_address: "${lab.address(host)}:${DNS}", zones: [gslb.test] }
api: { enabled: true, address: "${lab.address(host)}:${API}", allowed_networks: [10.0.0.0/8] }
metrics: { enabled: false }
logging: { level: info, format: text }
`

const SEEDS = [1, 2].map((host) => `"${lab.address(host)}:${GOSSIP}"`).join(', ')
const CHECK = '{ type: tcp, interval: 1h, timeout: 1s }'
const backendsOf = (host: number) =>
  Array.from({ length: EACH }, (_, at) => {
    const place = `address: 10.50.${host}.${at & 127}, port: ${8_000 + (at >> 7)}`
    return `    - { service: web, ${place}, health_check: ${CHECK} }`
  }).join('\n')

const agentYaml = (host: number, folder: string) => `
mode: agent
agent:
  identity: { service_token: "${TOKEN}", region: eu, cert_path: ${folder}/a.crt, key_path: ${folder}/a.key }
  gossip: { encryption_key: "${GOSSIP_KEY}", bind_address: "${lab.address(host)}:${GOSSIP}", overwatch_nodes: [${SEEDS}] }
  heartbeat: { interval: 5s }
  backends:
${backendsOf(host)}
metrics: { enabled: false }
logging: { level: info, format: text }
`

function start(host: number, yaml: (host: number, folder: string) => string): Program {
  const program = new Program('', lab.place(host))
  program.configure(yaml(host, program.folder))
  program.start()
  programs.push(program)
  return program
}

async function backendsAt(host: number): Promise<number> {
  const url = `http://${lab.address(host)}:${API}/api/v1/overwatch/stats`
  const text = await lab.run(lab.place(host), 'curl', '-s', '-m', '5', url)
  try {
    return (JSON.parse(text) as { total_backends: number }).total_backends
  } catch {
    return -1
  }
}

/** Octets that came in and went out at the node's only way to others. */
async function octetsAt(host: number): Promise<number> {
  const text = await lab.run(lab.place(host), 'cat', '/proc/net/dev')
  const line = text.split('\n').find((one) => one.trim().startsWith('eth0:'))!
  const fields = line.split(':')[1]!.trim().split(/\s+/).map(Number)
  return fields[0]! + fields[8]!
}

beforeAll(async () => {
  if (!lab.inNamespaces) throw new Error('network namespaces cannot be made here')
  for (const host of [1, 2]) start(host, overwatchYaml)
  for (const program of programs) await program.logged('http listening', 30_000)
  const agents = Array.from({ length: AGENTS }, (_, at) => start(11 + at, agentYaml))
  let seen = ''
  const isKnown = async () => {
    // Each look is work for the one that is looked at.
    await sleep(2_000)
    const counts = [await backendsAt(1), await backendsAt(2)]
    if (counts.join() !== seen) process.stdout.write(`${counts.join(' and ')} backends known\n`)
    seen = counts.join()
    return counts.every((count) => count === AGENTS * EACH)
  }
  await until('both know all backends', isKnown, 240_000)
  for (const agent of agents) {
    agent.signal('SIGKILL')
    await agent.exited()
  }
  // Members that are gone are asked for, suspected and mourned for a while.
  await sleep(60_000)
}, 420_000)

afterAll(async () => {
  for (const program of programs) await program.remove()
  lab.close()
})

test('two overwatches that have nothing new cost each other at most 5 KB a second', async () => {
  expect(await backendsAt(1)).toBe(AGENTS * EACH)
  const before = await octetsAt(1)
  await sleep(WATCHED_SECONDS * 1_000)
  const rate = ((await octetsAt(1)) - before) / WATCHED_SECONDS
  process.stdout.write(`${Math.round(rate)} octets a second, both ways, with their headers\n`)
  expect(await backendsAt(2)).toBe(AGENTS * EACH)
  expect(rate).toBeGreaterThan(0)
  expect(rate).toBeLessThan(BYTES_A_SECOND_MAX)
  // What shows that the way that is watched is theirs: something new goes over it.
  const body = JSON.stringify({ healthy: false, reason: 'test', source: 'e2e' })
  const path = `/api/v1/overrides/web.gslb.test/10.50.11.0:8000`
  const url = `http://${lab.address(1)}:${API}${path}`
  const type = 'content-type: application/json'
  await lab.run(lab.place(1), 'curl', '-s', '-X', 'PUT', url, '-H', type, '-d', body)
  const list = `http://${lab.address(2)}:${API}/api/v1/overrides`
  const told = async () =>
    (await lab.run(lab.place(2), 'curl', '-s', '-m', '5', list)).includes('10.50.11.0')
  await until('the other heard of the override', told, 20_000)
}, 200_000)
