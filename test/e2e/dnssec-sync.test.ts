/**
 * Goal: overwatches sign with the same keys, whoever fails in the middle of a rollover.
 * Method: the built program on loopback with the configuration of the guide to high availability:
 * the first node without peers, the others asking those before them; a parent whose DS the test
 * decides. `delv` validates from the DS at each state.
 */
import { writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ParentServer, startParent } from '../harness/parent-server.ts'
import { freePort, Program, until } from '../harness/program.ts'
import { dig, has, output } from '../harness/tools.ts'

const ZONE = 'gslb.example.com'
const KEY = Buffer.alloc(32, 7).toString('base64')

interface Status {
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

class Node {
  readonly name: string
  readonly dnsPort: number
  readonly apiPort: number
  readonly metricsPort: number
  readonly program = new Program('')

  constructor(name: string, dnsPort: number, apiPort: number, metricsPort: number) {
    this.name = name
    this.dnsPort = dnsPort
    this.apiPort = apiPort
    this.metricsPort = metricsPort
  }

  get url(): string {
    return `http://127.0.0.1:${this.apiPort}`
  }

  async get<T>(path: string): Promise<T> {
    return (await (await fetch(`${this.url}${path}`)).json()) as T
  }

  status(): Promise<Status> {
    return this.get('/api/v1/dnssec/status')
  }

  async tags(): Promise<readonly number[]> {
    const { keys } = await this.status().catch(() => ({ keys: [] }))
    return keys.map((key) => key.key_tag).sort((a, b) => a - b)
  }

  /** The status; not with `fetch`, which says of itself what browsers do. */
  post(path: string, body: unknown): Promise<number> {
    return new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json' }
      const sent = request(`${this.url}${path}`, { method: 'POST', headers }, (response) => {
        response.resume()
        resolve(response.statusCode ?? 0)
      })
      sent.on('error', reject)
      sent.end(JSON.stringify(body))
    })
  }
}

async function makeNode(
  name: string,
  peers: readonly { readonly url: string }[],
  parent: ParentServer,
  timeout = '30s',
): Promise<Node> {
  const node = new Node(name, await freePort(), await freePort(), await freePort())
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
  identity: { node_id: ${name} }
  gossip: { bind_address: "127.0.0.1:${await freePort()}", encryption_key: "${KEY}" }
  data_dir: "${node.program.folder}/data"
  dnssec:
    dnskey_ttl: 1s
    rollover:
      safety: 1s
      parent_grace: 0s
      parent_servers: ["127.0.0.1:${parent.port}"]
      parent_poll_interval: 1s
    key_sync:
      peers: [${peers.map((peer) => `"${peer.url}"`).join(', ')}]
      poll_interval: 1s
      timeout: ${timeout}
api: { enabled: true, address: "127.0.0.1:${node.apiPort}", allowed_networks: ["127.0.0.0/8"] }
metrics: { enabled: true, address: "127.0.0.1:${node.metricsPort}" }
logging: { level: info, format: text }
`)
  return node
}

const nodes: Node[] = []
let parent: ParentServer

const same = (a: readonly number[], b: readonly number[]) => a.join() === b.join()

async function untilSame(some: readonly Node[], what: string): Promise<readonly number[]> {
  await until(
    what,
    async () => {
      const all = await Promise.all(some.map((node) => node.tags()))
      return all[0]!.length > 0 && all.every((tags) => same(tags, all[0]!))
    },
    90_000,
  )
  return await some[0]!.tags()
}

/** The DS that the zone asks its parent for, as the parent takes it up. */
async function takeUp(node: Node): Promise<void> {
  const { ds_records: records } = await node.get<{
    ds_records: { key_tag: number; algorithm_number: number; digest_type: number; digest: string }[]
  }>('/api/v1/dnssec/ds')
  parent.ds = records.map(
    (one) => `${one.key_tag} ${one.algorithm_number} ${one.digest_type} ${one.digest}`,
  )
}

/** What `delv` says of an answer of the node, from the DS that the parent has. */
async function validated(node: Node): Promise<string> {
  const anchors = parent.ds.map((ds) => {
    const [tag, algorithm, type, digest] = ds.split(' ')
    return `"${ZONE}." static-ds ${tag} ${algorithm} ${type} "${digest}";`
  })
  const path = `${node.program.folder}/anchors`
  writeFileSync(path, `trust-anchors { ${anchors.join(' ')} };\n`)
  const words = ['-a', path, `+root=${ZONE}`, '-p', String(node.dnsPort), `www.${ZONE}`, 'TXT']
  return await output('delv', ['@127.0.0.1', ...words])
}

async function expectValid(some: readonly Node[]): Promise<void> {
  if (!has('delv')) return
  for (const node of some) expect(await validated(node)).toContain('; fully validated')
}

beforeAll(async () => {
  parent = await startParent('example.com')
  const first = await makeNode('node-1', [], parent)
  const second = await makeNode('node-2', [first], parent)
  const third = await makeNode('node-3', [first, second], parent)
  nodes.push(first, second, third)
  for (const node of nodes) node.program.start()
}, 60_000)

afterAll(async () => {
  parent.stop()

  await Promise.all(nodes.map((node) => node.program.remove()))
})

describe('overwatches that share keys', { timeout: 400_000 }, () => {
  test('sign with the keys of the first one, and say how they share them', async () => {
    const tags = await untilSame(nodes, 'all have the same keys')
    expect(tags).toHaveLength(1)
    for (const node of nodes)
      await until(
        `${node.name} serves the key`,
        async () => {
          const { answer } = await dig(node.dnsPort, ZONE, 'DNSKEY', '+multiline', '+rrcomments')
          return answer.length > 0
        },
        30_000,
      )
    await until('the second node has synced', async () => {
      const { sync } = await nodes[1]!.status()
      return sync.last_sync !== null
    })
    const { sync } = await nodes[1]!.status()
    expect(sync).toMatchObject({ enabled: true, last_sync_error: null, peer_count: 1 })
    expect(await nodes[1]!.post('/api/v1/dnssec/sync', {})).toBe(200)
    const metrics = await (await fetch(`http://127.0.0.1:${nodes[1]!.metricsPort}/metrics`)).text()
    expect(metrics).toMatch(/^opengslb_dnssec_sync_success 1$/m)
    expect(metrics).toMatch(/^opengslb_dnssec_last_sync_timestamp \d{10}/m)
    await until('the DS is offered', async () => {
      const { answer } = await dig(nodes[0]!.dnsPort, ZONE, 'CDS')
      return answer.length > 0
    })
    await takeUp(nodes[0]!)
    await expectValid(nodes)
  })

  test('refuse what does not open, and keep their keys', async () => {
    const before = await nodes[0]!.tags()
    const garbage = [
      { message: Buffer.from('garbage').toString('base64') },
      { message: Buffer.alloc(500, 1).toString('base64') },
      { message: '***' },
    ]
    for (const body of garbage) expect(await nodes[0]!.post('/api/v1/dnssec/peer', body)).toBe(403)
    expect(await nodes[0]!.post('/api/v1/dnssec/peer', { other: 1 })).toBe(400)
    expect(await nodes[0]!.tags()).toEqual(before)
    await nodes[0]!.program.logged('A message of key sync is refused')
  })

  test('roll with one of them killed, take a fourth in, and end with one key', async () => {
    const [first, second, third] = nodes as [Node, Node, Node]
    const [old] = await first.tags()
    expect(await first.post('/api/v1/dnssec/rollover', { zone: ZONE })).toBe(200)
    third.program.signal('SIGKILL')
    await third.program.exited()
    await untilSame([first, second], 'both have the new key as well')
    expect(await first.tags()).toHaveLength(2)
    const fourth = await makeNode('node-4', [second], parent)
    nodes.push(fourth)
    fourth.program.start()
    await untilSame([first, second, fourth], 'the fourth has them too')
    await expectValid([first, second])
    // The dead one may come back and serve what it had, so what ends something waits for it.
    await sleep(5_000)
    const waiting = (await first.status()).zones.flatMap(({ steps }) => steps).join('\n')
    expect(waiting).toContain('node-3')
    expect(await first.tags()).toContain(old)
    third.program.start()
    await until(
      'the new key is offered',
      async () => {
        await takeUp(first)
        return !parent.ds.some((ds) => ds.startsWith(`${old} `))
      },
      40_000,
    )
    await expectValid(nodes)
    await until(
      'the old key is gone everywhere',
      async () => {
        const all = await Promise.all(nodes.map((node) => node.tags()))
        await expectValid([nodes[Math.floor(Math.random() * nodes.length)]!])
        return all.every((tags) => tags.length === 1 && tags[0] !== old && same(tags, all[0]!))
      },
      120_000,
    )
    await expectValid(nodes)
  })

  test('answer SERVFAIL while silent peers may have keys, then with keys of their own', async () => {
    const silent = createServer(() => undefined)
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const place = silent.address()
    const port = typeof place === 'object' && place !== null ? place.port : 0
    const alone = await makeNode('node-5', [{ url: `http://127.0.0.1:${port}` }], parent, '4s')
    nodes.push(alone)
    alone.program.start()
    let status = ''
    await until(
      'it answers',
      async () => {
        status = (await dig(alone.dnsPort, `www.${ZONE}`, 'TXT')).status
        return status !== 'no-answer'
      },
      60_000,
    )
    expect(status).toBe('SERVFAIL')
    await until(
      'it has keys',
      async () => (await dig(alone.dnsPort, `www.${ZONE}`, 'TXT')).status === 'NOERROR',
      60_000,
    )
    expect((await dig(alone.dnsPort, ZONE, 'DNSKEY', '+dnssec')).answer).toHaveLength(2)
    silent.close()
  })
})
