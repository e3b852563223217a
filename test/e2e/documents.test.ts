// Goal: what the founding documents show of a running node holds (docs/seeds.md).
// Method: the overwatch file of the high availability guide, with its ports moved to free ones on
// loopback, run as the built program and asked as the guide asks.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort, Program, until } from '../harness/program.ts'
import { dig, has, output } from '../harness/tools.ts'

let program: Program
let port: number
let apiPort: number
let metricsPort: number

const key = Buffer.alloc(32, 7).toString('base64')
const secrets = { WEBAPP_TOKEN: key, API_TOKEN: key, GOSSIP_KEY: key }

const yaml = (gossipPort: number) => `
mode: overwatch
overwatch:
  identity: { node_id: overwatch-us-east-1, region: us-east }
  agent_tokens: { webapp: "\${WEBAPP_TOKEN}", api: "\${API_TOKEN}" }
  gossip: { bind_address: "127.0.0.1:${gossipPort}", encryption_key: "\${GOSSIP_KEY}" }
  dnssec: { enabled: true, key_sync: { peers: [], poll_interval: 1h } }
  data_dir: ${program.folder}/data
dns: { listen_address: "127.0.0.1:${port}", zones: [gslb.example.com] }
api:
  enabled: true
  address: "127.0.0.1:${apiPort}"
  allowed_networks: ["10.0.0.0/8", "172.16.0.0/12"]
metrics: { enabled: true, address: "127.0.0.1:${metricsPort}" }
logging: { level: info, format: text }
`

const api = (path: string) => fetch(`http://localhost:${apiPort}/api/v1${path}`)
const metrics = async () => (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()

describe.runIf(has('dig'))('the overwatch of the high availability guide', () => {
  beforeAll(async () => {
    ;[port, apiPort, metricsPort] = [await freePort(), await freePort(), await freePort()]
    program = new Program('')
    program.configure(yaml(await freePort()))
    program.start([], secrets)
    await program.logged('OpenGSLB running')
  })
  afterAll(() => program?.remove())

  test('a file with neither regions nor domains starts and serves its zone', async () => {
    expect((await dig(port, 'gslb.example.com', 'SOA')).answer).toHaveLength(1)
    const unknown = await dig(port, 'webapp.gslb.example.com')
    expect([unknown.status, unknown.authority.length]).toEqual(['NXDOMAIN', 1])
  })

  test('the log says what starts, in which mode and where', () => {
    expect(program.output).toMatch(/OpenGSLB starting.*version=\d+\.\d+\.\d+/)
    expect(program.output).toMatch(/OpenGSLB starting.*mode=overwatch/)
    expect(program.output).toMatch(new RegExp(`DNS server initialized.*address=\\S*:${port}`))
    expect(program.output).not.toContain(key)
  })

  test.runIf(has('pgrep'))('pgrep -la opengslb finds the process', async () => {
    expect(await output('pgrep', ['-la', 'opengslb'])).toMatch(new RegExp(`^${program.pid} `, 'm'))
  })

  test('ready, asked from localhost, although allowed_networks does not list it', async () => {
    await until('ready', async () => (await api('/ready')).status === 200)
    expect(await (await api('/ready')).json()).toMatchObject({ ready: true })
  })

  test('the list of backends can be counted', async () => {
    expect(await (await api('/overwatch/backends')).json()).toMatchObject({ backends: [] })
  })

  test('a question outside the zones is refused and counted', async () => {
    expect((await dig(port, 'www.example.org')).status).toBe('REFUSED')
    const text = await metrics()
    expect(text).toMatch(/^opengslb_dns_refused_total(?:\{[^}]*\})? [1-9]/m)
    expect(text).toMatch(/^opengslb_dns_queries_total\{[^}]*status="REFUSED"[^}]*\} [1-9]/m)
  })

  test('stop and start again as systemctl does', async () => {
    expect(await program.stop()).toBe(0)
    program.start([], secrets)
    await program.logged('OpenGSLB running')
    await until(
      'served',
      async () => (await dig(port, 'gslb.example.com', 'SOA')).answer.length > 0,
    )
  })
})
