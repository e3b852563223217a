/**
 * A cluster of built programs with real etcd, each in a network namespace where root allows it, and
 * a client that asks all of them all the time.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { Lab } from './lab.ts'
import { Program, projectRoot, until } from './program.ts'
import { output } from './tools.ts'

export const CLUSTER_NAME = 'app.example.com'
const [API, RAFT, METRICS] = [8080, 7000, 9090]

/** One answer heard; moments are of the machine's monotonic clock. */
export interface Heard {
  readonly node: number
  readonly sentMs: number
  readonly gotMs: number
  readonly rcode: number
  readonly answers: number
}

export const machineMs = (): number => Number(process.hrtime.bigint()) / 1e6

const NOERROR = 0
export const REFUSED = 5

export interface SiteOptions {
  /** Lines under `cluster.raft`, after those that every node has. */
  readonly raft?: string
  /** Lines under `cluster`. */
  readonly cluster?: string
  /** Called with the folder of each node before its first start. */
  readonly prepare?: (folder: string) => void
  /** Words before the program of a node. */
  readonly prefix?: (node: number) => readonly string[]
  /** Port of DNS. */
  readonly dns?: number
  /** DNS is answered at every address of the node. */
  readonly isWildcard?: boolean
  readonly inNamespaces?: boolean
  readonly logLevel?: string
}

export class ClusterSite {
  readonly lab: Lab
  readonly heard: Heard[] = []
  readonly programs = new Map<number, Program>()
  readonly #options: SiteOptions
  #asker: ChildProcess | undefined

  constructor(options: SiteOptions = {}) {
    this.#options = options
    this.lab = new Lab(options.inNamespaces ?? true)
  }

  get #dns(): number {
    return this.#options.dns ?? 5353
  }

  /** Nodes are numbered from 1. */
  address(node: number): string {
    return this.lab.address(node)
  }

  yaml(node: number, folder: string): string {
    const at = this.address(node)
    const dns = this.#options.isWildcard === true ? '' : at
    return `
dns: { listen_address: "${dns}:${this.#dns}", default_ttl: 60, zones: [example.com], threads: 1 }
regions:
  - name: us-east-1
    servers:
      - { address: 10.0.1.10, port: 80, weight: 100 }
      - { address: 10.0.1.11, port: 80, weight: 100 }
    health_check: { type: tcp, interval: 60s, timeout: 500ms, failure_threshold: 3 }
domains:
  - { name: ${CLUSTER_NAME}, routing_algorithm: weighted, regions: [us-east-1], ttl: 30, when_all_down: all }
logging: { level: ${this.#options.logLevel ?? 'info'}, format: text }
metrics: { enabled: true, address: "${at}:${METRICS}" }
api: { enabled: true, address: "${at}:${API}", allowed_networks: [10.0.0.0/8, 127.0.0.0/8] }
overwatch: { data_dir: ${folder}/data }
cluster:
  mode: cluster
${this.#options.cluster ?? ''}
  gossip: { encryption_key: "${Buffer.alloc(32, 7).toString('base64')}" }
  raft:
    data_dir: ${folder}/raft
${this.#options.raft ?? ''}
`
  }

  /** The flags of the guide. */
  flags(node: number): readonly string[] {
    const own = ['--mode', 'cluster', '--node-name', `node-${node}`]
    const bind = ['--bind-address', `${this.address(node)}:${RAFT}`]
    const entry = node === 1 ? ['--bootstrap'] : ['--join', `${this.address(1)}:${RAFT}`]
    return [...own, ...bind, ...entry]
  }

  start(node: number, flags: readonly string[] = this.flags(node)): Program {
    const known = this.programs.get(node)
    const own = this.#options.prefix?.(node) ?? []
    const program = known ?? new Program('', [...this.lab.place(node), ...own])
    if (known === undefined) {
      program.configure(this.yaml(node, program.folder))
      this.#options.prepare?.(program.folder)
    }
    this.programs.set(node, program)
    program.start(flags)
    return program
  }

  program(node: number): Program {
    const program = this.programs.get(node)
    if (program === undefined) throw new Error(`node ${node} was never started`)
    return program
  }

  /** Founds a cluster and lets the others join. */
  async form(count: number, limitMs = 120_000): Promise<void> {
    this.start(1)
    await this.program(1).logged('this node is now the cluster leader', limitMs)
    for (let node = 2; node <= count; node++) this.start(node)
    await until(`${count} voters`, () => this.isWhole(count), limitMs)
  }

  async api(node: number, method: string, path: string, body?: object): Promise<string> {
    const url = `http://${this.address(node)}:${API}/api/v1${path}`
    const data = body === undefined ? [] : ['-d', JSON.stringify(body)]
    const head = ['-H', 'content-type: application/json']
    const words = ['curl', '-s', '-m', '5', '-X', method, url, ...head, ...data]
    return await this.lab.run(this.lab.place(node), ...words).catch(() => '')
  }

  async read<T>(node: number, path: string): Promise<T | undefined> {
    const text = await this.api(node, 'GET', path)
    try {
      return JSON.parse(text) as T
    } catch {
      return undefined
    }
  }

  metrics(node: number): Promise<string> {
    const url = `http://${this.address(node)}:${METRICS}/metrics`
    return this.lab.run(this.lab.place(node), 'curl', '-s', '-m', '5', url)
  }

  /** Every node votes and is alive, as one of them sees it. */
  async isWhole(count: number, seenBy = 1): Promise<boolean> {
    interface Row {
      readonly is_voter: boolean
      readonly is_alive: boolean
    }
    const told = await this.read<{ members?: Row[] }>(seenBy, '/cluster/members')
    const members = told?.members ?? []
    return members.length === count && members.every((one) => one.is_voter && one.is_alive)
  }

  /** Begins to ask nodes 1 to `count`. */
  ask(count: number, everyMs = 10): void {
    const script = join(projectRoot, 'test/harness/cluster-asker.mjs')
    const addresses = Array.from({ length: count }, (_, at) => this.address(at + 1))
    const own = [process.execPath, script, CLUSTER_NAME, String(this.#dns), String(everyMs)]
    const [command, ...rest] = [...this.lab.hub, ...own, ...addresses]
    const asker = spawn(command!, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#asker = asker
    let left = ''
    asker.stdout.on('data', (chunk: Buffer) => {
      const lines = (left + chunk.toString()).split('\n')
      left = lines.pop() ?? ''
      for (const line of lines) {
        const [node = 0, sentMs = 0, gotMs = 0, rcode = 0, answers = 0] = line
          .split(' ')
          .map(Number)
        this.heard.push({ node: node + 1, sentMs, gotMs, rcode, answers })
      }
    })
  }

  isAnswer({ rcode, answers }: Heard): boolean {
    return rcode === NOERROR && answers > 0
  }

  /** Who answered last. */
  leader(): number | undefined {
    return this.heard.findLast((one) => this.isAnswer(one))?.node
  }

  /**
   * Answers of a node to questions that were asked after another had answered a later-led epoch:
   * what two leaders at once would give.
   */
  doubled(fromMs: number): readonly Heard[] {
    const answers = this.heard
      .filter((one) => one.sentMs >= fromMs && this.isAnswer(one))
      .sort((a, b) => a.gotMs - b.gotMs)
    const firstGot = new Map<number, number>()
    for (const { node, gotMs } of answers) if (!firstGot.has(node)) firstGot.set(node, gotMs)
    const order = [...firstGot].sort((a, b) => a[1] - b[1]).map(([node]) => node)
    return answers.filter(({ node, sentMs }) => {
      const next = order[order.indexOf(node) + 1]
      return next !== undefined && sentMs > firstGot.get(next)!
    })
  }

  /** Processes of a node: its own, and its etcd. */
  async pids(node: number): Promise<readonly number[]> {
    const own = this.program(node).pid
    const children = await output('pgrep', ['-P', String(own)]).catch(() => '')
    const pids = children.split('\n').map(Number)
    return [...pids.filter((pid) => pid > 0), own]
  }

  async signal(node: number, name: NodeJS.Signals): Promise<void> {
    for (const pid of await this.pids(node))
      try {
        process.kill(pid, name)
      } catch (error) {
        // An etcd that ends by itself may do so between the look and the signal.
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
      }
  }

  /** Nothing passes between a node and the others; clients reach it. */
  cut(node: number): void {
    this.lab.cut(node)
  }

  heal(node: number): void {
    this.lab.heal(node)
  }

  async close(): Promise<void> {
    this.#asker?.kill('SIGKILL')
    for (const program of this.programs.values()) {
      program.signal('SIGCONT')
      await program.remove()
    }
    this.lab.close()
  }
}
