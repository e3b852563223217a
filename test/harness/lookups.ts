/**
 * Real resolvers in front of a cluster: glibc with its defaults, glibc with short times, unbound as
 * a forwarder, and unbound that asks each server ten times as the guide has it, all with the same
 * three name servers.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { projectRoot } from './program.ts'

const UNBOUND_PORT = 5_300

export interface Lookup {
  readonly client: string
  readonly isFound: boolean
  /** Of the machine's monotonic clock. */
  readonly startedMs: number
  readonly tookMs: number
}

/** An unbound that forwards all to these servers and keeps nothing; `more` lines of its server. */
export const forwarderConf = (
  folder: string,
  servers: readonly string[],
  port: number,
  more = '',
) => `server:
  interface: 127.0.0.1@${port}
${more}
  username: ""
  chroot: ""
  directory: "${folder}"
  pidfile: ""
  use-syslog: no
  do-ip6: no
  module-config: "iterator"
  cache-max-ttl: 0
  cache-max-negative-ttl: 0
forward-zone:
  name: "."
${servers.map((one) => `  forward-addr: ${one}`).join('\n')}
`

export class Lookups {
  readonly all: Lookup[] = []
  readonly #folder = mkdtempSync(join(tmpdir(), 'opengslb-lookups-'))
  readonly #unbounds: readonly ChildProcess[]
  readonly #child: ChildProcess
  readonly #ended: Promise<void>

  /**
   * @param place the words that run a command where the clients live
   * @param everyMs between two lookups of one client
   */
  constructor(place: readonly string[], servers: readonly string[], name: string, everyMs: number) {
    const folder = this.#folder
    const resolv = join(folder, 'resolv.conf')
    writeFileSync(resolv, servers.map((one) => `nameserver ${one}\n`).join(''))
    const run = (words: readonly string[], stdin: 'ignore' | 'pipe') => {
      const [command, ...rest] = [...place, ...words]
      return spawn(command!, rest, { stdio: [stdin, 'pipe', 'ignore'] })
    }
    this.#unbounds = [UNBOUND_PORT, UNBOUND_PORT + 1].map((port) => {
      const conf = join(folder, `unbound-${port}.conf`)
      writeFileSync(
        conf,
        forwarderConf(
          folder,
          servers,
          port,
          port === UNBOUND_PORT ? '' : '  outbound-msg-retry: 10',
        ),
      )
      return run(['unbound', '-d', '-c', conf], 'ignore')
    })
    const script = join(projectRoot, 'test/harness/lookups.mjs')
    const own = `exec ${process.execPath} ${script} ${name} ${everyMs} ${UNBOUND_PORT}`
    const mounted = `mount --bind ${resolv} /etc/resolv.conf && ${own}`
    this.#child = run(['unshare', '-m', 'sh', '-c', mounted], 'pipe')
    this.#ended = new Promise((resolve) => this.#child.once('close', () => resolve()))
    let left = ''
    this.#child.stdout!.on('data', (chunk: Buffer) => {
      const lines = (left + chunk.toString()).split('\n')
      left = lines.pop() ?? ''
      for (const line of lines) {
        const [client = '', outcome, startedMs, tookMs] = line.split(' ')
        const times = { startedMs: Number(startedMs), tookMs: Number(tookMs) }
        this.all.push({ client, isFound: outcome === 'found', ...times })
      }
    })
  }

  get lost(): readonly Lookup[] {
    return this.all.filter(({ isFound }) => !isFound)
  }

  /** Begins no more, and resolves once those that were begun have ended. */
  async finish(): Promise<void> {
    this.#child.stdin!.end()
    await this.#ended
  }

  close(): void {
    this.#child.kill('SIGKILL')
    for (const unbound of this.#unbounds) unbound.kill('SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
