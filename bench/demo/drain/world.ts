/**
 * The world of the demo: one overwatch, three web backends with an agent each, a real unbound
 * where there is one; every part a process of its own on a loopback address of its own.
 */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type DrainSeen, OverwatchApi } from './api.ts'
import { FakeCgroup } from './cgroup.ts'
import {
  addresses,
  type AgentPlan,
  agentYaml,
  NAME,
  overwatchYaml,
  type Ports,
  unboundConf,
} from './configs.ts'
import { Lookup } from './lookup.ts'
import {
  type Child,
  freePort,
  keepFolder,
  removeFolder,
  startModule,
  startProgram,
  temporaryFolder,
  until,
} from './process.ts'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
// A demo is run from the root of the project, wherever it was compiled to.
const program = resolve('dist', 'opengslb.js')

const ROW_WITHOUT = 30

function unboundPath(): string | undefined {
  const found = ['/usr/sbin/unbound', '/usr/local/sbin/unbound', '/usr/bin/unbound']
  return found.find((path) => existsSync(path))
}

interface WordOfBackend {
  readonly listening?: boolean
  readonly checkedMs?: number
  readonly path?: string
}

/** One backend and its agent. */
export class Site {
  readonly plan: AgentPlan
  readonly configPath: string
  readonly cgroup: FakeCgroup
  backend: Child | undefined
  agent: Child | undefined
  /** When health checks of the present agent were answered, Unix milliseconds. */
  checkedMs: number[] = []
  /** Starts of the agent so far: each checks a path of its own, since one may outlive its agent. */
  #starts = 0
  readonly #yaml: (checkPath: string) => string

  constructor(plan: AgentPlan, gossipPort: number, key: string) {
    this.plan = plan
    this.configPath = join(plan.folder, 'agent.yaml')
    mkdirSync(plan.folder, { recursive: true })
    this.cgroup = new FakeCgroup(plan.cgroup)
    this.#yaml = (checkPath) => agentYaml(plan, gossipPort, key, checkPath)
  }

  get #checkPath(): string {
    return `/health?start=${this.#starts}`
  }

  get address(): string {
    return this.plan.address
  }

  get drainFile(): string {
    return join(this.plan.folder, 'drain')
  }

  async startBackend(): Promise<void> {
    const { address, port } = this.plan
    const child = startModule(here('./backend.js'), [address, String(port), addresses.overwatch])
    this.backend = child
    await new Promise<void>((resolve) =>
      child.process.on('message', ({ listening, checkedMs, path }: WordOfBackend) => {
        if (listening) resolve()
        if (checkedMs !== undefined && path === this.#checkPath) this.checkedMs.push(checkedMs)
      }),
    )
  }

  startAgent(): void {
    this.checkedMs = []
    this.#starts++
    writeFileSync(this.configPath, this.#yaml(this.#checkPath), { mode: 0o600 })
    const log = join(this.plan.folder, 'agent.log')
    this.agent = startProgram(process.execPath, [program, '--config', this.configPath], log)
  }
}

export class World {
  readonly folder = temporaryFolder('opengslb-demo-')
  readonly sites: Site[] = []
  readonly key = randomBytes(32).toString('base64')
  ports!: Ports
  appPort = 0
  unboundPort = 0
  api!: OverwatchApi
  lookup!: Lookup
  #overwatch: Child | undefined
  #unbound: Child | undefined

  /** Starts all of it, and resolves once every backend is in the answers. */
  async start(): Promise<void> {
    const host = addresses.overwatch
    const [dns, api, gossip, metrics] = [
      await freePort(host),
      await freePort(host),
      await freePort(host),
      await freePort(host),
    ]
    this.ports = { dns, api, gossip, metrics }
    this.appPort = await freePort(addresses.backends[0])
    this.api = new OverwatchApi(host, api)
    this.lookup = new Lookup(host, dns)
    const path = join(this.folder, 'overwatch.yaml')
    writeFileSync(path, overwatchYaml(this.folder, this.ports, this.key), { mode: 0o600 })
    const log = join(this.folder, 'overwatch.log')
    this.#overwatch = startProgram(process.execPath, [program, '--config', path], log)
    for (const [index, address] of addresses.backends.entries())
      this.sites.push(await this.#site(index, address))
    await Promise.all(this.sites.map((site) => site.startBackend()))
    for (const site of this.sites) site.startAgent()
    for (const site of this.sites) await this.inAnswers(site.address, true, 40_000)
    await until('the API is ready', () => this.api.isReady(), 40_000)
    // Only now: a resolver remembers for seconds that a name could not be answered.
    await this.#startUnbound()
  }

  /** Resolves with Unix milliseconds when the address is in the answers, or is in none. */
  async inAnswers(address: string, wanted: boolean, limitMs = 20_000): Promise<number> {
    const limit = Date.now() + limitMs
    let without = 0
    for (let firstMs = 0; Date.now() < limit; ) {
      const found = await this.lookup.once(NAME, 500)
      const has = found?.addresses.includes(address) ?? !wanted
      if (wanted && has) return Date.now()
      // Answers rotate, and others ask too: only a long row without it is no accident.
      if (has || without === 0) firstMs = Date.now()
      without = has ? 0 : without + 1
      if (!wanted && without >= ROW_WITHOUT) return firstMs
    }
    throw new Error(`${address} never ${wanted ? 'came into' : 'left'} the answers`)
  }

  drainOf(site: Site): Promise<DrainSeen | undefined> {
    return this.api.drainOf(site.address)
  }

  /** Actors of the overwatch that fell. */
  falls(): number {
    return readFileSync(join(this.folder, 'overwatch.log'), 'utf8').split('"actor fell"').length - 1
  }

  async stop(isKept = false): Promise<void> {
    const children = this.sites.flatMap(({ agent, backend }) => [agent, backend])
    for (const child of [...children, this.#unbound, this.#overwatch]) await child?.end()
    for (const { cgroup } of this.sites) cgroup.close()
    this.lookup.close()
    if (isKept) {
      keepFolder(this.folder)
      process.stderr.write(`logs kept in ${this.folder}\n`)
    } else removeFolder(this.folder)
  }

  async #site(index: number, address: string): Promise<Site> {
    const folder = join(this.folder, `site-${index + 1}`)
    const cgroup = join(folder, 'cgroup')
    const [apiPort, metricsPort] = [await freePort(address), await freePort(address)]
    const plan = { address, port: this.appPort, apiPort, metricsPort, folder, cgroup }
    return new Site(plan, this.ports.gossip, this.key)
  }

  async #startUnbound(): Promise<void> {
    const path = unboundPath()
    if (path === undefined) return
    this.unboundPort = await freePort(addresses.resolver)
    const conf = join(this.folder, 'unbound.conf')
    writeFileSync(conf, unboundConf(this.folder, this.unboundPort, this.ports.dns))
    this.#unbound = startProgram(path, ['-d', '-c', conf], join(this.folder, 'unbound.log'))
    const lookup = new Lookup(addresses.resolver, this.unboundPort)
    await until('unbound answers', async () => (await lookup.once(NAME, 300))?.rcode === 'NOERROR')
    lookup.close()
  }
}

export function unboundVersion(): string {
  const path = unboundPath()
  if (path === undefined) return 'none'
  try {
    return /Version ([\d.]+)/.exec(execFileSync(path, ['-V'], { encoding: 'utf8' }))?.[1] ?? '?'
  } catch {
    return '?'
  }
}
