/**
 * The whole product in one thread: the real actors and their catalogue, with simulated servers,
 * disk and listeners.
 *
 *     const product = await startProduct({ topology, seed: 7 })
 *     product.serve('192.0.2.1', 'down')
 *     await product.world.runFor(3_000)
 *     product.dns.ask('rr.example.com')
 *
 * After every step the invariants of docs/testing.md are checked (product-invariants.ts). Beside
 * that it only watches: what the prober publishes, what its checks saw, and who lives.
 */
import { sha256 } from '../../src/actors/api/ports-access.ts'
import { type AgentsConfig, agentsDefaults } from '../../src/actors/registry/contract.ts'
import type { ApiConfig } from '../../src/actors/api/contract.ts'
import type { DnsConfig } from '../../src/actors/dns/contract.ts'
import { proberDefaults } from '../../src/actors/prober/contract.ts'
import { contentOf } from '../../src/actors/registry/ports-content.ts'
import type { RegistryConfig } from '../../src/actors/registry/contract.ts'
import type { ShellConfig } from '../../src/actors/shell/contract.ts'
import type { MemberSpec, Topology } from '../../src/core/steer/topology.ts'
import type { AnyActor, AnyCtx } from '../../src/kernel/erased.ts'
import { countsInto } from './dns-counts.ts'
import type { ScriptedAgents } from './product-gossip.ts'
import { productActors, productCatalogue } from './product.ts'
import { ProductDisk } from './product-disk.ts'
import { ProductDns, ProductHttp } from './product-fronts.ts'
import { Invariants } from './product-invariants.ts'
import { Oracle, type State } from './product-oracle.ts'
import { type Tally, tallyMetrics } from './product-tally.ts'
import { membersOf } from './product-topology.ts'
import { type Behaviour, SimulatedServers } from './simulated-probes.ts'
import { type Life, World, type WorldChild } from './world.ts'

export const ACTORS = ['registry', 'dns', 'prober', 'api', 'shell'] as const
export type ActorName = (typeof ACTORS)[number]

/** What a server does; each of the last three fails its checks in another way. */
export type Mood = 'up' | 'down' | 'silent' | 'sick'

const MOODS: Readonly<Record<Mood, Behaviour>> = {
  up: { kind: 'http' },
  down: { kind: 'refused' },
  silent: { kind: 'silent' },
  sick: { kind: 'http', status: 503 },
}

export interface ProductOptions {
  readonly topology: Topology
  readonly seed: number
  readonly hasteChance?: number
  /** What each server does at the start, by address; up where none is given. */
  readonly moods?: Readonly<Record<string, Mood>>
  readonly guard?: RegistryConfig['guard']
  /** Steps between two looks at the invariants; 1 unless given. */
  readonly checkEvery?: number
  /** Stands in for the gossip actor; their servers are none of the topology. */
  readonly agents?: ScriptedAgents
  /** Further invariants, by name; each returns a sentence when it is broken. */
  readonly invariants?: Readonly<Record<string, (product: Product) => string | undefined>>
}

export class Product {
  readonly world: World
  readonly disk = new ProductDisk()
  readonly dns = new ProductDns()
  readonly http = new ProductHttp()
  readonly oracle: Oracle
  readonly tallies = new Map<string, Tally>()
  topology: Topology
  /** A false statement by an actor, found when it was made. */
  misstatement: string | undefined
  readonly #servers = new SimulatedServers()
  readonly #moods = new Map<string, { mood: Mood; sinceMs: number }>()
  readonly #states = new Map<string, string>()
  readonly #lives = new Map<string, Life>()
  readonly #options: ProductOptions
  #proberLived = true

  constructor(options: ProductOptions) {
    this.#options = options
    this.topology = options.topology
    const { checkEvery = 1 } = options
    const own = Object.entries(options.invariants ?? {})
    const checks = [
      ...Object.entries(new Invariants(this).all()),
      ...own.map(([name, holds]) => [name, () => holds(this)] as const),
    ].map(
      ([name, holds]) =>
        [name, () => (this.world.steps % checkEvery === 0 ? holds() : undefined)] as const,
    )
    this.world = new World({
      catalogue: productCatalogue,
      seed: options.seed,
      children: [
        ...ACTORS.map((name) => this.#child(name)),
        ...(options.agents === undefined ? [] : [{ name: 'gossip', actor: options.agents.actor }]),
      ],
      ...(options.hasteChance === undefined ? {} : { hasteChance: options.hasteChance }),
      invariants: {
        oracle: () => this.#step(),
        ...Object.fromEntries(checks),
      },
    })
    this.world.supervisor.onStateChanged(({ name, state }) => void this.#states.set(name, state))
    this.oracle = new Oracle(() => this.world.clock.monotonicMs())
    this.oracle.setMembers(membersOf(this.topology))
    for (const { address } of membersOf(this.topology))
      this.serve(address, options.moods?.[address] ?? 'up')
  }

  serve(address: string, mood: Mood): void {
    const sinceMs = this.world.clock.monotonicMs()
    const before = this.#moods.get(address)
    const turned = before === undefined || (before.mood === 'up') !== (mood === 'up')
    this.#moods.set(address, { mood, sinceMs: turned ? sinceMs : before.sinceMs })
    this.#servers.set(address, 80, MOODS[mood])
  }

  /** What the server does, and for how long it has been up, or not. */
  moodOf(address: string): { readonly mood: Mood; readonly forMs: number } {
    const { mood, sinceMs } = this.#moods.get(address) ?? { mood: 'up', sinceMs: 0 }
    return { mood, forMs: this.world.clock.monotonicMs() - sinceMs }
  }

  lives(name: ActorName): boolean {
    return this.#lives.get(name)?.isAlive() ?? false
  }

  /** It lives and its supervisor knows it to be up. */
  runs(name: ActorName): boolean {
    return this.#states.get(name) === 'running' && this.lives(name)
  }

  /** 1 for the first start. */
  incarnationOf(name: ActorName): number {
    return this.#lives.get(name)?.incarnation ?? 0
  }

  /** Servers of the new topology are up unless something else was said of them. */
  reload(topology: Topology): void {
    this.topology = topology
    this.oracle.disturbed()
    for (const { address } of membersOf(topology))
      if (!this.#moods.has(address)) this.serve(address, 'up')
    const registry = this.#registryConfig()
    this.world.supervisor.reconfigure({ registry })
  }

  /** Sends a request and drives the world until it ends; undefined when it gets no answer. */
  async request(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; body: unknown } | undefined> {
    const answer = this.http.request(API, method, path, body)
    if (answer === undefined) return undefined
    // A shell that dies takes the connection with it.
    const patience = new Promise<undefined>(
      (resolve) => void this.world.clock.after(6_000, () => resolve(undefined)),
    )
    return await this.world.finish(Promise.race([answer, patience]))
  }

  /** Orders a state and asks again until it is answered, as an operator would. */
  async override(key: string, state: Exclude<State, 'unknown'> | undefined): Promise<void> {
    const [service, address, port] = splitKey(key)
    const path = `/api/v1/overwatch/backends/${service}/${encodeURIComponent(address)}/${port}/override`
    for (let attempt = 0; attempt < 50; attempt++) {
      this.oracle.ordered(key, state, false)
      const body = { healthy: state === 'up', reason: 'test', force: true }
      const answer =
        state === undefined
          ? await this.request('DELETE', path)
          : await this.request('POST', path, body)
      // 404: there is nothing to end (any more).
      if (answer?.status === 200 || (state === undefined && answer?.status === 404)) {
        this.oracle.ordered(key, state, true)
        return
      }
      await this.world.runFor(100)
    }
    throw new Error(`seed ${this.#options.seed}: no answer to the order for ${key}`)
  }

  #step(): string | undefined {
    const lives = this.lives('prober')
    if (this.#proberLived && !lives) this.oracle.proberDied()
    this.#proberLived = lives
    const links = ['registry', 'dns', 'prober'] as const
    this.oracle.stepped(links.every((name) => this.runs(name)))
    return this.misstatement
  }

  #registryConfig(): RegistryConfig {
    return {
      ...contentOf(this.topology, 0),
      hashSeed: DNS.hashSeed,
      dataDir: '',
      guard: this.#options.guard ?? { enabled: true, maxWithdrawnShare: 0.5 },
      eventLog: { retentionMs: 86_400_000, maxBytes: 1_000_000 },
      agents: this.#options.agents === undefined ? agentsDefaults : AGENTS,
    }
  }

  #child(name: ActorName): WorldChild {
    const actor = this.#watched(productActors[name] as unknown as AnyActor)
    const ports = (life: Life) => {
      this.#lives.set(name, life)
      return this.#ports(name, life)
    }
    const configs = {
      registry: this.#registryConfig(),
      dns: { ...DNS, turns: new SharedArrayBuffer(8 * 64) },
      prober: proberDefaults,
      api: APIS,
      shell: SHELL,
    }
    return { name, actor, ports, config: configs[name] }
  }

  /** The definition itself, with a look at what it publishes and counts. */
  #watched(actor: AnyActor): AnyActor {
    return {
      name: actor.name,
      start: (ctx: AnyCtx, ports, config) => {
        const tally = tallyMetrics()
        this.tallies.set(actor.name, tally)
        const life = this.#lives.get(actor.name)
        const publish = (id: string, message: unknown) => {
          // What an ended incarnation still says reaches nobody.
          if (life?.isAlive() !== true) return
          if (id === 'prober.verdict-changed') this.#heard(message)
          if (id === 'registry.targets-set') this.#targeted(message)
          ctx.publish(id, message)
        }
        const lend = countsInto(tally.metrics)
        return actor.start({ ...ctx, publish, lend, metrics: tally.metrics }, ports, config)
      },
    }
  }

  #heard(message: unknown): void {
    const { target, verdict } = message as { target: string; verdict: State }
    if (this.oracle.mayAnnounce(target, verdict)) return
    this.misstatement = `${target} is announced ${verdict}, and its checks do not add up to that`
  }

  #targeted(message: unknown): void {
    const { targets } = message as { targets: readonly { member: MemberSpec }[] }
    this.oracle.setMembers(targets.map(({ member }) => member))
  }

  #ports(name: ActorName, life: Life): unknown {
    if (name === 'registry') return this.disk.ports(life)
    if (name === 'dns') return this.dns.ports(life)
    if (name === 'shell') return this.http.ports(life)
    if (name === 'prober') return this.#probes(life)
    return {
      askDns: async (_address: string, question: string) => {
        const heard = this.dns.ask(question)
        return heard === undefined ? { code: 'timed-out' } : { code: 'answered', ...heard }
      },
      machine: () => MACHINE,
      randomBytes: (count: number) => new Uint8Array(count),
      readDocument: async () => undefined,
      writeDocument: async () => ({ code: 'written' }),
      platform: 'test/test',
      nodeVersion: 'v0',
      sha256,
    }
  }

  #probes(life: Life) {
    const servers = this.#servers.ports(life.clock)
    const probe: typeof servers.probe = async (member, signal) => {
      if (life.isAlive() && this.oracle.isWithdrawn(member.key))
        this.misstatement = `${member.key} is checked, though it was withdrawn`
      const outcome = await servers.probe(member, signal)
      const counts = life.isAlive() && outcome.inconclusive !== true && signal?.aborted !== true
      if (counts) this.oracle.observed(member.key, outcome.ok)
      return outcome
    }
    return { probe }
  }
}

const MACHINE = {
  ...{ rssBytes: 1, totalBytes: 1, availableBytes: 0, cores: 1 },
  ...{ userMs: 0, systemMs: 0, idleMs: 0, processMs: 0 },
}

const AGENTS: AgentsConfig = {
  ...agentsDefaults,
  chorus: {
    ...agentsDefaults.chorus,
    roll: { domains: [], zones: ['example.com'], staleMs: 3_000, removeAfterMs: 6_000 },
  },
  validation: { ...agentsDefaults.validation, intervalMs: 1_000, vetoThreshold: 2 },
  service: { ...agentsDefaults.service, answers: 8, holdDownMs: 0 },
}

const API = '127.0.0.1:8080'

const SHELL: ShellConfig = {
  reloads: { succeeded: 0, failed: 0, lastMs: 0, loadedMs: 0 },
  api: { address: API, enabled: true },
  metrics: { address: '127.0.0.1:9090', enabled: false, allowedNetworks: [] },
}

const APIS: ApiConfig = {
  version: 'test',
  nodeId: 'node',
  region: 'r1',
  mode: 'overwatch',
  allowedNetworks: ['127.0.0.0/8'],
  tokens: [],
  authRequired: false,
  dnsAddress: '127.0.0.1:53',
  probeName: 'rr.example.com',
  startedAtMs: 0,
}

const DNS: Omit<DnsConfig, 'turns'> = {
  sockets: [],
  listenAddress: '127.0.0.1:53',
  udpPayloadSize: 1_232,
  nsid: '',
  versionString: '',
  hashSeed: 7,
  tcp: { maxConnections: 8, maxConnectionsPerClient: 8, idleTimeoutMs: 1_000, maxPipelined: 8 },
}

/** `service:address:port`; an IPv6 address is in brackets. */
function splitKey(key: string): readonly [string, string, string] {
  const parts = /^([^:]+):\[?(.+?)\]?:(\d+)$/.exec(key)
  if (parts === null) throw new Error(`${key} is no key of a server`)
  return [parts[1]!, parts[2]!, parts[3]!]
}

/** A product whose actors are all up. */
export async function startProduct(options: ProductOptions): Promise<Product> {
  const product = new Product(options)
  await product.world.start()
  return product
}
