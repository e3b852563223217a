/**
 * Two overwatches, their servers and their agents as processes, for tests of what they count; and
 * the ways to move them from outside.
 */
import { createCipheriv, randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Backend, startBackends } from './backends.ts'
import { writeGroup } from './control-group.ts'
import { buildQuery } from './dns-query.ts'
import { GOSSIP_KEY, TOKEN } from './lab.ts'
import { readMetrics, type Scrape, sumOf } from './metric-names.ts'
import { freePort, Program, until } from './program.ts'
import { output } from './tools.ts'

export const STATIC = ['127.99.10.21', '127.99.10.22']
export const AGENT = '127.99.10.31'
/** Nobody listens there: what an agent announces and an overwatch cannot reach. */
export const NOBODY = '127.99.10.39'

export type Node = 'overwatch' | 'peer' | 'agent'
const PORTS = [
  ...(['overwatch', 'peer', 'agent'] as const),
  ...(['dns', 'peerDns', 'api', 'gossip', 'peerGossip'] as const),
] as const
export const ports = {} as Record<(typeof PORTS)[number], number>
export const programs = new Map<string, Program>()
export let backends: Backend[]
export let errorLog = ''

const servers = (count: number) =>
  STATIC.slice(0, count)
    .map((address) => `{ address: ${address}, port: ${backends[0]!.port}, service: app.gslb.test }`)
    .join(', ')

export function overwatchYaml(program: Program, peer: boolean, more = false): string {
  const at = peer ? 'peer' : 'overwatch'
  const names = ['app.gslb.test', ...(more ? ['more.gslb.test'] : [])]
  const served = `${servers(2)}${more ? `, { address: ${AGENT}, port: ${backends[0]!.port}, service: more.gslb.test }` : ''}`
  return `
mode: overwatch
dns: { listen_address: "127.0.0.1:${peer ? ports.peerDns : ports.dns}", threads: 1, zones: [gslb.test] }
regions: [{ name: eu, servers: [${served}], health_check: { type: http, path: /health, interval: 1s, timeout: 500ms, failure_threshold: 1, success_threshold: 1 } }]
domains: [${names.map((name) => `{ name: ${name}, regions: [eu], ttl: 1 }`).join(', ')}]
overwatch:
  identity: { node_id: ${at}, region: eu }
  agent_tokens: { web: "${TOKEN}" }
  gossip: { bind_address: "127.0.0.1:${peer ? ports.peerGossip : ports.gossip}", encryption_key: "${GOSSIP_KEY}", allowed_backends: [127.99.0.0/16] }
  validation: { check_interval: 500ms, check_timeout: 300ms, veto_threshold: 1 }
  stale: { threshold: 4s, remove_after: 10m }
  data_dir: ${program.folder}/data
api: { enabled: ${!peer}, address: "127.0.0.1:${ports.api}" }
metrics: { enabled: true, address: "127.0.0.1:${ports[at]}" }
logging: { level: info, format: text }
`
}

export function agentYaml(
  program: Program,
  token: string,
  advertised: string,
  metrics = 0,
): string {
  return `
mode: agent
agent:
  identity: { service_token: "${token}", region: eu, cert_path: ${program.folder}/a.crt, key_path: ${program.folder}/a.key }
  backends:
    - { service: web, address: ${AGENT}, advertise_address: ${advertised}, port: ${backends[0]!.port}, health_check: { type: tcp, interval: 1s, timeout: 500ms, failure_threshold: 2, success_threshold: 1 } }
  gossip: { encryption_key: "${GOSSIP_KEY}", overwatch_nodes: ["127.0.0.1:${ports.gossip}", "127.0.0.1:${ports.peerGossip}"], bind_address: "127.0.0.1:0" }
  drain_file: ${program.folder}/drain
  heartbeat: { interval: 1s }
  predictive:
    enabled: true
    check_interval: 500ms
    cgroup: ${program.folder}
    cpu: { threshold: 100, window: 1s }
    memory: { threshold: 100, window: 1s }
    error_rate: { threshold: 50, window: 2s, bleed_duration: 1s, source: { log: ${errorLog}, errors: FAILED } }
metrics: { enabled: ${metrics > 0}, address: "127.0.0.1:${metrics}" }
logging: { level: info, format: text }
`
}

export function start(name: string, yaml: (program: Program) => string): Program {
  const program = new Program('')
  if (name === 'agent') errorLog = join(program.folder, 'application.log')
  if (name === 'agent') writeFileSync(errorLog, '')
  writeGroup(program.folder, 0, 100)
  program.configure(yaml(program))
  program.start()
  programs.set(name, program)
  return program
}

export const one = (name: string): Program => programs.get(name)!

export async function scrape(node: Node): Promise<Scrape> {
  const response = await fetch(`http://127.0.0.1:${ports[node]}/metrics`)
  return readMetrics(await response.text())
}

/** The same; empty while the node does not answer. */
export const seen = (node: Node) => scrape(node).catch((): Scrape => new Map())

/** Starts the servers and both overwatches; the first one serves when this resolves. */
export async function begin(): Promise<void> {
  backends = await startBackends([...STATIC, AGENT])
  for (const name of PORTS) ports[name] = await freePort()
  start('overwatch', (program) => overwatchYaml(program, false))
  start('peer', (program) => overwatchYaml(program, true))
  const serves = async () => sumOf(await seen('overwatch'), 'overwatch_backends_healthy') === 2
  await until('the overwatch serves', serves, 30_000)
}

export async function end(): Promise<void> {
  programs.get('agent')?.signal('SIGCONT')
  await Promise.all([...programs.values()].map((program) => program.remove()))
  await Promise.all((backends ?? []).map((backend) => backend.stop()))
}

/** A question by UDP; nobody waits for the answer. */
export async function ask(name: string, times = 1): Promise<void> {
  const socket = createSocket('udp4')
  for (let id = 1; id <= times; id++) {
    const query = buildQuery({ id, name, type: 'A' })
    await new Promise((settle) => socket.send(query, ports.dns, '127.0.0.1', settle))
  }
  socket.close()
}

/**
 * A process that stands still is sent more than its receive buffer holds. What the kernel dropped
 * is told with what it takes after that, so questions follow until one is answered.
 */
export async function overflow(name: string): Promise<void> {
  const socket = createSocket('udp4')
  const send = (bytes: Uint8Array) =>
    new Promise((settle) => socket.send(bytes, ports.dns, '127.0.0.1', settle))
  let isAnswered = false
  socket.on('message', () => {
    isAnswered = true
  })
  one('overwatch').signal('SIGSTOP')
  for (let sent = 0; sent < 400; sent++) await send(new Uint8Array(60_000))
  one('overwatch').signal('SIGCONT')
  const query = buildQuery({ id: 1, name, type: 'A' })
  const asks = async () => {
    await send(query)
    return isAnswered
  }
  await until('a question is answered', asks)
  socket.close()
}

export async function call(method: string, path: string, body?: object): Promise<string> {
  const data = body === undefined ? [] : ['-d', JSON.stringify(body)]
  const url = `http://127.0.0.1:${ports.api}/api/v1${path}`
  const head = ['-H', 'content-type: application/json']
  return await output('curl', ['-s', '-m', '5', '-X', method, url, ...head, ...data])
}

/** A datagram of gossip under a key; what is inside is no message. */
export async function frame(key: Uint8Array): Promise<void> {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  const inside = Buffer.concat([cipher.update(Buffer.from([0xfe, 1, 2])), cipher.final()])
  const packet = Buffer.concat([Buffer.from([1]), nonce, inside, cipher.getAuthTag()])
  const socket = createSocket('udp4')
  await new Promise((settle) => socket.send(packet, ports.gossip, '127.0.0.1', settle))
  socket.close()
}
