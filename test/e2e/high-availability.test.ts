// Goal: the high-availability guide, as its reader follows it: three overwatches, an agent that
// reports to all, one of them killed while a resolver with all three goes on, and started again.
// Method: the built program, each overwatch on a loopback address of its own, and c-ares, which
// retries at the next server as a stub resolver with three `nameserver` lines does.
import { Resolver } from 'node:dns/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Backend, startBackends } from '../harness/backends.ts'
import { freePort, Program, until } from '../harness/program.ts'

const net = `127.${20 + (process.pid % 200)}.${1 + ((process.pid * 7) % 250)}`
const nodes = [1, 2, 3].map((index) => `${net}.${index}`)
const server = `${net}.21`
const token = 'a-token-of-more-than-sixteen'
const key = `${'A'.repeat(43)}=`

let port: number
let gossipPort: number
let apiPort: number
let backends: Backend[]
let agent: Program
const overwatches: Program[] = []

const seeds = () => nodes.map((node) => `"${node}:${gossipPort}"`).join(', ')

const overwatchYaml = (node: string, index: number, folder: string) => `
mode: overwatch
dns: { listen_address: "${node}:${port}", default_ttl: 1, zones: [gslb.test] }
overwatch:
  identity: { node_id: ow${index + 1}, region: eu }
  agent_tokens: { webapp: ${token} }
  gossip: { bind_address: "${node}:${gossipPort}", encryption_key: "${key}", allowed_backends: [127.0.0.0/8] }
  peering: { bootstrap_peers: [${seeds()}] }
  validation: { check_interval: 1s, check_timeout: 500ms }
  data_dir: ${folder}/data
api: { enabled: true, address: "${node}:${apiPort}" }
`

const agentYaml = (folder: string) => `
mode: agent
agent:
  identity: { service_token: ${token}, region: eu, cert_path: ${folder}/agent.crt, key_path: ${folder}/agent.key }
  backends:
    - { service: webapp, address: ${server}, port: ${backends[0]!.port}, health_check: { type: tcp, interval: 1s } }
  gossip: { encryption_key: "${key}", overwatch_nodes: [${seeds()}], bind_address: "${server}:0" }
  drain_file: ${join(folder, 'drain')}
`

/** What a stub resolver with these name servers gets; the reason when it gets nothing. */
async function asks(servers: readonly string[]): Promise<string> {
  const resolver = new Resolver({ timeout: 500, tries: 2 })
  resolver.setServers(servers.map((node) => `${node}:${port}`))
  const name = 'webapp.gslb.test'
  return resolver.resolve4(name).then(String, (error: NodeJS.ErrnoException) => `${error.code}`)
}

/** None while the API does not listen yet: DNS answers before it does. */
async function backendsOf(node: string): Promise<number> {
  const url = `http://${node}:${apiPort}/api/v1/overwatch/backends`
  const answer = await fetch(url).catch(() => undefined)
  if (answer === undefined) return 0
  return ((await answer.json()) as { backends: object[] }).backends.length
}

beforeAll(async () => {
  port = await freePort()
  gossipPort = await freePort()
  apiPort = await freePort()
  backends = await startBackends([server])
  for (const [index, node] of nodes.entries()) {
    const program = new Program('')
    program.configure(overwatchYaml(node, index, program.folder))
    program.start()
    overwatches.push(program)
  }
  agent = new Program('')
  agent.configure(agentYaml(agent.folder))
  agent.start()
})

afterAll(async () => {
  await Promise.all([agent, ...overwatches].map((program) => program.remove()))
  for (const backend of backends) await backend.stop()
})

test('each of three overwatches answers with the server that the agent brought', async () => {
  for (const node of nodes) {
    await until(`${node} answers`, async () => (await asks([node])) === server, 20_000)
    await until(`${node} lists it`, async () => (await backendsOf(node)) === 1, 20_000)
  }
})

test('with one killed, its own address fails and a resolver with all three goes on', async () => {
  overwatches[0]!.signal('SIGKILL')
  await overwatches[0]!.exited()
  expect(await asks([nodes[0]!])).not.toBe(server)
  for (let turn = 0; turn < 5; turn += 1) expect(await asks(nodes)).toBe(server)
})

test('started again it answers and holds what the others hold', async () => {
  overwatches[0]!.start()
  await until('it answers', async () => (await asks([nodes[0]!])) === server, 20_000)
  await until('it has the agent', async () => (await backendsOf(nodes[0]!)) === 1)
})

test('an agent that is stopped takes its server out of all of them at once', async () => {
  expect(await agent.stop()).toBe(0)
  for (const node of nodes)
    await until(`${node} is without it`, async () => (await asks([node])) !== server, 3_000)
})
