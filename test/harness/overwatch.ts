/**
 * An overwatch of a few TCP-checked servers on loopback, for tests of what surrounds it.
 */
import { type Backend, startBackends } from './backends.ts'
import { freePort, Program, until } from './program.ts'
import { dig } from './tools.ts'

export interface Overwatch {
  readonly port: number
  readonly program: Program
  readonly backends: readonly Backend[]
  stop(): Promise<void>
}

export interface Where {
  /** The address it answers at; by default 127.0.0.1. */
  readonly host?: string
  readonly env?: NodeJS.ProcessEnv
}

/** Starts one that serves `app.<zone>` (IPv4 only) and waits for its first answer. */
export async function startOverwatch(
  zone: string,
  records: readonly string[] = [],
  { host = '127.0.0.1', env = {} }: Where = {},
): Promise<Overwatch> {
  const addresses = ['127.10.3.21', '127.10.3.22', '127.10.3.23']
  const backends = await startBackends(addresses)
  const port = await freePort()
  const program = new Program('')
  program.configure(`
dns:
  listen_address: "${host.includes(':') ? `[${host}]` : host}:${port}"
  zones:
    - name: ${zone}
      name_servers: [{ name: ns1.${zone}, addresses: ["${host}"] }]
      records:
        - { name: "@", type: TXT, value: "${zone}" }
${records.map((record) => `        - ${record}`).join('\n')}
regions:
  - name: local
    servers:
${addresses.map((address) => `      - { address: ${address}, port: ${backends[0]!.port}, service: app.${zone} }`).join('\n')}
    health_check: { type: tcp, interval: 1s, timeout: 500ms, failure_threshold: 2, success_threshold: 1 }
domains: [{ name: app.${zone}, regions: [local], ttl: 1 }]
overwatch: { data_dir: "${program.folder}/data" }
logging: { level: info, format: text }
`)
  program.start([], env)
  await until(
    `app.${zone} is served`,
    async () => (await dig(port, `@${host}`, `app.${zone}`)).answer.length > 0,
    20_000,
  )
  return {
    port,
    program,
    backends,
    stop: async () => {
      await program.remove()
      await Promise.all(backends.map((backend) => backend.stop()))
    },
  }
}
