/**
 * What an operator of the dashboard looks at: an overwatch with two regions and three checked
 * servers, a fourth one with an agent beside it, and a little traffic.
 */
import { createSocket, type Socket } from 'node:dgram'
import { type Backend, startBackends } from './backends.ts'
import { buildQuery } from './dns-query.ts'
import { GOSSIP_KEY, TOKEN } from './lab.ts'
import { freePort, Program, until } from './program.ts'

export const API_TOKEN = 'a-token-of-an-operator-in-a-test'
export const STATIC_NAME = 'app.gslb.test'
export const AGENT_NAME = 'web.gslb.test'
export const addresses = ['127.99.6.21', '127.99.6.22', '127.99.6.23'] as const
export const agentAddress = '127.99.6.24'

export interface DashboardWorld {
  readonly url: string
  readonly backends: readonly Backend[]
  /** Asks the API as a program does. */
  get(path: string): Promise<unknown>
  send(method: string, path: string, body?: object): Promise<number>
  stop(): Promise<void>
}

interface Ports {
  readonly dns: number
  readonly api: number
  readonly gossip: number
  readonly web: number
}

const CHECK =
  'health_check: { type: http, path: /health, interval: 1s, timeout: 500ms, ' +
  'failure_threshold: 2, success_threshold: 1 }'

const overwatchYaml = ({ dns, api, gossip, web }: Ports, folder: string) => `
mode: overwatch
dns: { listen_address: "127.0.0.1:${dns}", zones: [gslb.test] }
overwatch:
  identity: { node_id: ow-frankfurt-1, region: eu-central }
  agent_tokens: { web: "${TOKEN}" }
  gossip: { bind_address: "127.0.0.1:${gossip}", encryption_key: "${GOSSIP_KEY}", allowed_backends: [127.99.0.0/16] }
  validation: { check_interval: 1s, check_timeout: 500ms }
  data_dir: ${folder}/data
regions:
  - name: eu-central
    servers:
      - { address: ${addresses[0]}, port: ${web}, service: ${STATIC_NAME}, weight: 120 }
      - { address: ${addresses[1]}, port: ${web}, service: ${STATIC_NAME}, weight: 80 }
    ${CHECK}
  - name: us-east
    servers:
      - { address: ${addresses[2]}, port: ${web}, service: ${STATIC_NAME} }
    ${CHECK}
domains: [{ name: ${STATIC_NAME}, routing_algorithm: weighted, regions: [eu-central, us-east], ttl: 5 }]
api: { enabled: true, address: "127.0.0.1:${api}", auth: { tokens: ["${API_TOKEN}"] } }
metrics: { enabled: false }
logging: { level: info, format: text }
`

const agentYaml = ({ gossip, web }: Ports, folder: string) => `
mode: agent
agent:
  identity: { service_token: "${TOKEN}", region: eu-central, cert_path: ${folder}/a.crt, key_path: ${folder}/a.key }
  backends:
    - { service: web, address: ${agentAddress}, port: ${web}, ${CHECK} }
  gossip: { encryption_key: "${GOSSIP_KEY}", overwatch_nodes: ["127.0.0.1:${gossip}"], bind_address: "127.0.0.1:0" }
  heartbeat: { interval: 1s }
metrics: { enabled: false }
logging: { level: info, format: text }
`

/** Asks for the names, a few times a second, and does not care for the answers. */
function traffic(port: number): () => void {
  const socket: Socket = createSocket('udp4')
  socket.on('error', () => {})
  let id = 0
  const timer = setInterval(() => {
    for (const name of [STATIC_NAME, STATIC_NAME, AGENT_NAME])
      socket.send(buildQuery({ id: ++id & 0xffff, name, type: 'A' }), port, '127.0.0.1')
  }, 25)
  return () => {
    clearInterval(timer)
    socket.close()
  }
}

/** Starts all of it and waits until the agent's backend is served. */
export async function startDashboardWorld(env: NodeJS.ProcessEnv = {}): Promise<DashboardWorld> {
  const backends = await startBackends([...addresses, agentAddress])
  const [dns, api, gossip] = [await freePort(), await freePort(), await freePort()]
  const ports = { dns, api, gossip, web: backends[0]!.port }
  const programs = [new Program(''), new Program('')] as const
  const [overwatch, agent] = programs
  overwatch.configure(overwatchYaml(ports, overwatch.folder))
  agent.configure(agentYaml(ports, agent.folder))
  for (const program of programs) program.start([], env)
  const url = `http://127.0.0.1:${api}`
  const get = async (path: string): Promise<unknown> => (await fetch(`${url}${path}`)).json()
  const send = async (method: string, path: string, body?: object) => {
    const headers = { authorization: `Bearer ${API_TOKEN}`, 'content-type': 'application/json' }
    const text = body === undefined ? {} : { body: JSON.stringify(body) }
    return (await fetch(`${url}${path}`, { method, headers, ...text })).status
  }
  const serving = async (): Promise<number> => {
    const answer = await get('/api/v1/overwatch/stats').catch(() => ({}))
    return (answer as { serving_backends?: number }).serving_backends ?? 0
  }
  await until('four backends serve', async () => (await serving()) === 4, 40_000)
  const quiet = traffic(dns)
  return {
    url,
    backends,
    get,
    send,
    stop: async () => {
      quiet()
      await Promise.all(programs.map((program) => program.remove()))
      await Promise.all(backends.map((backend) => backend.stop()))
    },
  }
}
