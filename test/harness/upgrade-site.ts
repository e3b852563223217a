/**
 * The program with three checked backends behind one name, to be replaced again and again.
 */
import { type Backend, startBackends } from './backends.ts'
import { freePort, Program, until } from './program.ts'
import { Succession } from './succession.ts'
import { dig } from './tools.ts'

export const NAME = 'app.upgrade.test'

export class UpgradeSite {
  readonly program = new Program('')
  readonly succession = new Succession(this.program)
  readonly addresses: readonly string[]
  /** Lines of the section `dns`, as YAML in braces has them: `threads: 2,`. */
  readonly #dns: string
  backends: Backend[] = []
  ports = { dns: 0, api: 0 }

  constructor(addresses: readonly string[], dns = '') {
    this.addresses = addresses
    this.#dns = dns
  }

  /** Writes the file that the next process reads; `more` are sections beside those it has. */
  configure(more = ''): void {
    const servers = this.addresses.map(
      (address) =>
        `      - { address: ${address}, port: ${this.backends[0]!.port}, service: ${NAME} }`,
    )
    this.program.configure(`
dns: { listen_address: "127.0.0.1:${this.ports.dns}", ${this.#dns} zones: [upgrade.test] }
regions:
  - name: local
    servers:
${servers.join('\n')}
    health_check: { type: http, path: /, interval: 1s, timeout: 500ms, failure_threshold: 2, success_threshold: 1 }
domains: [{ name: ${NAME}, regions: [local], ttl: 1 }]
overwatch: { data_dir: "${this.succession.dataDir}" }
api: { enabled: true, address: "127.0.0.1:${this.ports.api}" }
metrics: { enabled: false }
logging: { level: info, format: text }
${more}`)
  }

  async start(): Promise<void> {
    this.backends = await startBackends(this.addresses)
    this.ports = { dns: await freePort(), api: await freePort() }
    this.configure()
    this.program.start()
    await this.program.logged('OpenGSLB running', 30_000)
    await until('all are served', async () => (await this.served()) === this.addresses.join(' '))
  }

  /** The addresses given over some turns. */
  async served(): Promise<string> {
    const seen = new Set<string>()
    for (let turn = 0; turn < 6; turn++)
      for (const line of (await dig(this.ports.dns, NAME)).answer) seen.add(line.slice(2))
    return [...seen].sort().join(' ')
  }

  async remove(): Promise<void> {
    this.succession.end()
    await this.program.remove()
    await Promise.all(this.backends.map((backend) => backend.stop()))
  }
}
