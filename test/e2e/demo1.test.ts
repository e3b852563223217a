// Goal: the standalone demo, as a user does it: three web servers behind one name, one of them
// stopped and started again, with the real dig and no `validation` section.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Backend, startBackends } from '../harness/backends.ts'
import { freePort, Program, until } from '../harness/program.ts'
import { dig, has } from '../harness/tools.ts'

const addresses = ['127.10.0.21', '127.10.0.22', '127.10.0.23']

let backends: Backend[]
let program: Program
let port: number
let apiPort: number
let metricsPort: number

const yaml = () => `
mode: overwatch
dns:
  listen_address: "127.0.0.1:${port}"
  default_ttl: 5
  zones: [demo.local]
regions:
  - name: local
    servers:
${addresses.map((address) => `      - { address: ${address}, port: ${backends[0]!.port}, weight: 100, service: app.demo.local }`).join('\n')}
    health_check: { type: http, path: /health, interval: 1s, timeout: 500ms, failure_threshold: 2, success_threshold: 2 }
domains:
  - { name: app.demo.local, routing_algorithm: round-robin, regions: [local], ttl: 5 }
overwatch:
  data_dir: ${program.folder}/data
api: { enabled: true, address: "127.0.0.1:${apiPort}", allowed_networks: [127.0.0.0/8] }
metrics: { enabled: true, address: "127.0.0.1:${metricsPort}" }
logging: { level: info, format: text }
`

const ask = (type = 'A') => dig(port, 'app.demo.local', type)

/** The distinct addresses of as many questions as there are servers, twice over. */
async function served(): Promise<string[]> {
  const seen = new Set<string>()
  for (let turn = 0; turn < 6; turn++) for (const line of (await ask()).answer) seen.add(line)
  return [...seen].sort()
}

const only = (...kept: number[]) => kept.map((index) => `A ${addresses[index]}`)

describe.runIf(has('dig'))('standalone demo', () => {
  beforeAll(async () => {
    backends = await startBackends(addresses)
    ;[port, apiPort, metricsPort] = [await freePort(), await freePort(), await freePort()]
    program = new Program('')
    program.configure(yaml())
    program.start()
    await until('the three servers are served', async () => (await served()).length === 3, 15_000)
  })

  afterAll(async () => {
    await program?.remove()
    await Promise.all((backends ?? []).map((backend) => backend.stop()))
  })

  test('six questions rotate over the three servers, each twice', async () => {
    const answers: string[] = []
    for (let turn = 0; turn < 6; turn++) answers.push(...(await ask()).answer)
    expect([...answers].sort()).toEqual([...only(0, 1, 2), ...only(0, 1, 2)].sort())
    expect(answers.slice(0, 3)).toEqual(answers.slice(3))
  })

  test('they rotate too when each A is paired with an AAAA, which is NODATA', async () => {
    const answers: string[] = []
    for (let turn = 0; turn < 6; turn++) {
      answers.push(...(await ask()).answer)
      const other = await ask('AAAA')
      expect([other.status, other.answer, other.authority.length]).toEqual(['NOERROR', [], 1])
    }
    expect(new Set(answers).size).toBe(3)
  })

  test('a stopped server leaves within its thresholds and returns within them', async () => {
    await backends[1]!.stop()
    // failure_threshold x interval + 1 s, and the time the questions themselves take.
    const left = await until('it left', async () => (await served()).length === 2, 4_500)
    expect(await served()).toEqual(only(0, 2))
    await backends[1]!.start()
    const back = await until('it returned', async () => (await served()).length === 3, 4_500)
    expect(Math.max(left, back)).toBeLessThan(4_500)
  })

  test('path, status and thresholds of the health check are what counts', async () => {
    expect(backends[0]!.seen.every((request) => request.path === '/health')).toBe(true)
    backends[0]!.status.set('/health', 503)
    await until(
      '503 on its path takes it out',
      async () => !(await served()).includes(only(0)[0]!),
      4_500,
    )
    backends[0]!.status.clear()
    await until('and 200 brings it back', async () => (await served()).length === 3, 4_500)
  })

  test('all down is SERVFAIL, and ends when one returns', async () => {
    await Promise.all(backends.map((backend) => backend.stop()))
    await until('SERVFAIL', async () => (await ask()).status === 'SERVFAIL', 6_000)
    await Promise.all(backends.map((backend) => backend.start()))
    await until('all are back', async () => (await served()).length === 3, 6_000)
  })

  test('live, ready, the health of servers and the metrics tell the same story', async () => {
    const api = `http://127.0.0.1:${apiPort}/api/v1`
    const json = async (path: string) => (await fetch(`${api}${path}`)).json()
    expect(await json('/live')).toEqual({ alive: true })
    expect(await json('/ready')).toMatchObject({ ready: true, dns_ready: true, health_ready: true })
    const { servers } = (await json('/health/servers')) as {
      servers: { address: string; healthy: boolean }[]
    }
    expect(servers.map((server) => server.healthy)).toEqual([true, true, true])
    const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
    expect(metrics).toMatch(
      /opengslb_health_check_results_total\{[^}]*result="[a-z]+"[^}]*\} [1-9]/,
    )
    expect(metrics).toMatch(
      /opengslb_dns_queries_total\{[^}]*domain="app\.demo\.local"[^}]*\} [1-9]/,
    )
  })

  test('the rest of a zone is right: SOA, case, unknown names, foreign names, other types', async () => {
    expect((await dig(port, 'demo.local', 'SOA')).answer).toHaveLength(1)
    expect((await dig(port, 'demo.local', 'NS')).answer.length).toBeGreaterThan(0)
    const mixed = await dig(port, 'aPp.DEMO.local', 'A')
    expect([mixed.status, mixed.answer.length]).toEqual(['NOERROR', 1])
    expect(mixed.text).toContain(';aPp.DEMO.local.')
    const unknown = await dig(port, 'nope.demo.local')
    expect([unknown.status, unknown.authority.length, unknown.flags.includes('aa')]).toEqual([
      'NXDOMAIN',
      1,
      true,
    ])
    const foreign = await dig(port, 'www.example.org')
    expect([foreign.status, foreign.flags.includes('aa')]).toEqual(['REFUSED', false])
    for (const type of ['TXT', 'CAA', 'HTTPS', 'MX'])
      expect((await ask(type)).status, type).toBe('NOERROR')
    expect((await ask()).text).toContain('EDNS: version: 0')
  })

  test('return_last_healthy: true answers the last servers that were healthy', async () => {
    program.configure(
      yaml().replace('default_ttl: 5', 'default_ttl: 5\n  return_last_healthy: true'),
    )
    program.signal('SIGHUP')
    await program.logged('configuration reloaded')
    await Promise.all(backends.map((backend) => backend.stop()))
    // Extended error 3, stale answer (RFC 8914), says that none is healthy any more.
    await until('a stale answer', async () => (await ask()).text.includes('EDE: 3'), 8_000)
    const answer = await ask()
    expect([answer.status, answer.answer.length]).toEqual(['NOERROR', 1])
    await Promise.all(backends.map((backend) => backend.start()))
    await until('all are back', async () => (await served()).length === 3, 6_000)
  })

  test('SIGTERM ends it with exit code 0', async () => {
    expect(await program.stop()).toBe(0)
    expect(program.output).toContain('OpenGSLB stopped')
  })
})
