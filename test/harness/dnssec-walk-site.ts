/**
 * Three nodes of the built program that serve one signed zone with the same keys, their backends,
 * and a parent that has whatever DS the walk lets it take up.
 */
import { writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { types } from '../../src/core/dns/types.ts'
import { formatRdata } from '../../src/core/zone/rdata.ts'
import { type Backend, startBackends } from './backends.ts'
import { DnsClient } from './dns-client.ts'
import { readMessage } from './dnssec-judge.ts'
import { steeredYaml, type Variant, ZONE, zoneFile } from './dnssec-walk-zone.ts'
import { type ParentServer, startParent } from './parent-server.ts'
import { freePort, Program, until } from './program.ts'

const NODES = [0, 1, 2]
const textOf = (rdata: Uint8Array) => formatRdata(types.DS, rdata)
const SECRET = Buffer.alloc(32, 9).toString('base64')

export interface Status {
  readonly keys: readonly { readonly key_tag: number; readonly phase: string }[]
  readonly zones: readonly { readonly steps: readonly string[]; readonly led: boolean }[]
}

interface Said {
  readonly status: number
  readonly body: unknown
}

/** Not by `fetch`, which says of itself what browsers do. */
function callOnce(url: string, method: string, body: unknown): Promise<Said> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' }
    const sent = request(url, { method, headers }, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString()
      })
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: text === '' ? {} : JSON.parse(text) }),
      )
    })
    sent.on('error', reject)
    sent.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

export class WalkNode {
  readonly place: number
  readonly address: string
  readonly ports: { readonly dns: number; readonly api: number; readonly gossip: number }
  readonly program = new Program('')
  readonly client: DnsClient
  /** What it was last told to be. */
  variant: Variant | undefined

  constructor(place: number, address: string, ports: WalkNode['ports']) {
    this.place = place
    this.address = address
    this.ports = ports
    this.client = new DnsClient(address, ports.dns)
  }

  get isCompact(): boolean {
    return this.variant?.denial === 'compact'
  }

  get url(): string {
    return `http://${this.address}:${this.ports.api}`
  }

  /** Status and body of a call. A node that just started may answer DNS before its API listens. */
  async call(method: string, path: string, body?: unknown): Promise<Said> {
    let said: Said | undefined
    await until(
      `the API of ${this.place} is there`,
      async () => {
        said = await callOnce(`${this.url}/api/v1${path}`, method, body).catch(() => undefined)
        return said !== undefined
      },
      60_000,
    )
    return said!
  }

  /** A signer that is late for the API now is there a moment later. */
  async status(): Promise<Status> {
    let said = await this.call('GET', '/dnssec/status')
    const told = async () => {
      if (said.status === 503) said = await this.call('GET', '/dnssec/status')
      return said.status === 200
    }
    await until(`the signer of ${this.place} tells its status`, told, 20_000)
    return said.body as Status
  }

  async text(relative: string): Promise<string> {
    const reply = await this.client.ask(`${relative}.${ZONE}`, 'TXT', { dnssecOk: false })
    return reply?.answers.map(({ data }) => data).join() ?? ''
  }
}

export class WalkSite {
  readonly net: string
  readonly nodes: WalkNode[] = []
  backends: Backend[] = []
  parent!: ParentServer
  #variant: Variant

  constructor(variant: Variant) {
    this.net = `127.${30 + (process.pid % 200)}.${1 + ((process.pid * 7) % 250)}`
    this.#variant = variant
  }

  get variant(): Variant {
    return this.#variant
  }

  /** Writes what the node reads when it starts or reloads. */
  configure(node: WalkNode, variant: Variant): void {
    this.#variant = variant
    node.variant = variant
    const { address, ports, program } = node
    const others = this.nodes.filter((one) => one !== node)
    writeFileSync(join(program.folder, 'zone'), zoneFile(variant, address))
    program.configure(`
mode: overwatch
dns:
  listen_address: "${address}:${ports.dns}"
  threads: 1
  default_ttl: 1
  zones: [{ name: ${ZONE}, file: zone }]
overwatch:
  identity: { node_id: node-${node.place} }
  gossip: { bind_address: "${address}:${ports.gossip}", encryption_key: "${SECRET}" }
  geolocation:
    default_region: west
    custom_mappings: [{ cidr: 127.0.0.0/8, region: east }]
  data_dir: "${program.folder}/data"
  dnssec:
    denial: ${variant.denial}
    algorithm: ${variant.algorithm}
    key_layout: ${variant.layout}
    compact_signatures: 20000
    dnskey_ttl: 1s
    rollover:
      safety: 1s
      parent_grace: 0s
      parent_servers: ["127.0.0.1:${this.parent.port}"]
      parent_poll_interval: 1s
    key_sync:
      peers: [${others.map(({ url }) => `"${url}"`).join(', ')}]
      poll_interval: 1s
      timeout: 2s
api: { enabled: true, address: "${address}:${ports.api}", allowed_networks: ["127.0.0.0/8"] }
metrics: { enabled: false }
logging: { level: info, format: text }
${steeredYaml(
  this.backends.map((backend) => backend.address),
  this.backends[0]!.port,
  variant.answers,
)}`)
  }

  async start(): Promise<void> {
    this.parent = await startParent('test')
    const addresses = [11, 12, 13, 14].map((last) => `${this.net}.${last}`)
    this.backends = await startBackends([...addresses, '::1'])
    for (const place of NODES) {
      const ports = { dns: await freePort(), api: await freePort(), gossip: await freePort() }
      this.nodes.push(new WalkNode(place, `${this.net}.${place + 1}`, ports))
    }
    for (const node of this.nodes) {
      this.configure(node, this.#variant)
      node.program.start()
    }
    for (const node of this.nodes) await this.serving(node)
    await this.#agreed()
    await until('the DS is offered', async () => (await this.offered()).length > 0, 60_000)
    await this.takeUp()
  }

  /** Nodes that started side by side may have made keys each; what they come to is one set. */
  async #agreed(): Promise<void> {
    const tags = async (node: WalkNode) =>
      (await node.status()).keys.map((key) => `${key.key_tag} ${key.phase}`).join()
    const agree = async () => {
      const [first, ...others] = await Promise.all(this.nodes.map(tags))
      return /^\d+ active$/.test(first!) && others.every((one) => one === first)
    }
    await until('all nodes have the same keys', agree, 120_000)
  }

  async stop(): Promise<void> {
    for (const node of this.nodes) {
      node.client.close()
      await node.program.remove()
    }
    for (const backend of this.backends) await backend.stop()
    this.parent?.stop()
  }

  async serving(node: WalkNode): Promise<void> {
    const wanted = `epoch ${node.variant?.number}`
    const holds = async () => (await node.text('epoch').catch(() => '')) === wanted
    await until(`${node.place} serves ${wanted}`, holds, 60_000).catch((error: Error) => {
      throw new Error(`${error.message}\n${node.program.output.slice(-2_000)}`)
    })
  }

  /** Until every node answers as the backends are. */
  async settled(up: readonly boolean[]): Promise<void> {
    for (const node of this.nodes)
      for (const [at, isUp] of up.entries()) {
        const type = at === 4 ? 'AAAA' : 'A'
        const holds = async () => {
          const reply = await node.client.ask(`w${at}.${ZONE}`, type, { dnssecOk: false })
          return reply !== undefined && reply.answers.length > 0 === isUp
        }
        await until(`${node.place} has server ${at} ${isUp ? 'up' : 'down'}`, holds, 20_000)
      }
  }

  /** The DS records (SHA-256) that the zone asks its parent for; its API must offer them too. */
  async offered(): Promise<string[]> {
    const [node] = this.nodes
    const bytes = await node!.client.bytes(ZONE, 'CDS', { dnssecOk: false })
    if (bytes === undefined) return []
    const { answer } = readMessage(bytes)
    const asked = answer.filter(({ rdata }) => rdata[3] === 2).map(({ rdata }) => textOf(rdata))
    const offers: string[] = []
    const told = async () => {
      const { status, body } = await node!.call('GET', '/dnssec/ds')
      // A signer that is late for the API now is there a moment later.
      if (status === 503) return false
      const { ds_records: records } = body as { ds_records: readonly { ds_record: string }[] }
      offers.push(...records.map(({ ds_record: text }) => text.toUpperCase()))
      return true
    }
    await until('the API tells the DS', told, 20_000)
    return asked.filter((ds) => offers.some((offer) => offer.endsWith(ds.toUpperCase())))
  }

  /** Whether the parent has something else from now on. */
  async takeUp(): Promise<boolean> {
    const offered = await this.offered()
    if (offered.length === 0 || offered.join() === this.parent.ds.join()) return false
    this.parent.ds = offered
    return true
  }
}
