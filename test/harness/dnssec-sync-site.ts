/** Overwatches on loopback that share the keys of a zone as in the guide to high availability. */
import { readFileSync } from 'node:fs'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { Certificates } from './certificates.ts'
import type { ParentServer } from './parent-server.ts'
import { freePort, Program } from './program.ts'

export const ZONE = 'gslb.example.com'
/** What the nodes know of each other. */
export const SECRET = Buffer.alloc(32, 7).toString('base64')

export interface SyncStatus {
  readonly keys: readonly {
    readonly key_tag: number
    readonly phase: string
    readonly published: boolean
  }[]
  readonly zones: readonly { readonly steps: readonly string[] }[]
  readonly sync: {
    readonly enabled: boolean
    readonly last_sync: string | null
    readonly last_sync_error: string | null
    readonly next_sync: string | null
    readonly peer_count: number
  }
}

export interface SyncNodePlan {
  readonly name: string
  readonly peers: readonly { readonly url: string }[]
  readonly timeout?: string
  /** Of its API; without it speaks http. */
  readonly tls?: Certificates
  /** Words before its command. */
  readonly prefix?: readonly string[]
}

export class SyncNode {
  readonly plan: SyncNodePlan
  readonly dnsPort: number
  readonly apiPort: number
  readonly metricsPort: number
  readonly program: Program

  constructor(plan: SyncNodePlan, [dns, api, metrics]: readonly [number, number, number]) {
    this.plan = plan
    this.dnsPort = dns
    this.apiPort = api
    this.metricsPort = metrics
    this.program = new Program('', plan.prefix)
  }

  get name(): string {
    return this.plan.name
  }

  get url(): string {
    return `${this.plan.tls === undefined ? 'http' : 'https'}://127.0.0.1:${this.apiPort}`
  }

  /** Not with `fetch`, which says of itself what browsers do. */
  #call(method: string, path: string, body?: unknown): Promise<{ status: number; text: string }> {
    const { tls } = this.plan
    return new Promise((resolve, reject) => {
      const ca = tls === undefined ? {} : { ca: readFileSync(tls.caFile) }
      const headers = { 'content-type': 'application/json' }
      const send = tls === undefined ? requestHttp : requestHttps
      const sent = send(`${this.url}${path}`, { method, headers, ...ca }, (response) => {
        let text = ''
        response.on('data', (part: Buffer) => {
          text += part.toString()
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
      })
      sent.on('error', reject)
      sent.end(body === undefined ? undefined : JSON.stringify(body))
    })
  }

  async get<T>(path: string): Promise<T> {
    return JSON.parse((await this.#call('GET', path)).text) as T
  }

  /** The status. */
  async post(path: string, body: unknown): Promise<number> {
    return (await this.#call('POST', path, body)).status
  }

  status(): Promise<SyncStatus> {
    return this.get('/api/v1/dnssec/status')
  }

  async tags(): Promise<readonly number[]> {
    const { keys } = await this.status().catch(() => ({ keys: [] }))
    return keys.map((key) => key.key_tag).sort((a, b) => a - b)
  }
}

export async function makeSyncNode(plan: SyncNodePlan, parent: ParentServer): Promise<SyncNode> {
  const node = new SyncNode(plan, [await freePort(), await freePort(), await freePort()])
  const { tls } = plan
  const files =
    tls === undefined ? '' : `, tls: { cert_file: "${tls.certFile}", key_file: "${tls.keyFile}" }`
  node.program.configure(`
mode: overwatch
dns:
  listen_address: "127.0.0.1:${node.dnsPort}"
  zones:
    - name: ${ZONE}
      soa: { ttl: 1, minimum: 1 }
      name_servers: [{ name: ns1.${ZONE}, addresses: [127.0.0.1] }]
      records:
        - { name: www, type: TXT, value: "text", ttl: 1 }
overwatch:
  identity: { node_id: ${plan.name} }
  gossip: { bind_address: "127.0.0.1:${await freePort()}", encryption_key: "${SECRET}" }
  data_dir: "${node.program.folder}/data"
  dnssec:
    dnskey_ttl: 1s
    rollover:
      safety: 1s
      parent_grace: 0s
      parent_servers: ["127.0.0.1:${parent.port}"]
      parent_poll_interval: 1s
    key_sync:
      peers: [${plan.peers.map((peer) => `"${peer.url}"`).join(', ')}]
      poll_interval: 1s
      timeout: ${plan.timeout ?? '30s'}
api:
  { enabled: true, address: "127.0.0.1:${node.apiPort}", allowed_networks: ["127.0.0.0/8"]${files} }
metrics: { enabled: true, address: "127.0.0.1:${node.metricsPort}" }
logging: { level: info, format: text }
`)
  return node
}
