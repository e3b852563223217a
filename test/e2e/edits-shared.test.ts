// Goal: what an operator makes by the API of one overwatch is answered by another that runs for
// itself, also when the other was down meanwhile.
// Method: two built programs on loopback addresses, joined by gossip.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Backend, startBackends } from '../harness/backends.ts'
import { freePort, Program, until } from '../harness/program.ts'
import { dig } from '../harness/tools.ts'

const TOKEN = 'a-token-of-sixteen-chars'
const net = `127.${20 + (process.pid % 200)}.${1 + ((process.pid * 7) % 250)}`
const nodes = [`${net}.1`, `${net}.2`] as const
const server = `${net}.21`
const NAME = 'new.shared.test'
let [dnsPort, gossipPort, apiPort] = [0, 0, 0]
let backends: Backend[] = []
const overwatches: Program[] = []

const yaml = (node: string, index: number, folder: string) => `
dns: { listen_address: "${node}:${dnsPort}", threads: 1, zones: [shared.test] }
overwatch:
  identity: { node_id: ow${index} }
  agent_tokens: { webapp: ${TOKEN} }
  gossip: { bind_address: "${node}:${gossipPort}", encryption_key: "${'A'.repeat(43)}=" }
  peering: { bootstrap_peers: ["${nodes[0]}:${gossipPort}", "${nodes[1]}:${gossipPort}"] }
  dnssec: { enabled: false, security_acknowledgment: "a test of edits" }
  data_dir: ${folder}/data
regions: [{ name: main, health_check: { type: tcp, interval: 500ms, timeout: 200ms } }]
metrics: { enabled: false }
api: { enabled: true, address: "${node}:${apiPort}", auth: { tokens: [${TOKEN}] }, allowed_networks: [127.0.0.0/8] }
`

async function call(node: string, method: string, path: string, body?: object): Promise<number> {
  const answer = await fetch(`http://${node}:${apiPort}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return answer.status
}

const answers = async (node: string) => (await dig(dnsPort, NAME, 'A', `@${node}`)).answer

beforeAll(async () => {
  ;[dnsPort, gossipPort, apiPort] = [await freePort(), await freePort(), await freePort()]
  backends = await startBackends([server])
  for (const [index, node] of nodes.entries()) {
    const program = new Program('')
    program.configure(yaml(node, index, program.folder))
    program.start()
    overwatches.push(program)
  }
  for (const program of overwatches) await program.logged('OpenGSLB running')
}, 60_000)
afterAll(async () => {
  await Promise.all(overwatches.map((program) => program.remove()))
  for (const backend of backends) await backend.stop()
})

test('a domain and its server made on one are answered by the other', async () => {
  expect(await call(nodes[0], 'POST', '/domains', { name: NAME, ttl: 9 })).toBe(201)
  const { port } = backends[0]!
  const body = { service: NAME, address: server, port, region: 'main' }
  expect(await call(nodes[0], 'POST', '/servers', body)).toBe(201)
  const expected = `A ${server}`
  for (const node of nodes)
    await until(`${node} answers`, async () => (await answers(node))[0] === expected, 20_000)
})

test('what is deleted while the other is down is gone from it once it is back', async () => {
  overwatches[0]!.signal('SIGKILL')
  await overwatches[0]!.exited()
  expect(await call(nodes[1], 'DELETE', `/domains/${NAME}`)).toBeLessThan(300)
  expect(await answers(nodes[1])).toEqual([])
  overwatches[0]!.start()
  await overwatches[0]!.logged('OpenGSLB running')
  const isGone = async () => {
    const { status } = await dig(dnsPort, NAME, 'A', `@${nodes[0]}`)
    return status === 'NXDOMAIN'
  }
  await until('it is gone from both', isGone, 20_000)
}, 60_000)
