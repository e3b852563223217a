// Goal: strangers at the door of the built program break nothing: no crash, no 500, no request left
// hanging, the feed and the API served meanwhile, and memory flat, on both HTTP back ends.
// Method: hostile requests and WebSockets (test/harness/http-mutator.ts, ws-mutator.ts) in turn,
// aborted ones among them; resident memory of the process read from outside. OPENGSLB_FULL=1 sends
// 100,000 to each back end.
import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { seededRandom } from '../../src/core/base/random.ts'
import { type Client, connectWs } from '../contract/feed-client.ts'
import { type Backend, startBackends } from '../harness/backends.ts'
import { hostileHttp } from '../harness/http-mutator.ts'
import { freePort, Program, until } from '../harness/program.ts'
import { attackWs, sendRaw } from '../harness/raw-client.ts'
import { dig } from '../harness/tools.ts'
import { wsAttack } from '../harness/ws-mutator.ts'

const EACH = process.env['OPENGSLB_FULL'] === '1' ? 100_000 : 1_500
const AT_ONCE = 48
const SEED = Number(process.env['SEED'] ?? 20_261_121)
const TOKEN = 'a token nobody guesses'

describe.each(['node', 'uws'])('strangers at %s', (backEnd) => {
  let backends: readonly Backend[] = []
  let program: Program
  let port = 0
  let dnsPort = 0

  beforeAll(async () => {
    backends = await startBackends(['127.10.9.21'])
    port = await freePort()
    dnsPort = await freePort()
    program = new Program('')
    program.configure(`
dns:
  listen_address: "127.0.0.1:${dnsPort}"
  zones: [{ name: storm.test, name_servers: [{ name: ns1.storm.test, addresses: [127.0.0.1] }] }]
regions:
  - name: local
    servers: [{ address: 127.10.9.21, port: ${backends[0]!.port}, service: app.storm.test }]
    health_check: { type: tcp, interval: 1s, timeout: 500ms }
domains: [{ name: app.storm.test, regions: [local], ttl: 1 }]
overwatch: { data_dir: "${program.folder}/data" }
metrics: { enabled: false }
api:
  enabled: true
  address: "127.0.0.1:${port}"
  auth: { tokens: ["${TOKEN}"], required: true }
logging: { level: info, format: text }
`)
    program.start([], backEnd === 'node' ? { OPENGSLB_HTTP: 'node' } : {})
    await until(
      'served',
      async () => (await dig(dnsPort, 'app.storm.test')).answer.length > 0,
      40_000,
    )
    await program.logged('OpenGSLB running')
  }, 60_000)
  afterAll(async () => {
    await program.remove()
    await Promise.all(backends.map((backend) => backend.stop()))
  })

  const authorized = { authorization: `Bearer ${TOKEN}` }
  const residentMb = () =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${program.pid}/status`, 'utf8'))![1]) / 1024
  const openFiles = () => readdirSync(`/proc/${program.pid}/fd`).length

  async function storm(count: number, seed: number): Promise<string[]> {
    const random = seededRandom(seed)
    const odd: string[] = []
    let left = count
    const client = async () => {
      while (left-- > 0) {
        if (random.below(2) === 0) {
          const drawn = wsAttack(random)
          // Most are let in, for what they do there is what is tried.
          const key = random.below(8) > 0 ? `Authorization: Bearer ${TOKEN}\r\n` : ''
          const attack = { ...drawn, head: drawn.head.replace('Host:', `${key}Host:`) }
          const { status } = await attackWs(port, attack, random)
          if (status === 500) odd.push(`${attack.name}: 500`)
          continue
        }
        const bytes = hostileHttp(random)
        const said = await sendRaw(port, bytes, random)
        const status = /^HTTP\/1\.1 (\d{3})/.exec(said)?.[1]
        if (said === 'hung' || status === '500' || (said !== '' && status === undefined))
          odd.push(`${JSON.stringify(bytes).slice(0, 500)} -> ${said.slice(0, 200)}`)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, client))
    return odd
  }

  test(`${EACH} hostile inputs: served meanwhile, memory flat, nothing left open`, async () => {
    const reader: Client = await connectWs(port, '?topics=rate', { headers: authorized })
    let ended = 'it still listens'
    void reader.closed.then(({ code, reason }) => {
      ended = `ended with ${code} ${reason}`
    })
    const filesBefore = openFiles()
    expect(await storm(Math.ceil(EACH / 5), SEED)).toEqual([])
    const before = residentMb()
    expect(await storm(EACH, SEED + 1), `${backEnd}, seed ${SEED}`).toEqual([])
    const after = residentMb()
    process.stdout.write(
      `${backEnd}: resident ${before.toFixed(0)} MB before, ${after.toFixed(0)} MB after\n`,
    )
    expect(after - before).toBeLessThan(60)
    const alive = await fetch(`http://127.0.0.1:${port}/api/v1/overrides`, { headers: authorized })
    expect(alive.status).toBe(200)
    // No right was gained: nothing was ordered.
    expect(await alive.json()).toMatchObject({ overrides: [] })
    expect((await dig(dnsPort, 'app.storm.test')).answer.length).toBe(1)
    expect(ended).toBe('it still listens')
    const heard = reader.heard.length
    await until('the reader still hears', () => reader.heard.length > heard + 1)
    reader.end()
    await until('nothing is left open', () => openFiles() <= filesBefore + 4, 60_000)
    expect(program.output).not.toMatch(/restart|escalat|uncaught/i)
  }, 1_800_000)
})
