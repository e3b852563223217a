/**
 * One overwatch and agents beside backends, as processes on loopback addresses, with what a test
 * asks of them: answers of DNS, calls of the API, the command line.
 */
import { join } from 'node:path'
import { type Backend, startBackends } from './backends.ts'
import { GOSSIP_KEY, TOKEN } from './lab.ts'
import { freePort, Program, projectRoot, until } from './program.ts'
import { dig, output } from './tools.ts'

export const NAME = 'web.gslb.test'

/** Questions asked at one time, each by a process of its own. */
const AT_ONCE = 10

/** Lines of YAML beneath `overwatch:` and `agent:`, in place of those of the same key. */
export type Keys = Readonly<Record<string, string>>

const yamlOf = (keys: Keys) =>
  Object.entries(keys)
    .map(([key, value]) => `  ${key}: ${value}`)
    .join('\n')

export interface Called {
  readonly status: number
  json(): unknown
}

export class AgentSite {
  readonly addresses: readonly string[]
  readonly agents: Program[] = []
  readonly measured: string[] = []
  readonly overwatch = new Program('')
  backends: Backend[] = []
  /** Of agents that are started from now on. */
  agentEnv: NodeJS.ProcessEnv = {}
  ports = { dns: 0, api: 0, gossip: 0 }
  /** More sections of the overwatch's file. */
  sections: (folder: string) => string = () => ''
  readonly #keys: Keys

  /** @param keys of the overwatch */
  constructor(addresses: readonly string[], keys: Keys = {}) {
    this.addresses = addresses
    this.#keys = keys
  }

  /** Starts backends, overwatch and one agent each, and waits until all are answered. */
  async start(keys: Keys | ((address: string) => Keys) = {}): Promise<void> {
    this.backends = await startBackends(this.addresses)
    this.ports = { dns: await freePort(), api: await freePort(), gossip: await freePort() }
    this.configure()
    this.overwatch.start()
    for (const address of this.addresses)
      this.startAgent(address, typeof keys === 'function' ? keys(address) : keys)
    if (this.addresses.length > 0) await this.comes('registered', this.all, 30_000)
    await this.overwatch.logged('http listening', 20_000)
  }

  get all(): string {
    return this.addresses.join(' ')
  }

  configure(keys: Keys = {}): void {
    const { dns, api } = this.ports
    const own: Keys = {
      identity: '{ node_id: ow1, region: eu }',
      agent_tokens: `{ web: "${TOKEN}" }`,
      gossip: this.gossipKeys(),
      validation: '{ check_interval: 1s, check_timeout: 500ms }',
      data_dir: `${this.overwatch.folder}/data`,
    }
    this.overwatch.configure(`
mode: overwatch
dns: { listen_address: "127.0.0.1:${dns}", zones: [gslb.test] }
overwatch:
${yamlOf({ ...own, ...this.#keys, ...keys })}
api: { enabled: true, address: "127.0.0.1:${api}" }
metrics: { enabled: false }
logging: { level: info, format: text }
${this.sections(this.overwatch.folder)}
`)
  }

  /** The value of `overwatch.gossip`, with more keys. */
  gossipKeys(more = ''): string {
    const place = `"127.0.0.1:${this.ports.gossip}"`
    return `{ bind_address: ${place}, encryption_key: "${GOSSIP_KEY}", allowed_backends: [127.99.0.0/16]${more} }`
  }

  startAgent(address: string, keys: Keys = {}): Program {
    const agent = new Program('')
    const { port } = this.backends[0]!
    const check =
      '{ type: http, path: /, interval: 1s, timeout: 500ms, failure_threshold: 2, success_threshold: 1 }'
    const own: Keys = {
      identity: `{ service_token: "${TOKEN}", region: eu, cert_path: ${agent.folder}/a.crt, key_path: ${agent.folder}/a.key }`,
      backends: `[{ service: web, address: ${address}, port: ${port}, health_check: ${check} }]`,
      gossip: `{ encryption_key: "${GOSSIP_KEY}", overwatch_nodes: ["127.0.0.1:${this.ports.gossip}"], bind_address: "127.0.0.1:0" }`,
      heartbeat: '{ interval: 1s }',
    }
    agent.configure(`
mode: agent
agent:
${yamlOf({ ...own, ...keys })}
metrics: { enabled: false }
logging: { level: info, format: text }
`)
    agent.start([], this.agentEnv)
    this.agents.push(agent)
    return agent
  }

  /** The addresses given over some turns, one in each answer. */
  async served(turns = 4): Promise<string> {
    const seen = new Set<string>()
    for (let turn = 0; turn < turns; turn++)
      for (const line of (await dig(this.ports.dns, NAME)).answer) seen.add(line.slice(2))
    return [...seen].sort().join(' ')
  }

  /** The share of answers that hold the address, 0-1; of those that came, on a busy machine. */
  async shareOf(address: string, asked = 60): Promise<number> {
    let [came, held] = [0, 0]
    for (let at = 0; at < asked; at += AT_ONCE) {
      const turns = Array.from({ length: AT_ONCE }, () => dig(this.ports.dns, NAME))
      for (const { answer } of await Promise.all(turns)) {
        if (answer.length > 0) came++
        if (answer.includes(`A ${address}`)) held++
      }
    }
    return held / came
  }

  async status(): Promise<string> {
    return (await dig(this.ports.dns, NAME)).status
  }

  /** Waits for the addresses to be those, and notes how long it took. */
  async comes(what: string, wanted: string, limitMs = 10_000): Promise<number> {
    const tookMs = await until(what, async () => (await this.served()) === wanted, limitMs)
    this.measured.push(`${what}: ${Math.round(tookMs)} ms`)
    return tookMs
  }

  /** With curl: what `fetch` sends says that it is a browser, which needs a token for changes. */
  async call(method: string, path: string, body?: object): Promise<Called> {
    const data = body === undefined ? [] : ['-d', JSON.stringify(body)]
    const url = `http://127.0.0.1:${this.ports.api}/api/v1${path}`
    const head = ['-H', 'content-type: application/json', '-w', '\n%{http_code}']
    const text = await output('curl', ['-s', '-m', '5', '-X', method, url, ...head, ...data])
    const end = text.lastIndexOf('\n')
    return { status: Number(text.slice(end + 1)), json: () => JSON.parse(text.slice(0, end)) }
  }

  cli(...words: readonly string[]): Promise<string> {
    const api = ['--api', `http://127.0.0.1:${this.ports.api}`]
    const main = join(projectRoot, 'dist', 'cli', 'main.js')
    return output(process.execPath, [main, ...api, ...words])
  }

  async remove(): Promise<void> {
    if (this.measured.length > 0) console.info(this.measured.join('\n'))
    await Promise.all([this.overwatch, ...this.agents].map((program) => program.remove()))
    await Promise.all(this.backends.map((backend) => backend.stop()))
  }
}
