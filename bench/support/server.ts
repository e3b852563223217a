/**
 * The built overwatch under load: started with N backends on loopback, its CPU and memory read
 * from /proc.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const execute = promisify(execFile)
const TICKS_PER_SECOND = 100

/** Accepts connections on every loopback address, so that 10,000 servers cost one socket. */
export function startSink(): Promise<{ port: number; close: () => void }> {
  const server: Server = createServer((socket) => socket.on('error', () => {}).end())
  return new Promise((resolve) => {
    server.listen(0, '0.0.0.0', 4096, () => {
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      resolve({ port, close: () => server.close() })
    })
  })
}

const backendAddress = (index: number) => `127.30.${index >> 8}.${index & 255}`

export interface ServerPlan {
  readonly backends: number
  readonly sinkPort: number
  readonly intervalSeconds: number
  readonly port: number
  /** Text of a zone file in place of a zone without records; written again by `setZone`. */
  readonly zone?: string
  /** Text of the configuration in place of the usual one, for a server with this folder. */
  readonly config?: (folder: string) => string
}

const serverLines = ({ backends, sinkPort }: ServerPlan) =>
  Array.from({ length: backends }, (_, index) => {
    const address = backendAddress(index)
    return `      - { address: ${address}, port: ${sinkPort}, service: app.bench.test }`
  }).join('\n')

const zonePath = (folder: string) => join(folder, 'bench.zone')
const zoneOf = ({ zone }: ServerPlan, folder: string) =>
  zone === undefined ? 'bench.test' : `{ name: bench.test, file: "${zonePath(folder)}" }`

const yamlOf = (plan: ServerPlan, folder: string) => `
dns: { listen_address: "127.0.0.1:${plan.port}", zones: [${zoneOf(plan, folder)}] }
regions:
  - name: local
    servers:
${serverLines(plan)}
    health_check: { type: tcp, interval: ${plan.intervalSeconds}s, timeout: 5s, failure_threshold: 2, success_threshold: 1 }
domains: [{ name: app.bench.test, regions: [local] }]
overwatch: { data_dir: "${folder}/data" }
logging: { level: error, format: text }
`

/** One A question; resolves to the RCODE, or undefined without an answer in 100 ms. */
export function askOnce(port: number, name: string): Promise<number | undefined> {
  const labels = name.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label)]))
  const header = Buffer.from([1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0])
  const query = Buffer.concat([header, ...labels, Buffer.from([0, 0, 1, 0, 1])])
  const socket = createSocket('udp4')
  return new Promise((resolve) => {
    const timer = setTimeout(() => end(undefined), 100)
    const end = (rcode: number | undefined) => {
      clearTimeout(timer)
      socket.close()
      resolve(rcode)
    }
    socket.on('message', (message) => end(message[3]! & 15))
    socket.on('error', () => end(undefined))
    socket.send(query, port, '127.0.0.1')
  })
}

export class LoadedServer {
  readonly folder = mkdtempSync(join(tmpdir(), 'opengslb-bench-'))
  readonly plan: ServerPlan
  #child: ChildProcess | undefined

  constructor(plan: ServerPlan) {
    this.plan = plan
    this.setConfig(plan.config?.(this.folder) ?? yamlOf(plan, this.folder))
    if (plan.zone !== undefined) this.setZone(plan.zone)
  }

  setConfig(text: string): void {
    writeFileSync(join(this.folder, 'config.yaml'), text, { mode: 0o600 })
  }

  setZone(text: string): void {
    writeFileSync(zonePath(this.folder), text)
  }

  /** Has it read its configuration again. */
  reload(): void {
    this.#child?.kill('SIGHUP')
  }

  /** Starts the process and waits for nothing. */
  launch(): void {
    const config = join(this.folder, 'config.yaml')
    this.#child = spawn(
      process.execPath,
      [here('../../../dist/bootstrap.js'), '--config', config],
      {
        stdio: ['ignore', 'inherit', 'inherit'],
      },
    )
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null
  }

  /** Starts it and resolves to the milliseconds until the first NOERROR answer. */
  async start(limitMs = 60_000): Promise<number> {
    const started = performance.now()
    this.launch()
    while (performance.now() - started < limitMs) {
      if (!this.isRunning) throw new Error('the server ended at start')
      if ((await askOnce(this.plan.port, 'app.bench.test')) === 0)
        return performance.now() - started
    }
    throw new Error('no answer within the limit')
  }

  /** User and system CPU of the whole process, seconds. */
  cpuSeconds(): number {
    const stat = readFileSync(`/proc/${this.#child?.pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
  }

  /** Resident set, MB. */
  residentMb(): number {
    const status = readFileSync(`/proc/${this.#child?.pid}/status`, 'utf8')
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024
  }

  kill(): void {
    this.#child?.kill('SIGKILL')
  }

  /** Ends the process and waits for its end. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.on('close', resolve))
    child.kill(signal)
    await ended
  }

  async stop(): Promise<void> {
    await this.end('SIGKILL')
    rmSync(this.folder, { recursive: true, force: true })
  }
}

export interface LoadResult {
  readonly sent: number
  readonly received: number
  readonly lost: number
  readonly seconds: number
  readonly rcodes: Readonly<Record<string, number>>
  /** Replies whose authority holds a denial and its signatures. */
  readonly proven: number
  readonly meanBytes: number
}

/** Asks so often for a name, with `--do` with DO; see bench/support/load.ts. */
export async function load(
  port: number,
  count: number,
  name: string,
  flags: readonly '--do'[] = [],
): Promise<LoadResult> {
  const { stdout } = await execute(process.execPath, [
    here('./load.js'),
    String(port),
    String(count),
    name,
    ...flags,
  ])
  return JSON.parse(stdout) as LoadResult
}
