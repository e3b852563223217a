// Goal: several DNS threads serve one address as one would, and the program says which path its
// queries take. Method: the built program as a child process, asked with the real dig.
import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Backend, startBackends } from '../harness/backends.ts'
import { hasAddon } from '../harness/dns-fronts.ts'
import { freePort, Program, until } from '../harness/program.ts'
import { dig, has } from '../harness/tools.ts'

const SERVERS = ['127.10.4.21', '127.10.4.22']
let backends: Backend[]
const programs: Program[] = []

beforeAll(async () => {
  backends = await startBackends(SERVERS)
})
afterAll(() => Promise.all((backends ?? []).map((backend) => backend.stop())))
afterEach(async () => {
  await Promise.all(programs.splice(0).map((one) => one.remove()))
})

interface Started {
  readonly program: Program
  readonly port: number
  version(): Promise<Record<string, unknown>>
  metrics(): Promise<string>
}

async function start(host: string, dnsKeys: string, env: NodeJS.ProcessEnv = {}): Promise<Started> {
  const [port, apiPort, metricsPort] = [await freePort(), await freePort(), await freePort()]
  const program = new Program('')
  programs.push(program)
  program.configure(`
dns: { listen_address: "${host}:${port}", zones: [threads.test], ${dnsKeys} }
regions:
  - name: local
    servers:
${SERVERS.map((address) => `      - { address: ${address}, port: ${backends[0]!.port}, service: app.threads.test }`).join('\n')}
    health_check: { type: tcp, interval: 1s, timeout: 500ms, failure_threshold: 2, success_threshold: 1 }
domains: [{ name: app.threads.test, regions: [local] }]
overwatch: { data_dir: "${program.folder}/data" }
api: { enabled: true, address: "127.0.0.1:${apiPort}" }
metrics: { enabled: true, address: "127.0.0.1:${metricsPort}" }
logging: { level: info, format: text }
`)
  program.start([], env)
  await program.logged('OpenGSLB running')
  const at = host.startsWith('[') ? '@::1' : '@127.0.0.1'
  const isServed = async () => (await dig(port, at, 'app.threads.test')).answer.length > 0
  await until('it answers', isServed)
  const read = async (target: number, path: string) =>
    await fetch(`http://127.0.0.1:${target}${path}`)
  return {
    program,
    port,
    version: async () =>
      (await (await read(apiPort, '/api/v1/version')).json()) as Record<string, unknown>,
    metrics: async () => await (await read(metricsPort, '/metrics')).text(),
  }
}

/** The value of the first series that matches. */
const seriesOf = (text: string, pattern: RegExp): number =>
  Number(new RegExp(`^${pattern.source} (\\S+)$`, 'm').exec(text)?.[1])

describe.runIf(has('dig') && hasAddon)('on the native front', () => {
  test.each([
    ['127.0.0.1', '@127.0.0.1'],
    ['[::1]', '@::1'],
    ['', '@127.0.0.3'],
    ['', '@::1'],
  ])('two threads on "%s:port" answer UDP and TCP at %s', async (host, at) => {
    const { port, program } = await start(host, 'threads: 2')
    for (let asked = 0; asked < 20; asked++) {
      const tcp = asked % 5 === 0 ? ['+tcp'] : []
      const reply = await dig(port, at, 'app.threads.test', 'A', ...tcp)
      expect([reply.status, reply.answer.length]).toEqual(['NOERROR', 1])
      expect(reply.text).not.toContain('unexpected source')
    }
    expect(
      program.output.match(/component="?dns(#2")? msg="DNS server initialized"/g),
    ).toHaveLength(2)
  })

  test('what its threads count is added up, and the path in use is told', async () => {
    const { port, program, version, metrics } = await start('127.0.0.1', 'threads: 2')
    const answered =
      /opengslb_dns_queries_total\{domain="app\.threads\.test",type="AAAA",status="NOERROR"\}/
    for (let asked = 0; asked < 40; asked++) await dig(port, 'app.threads.test', 'AAAA')
    const text = await metrics()
    expect(seriesOf(text, answered)).toBe(40)
    expect(seriesOf(text, /opengslb_dns_front_info\{front="native"\}/)).toBe(1)
    expect(seriesOf(text, /opengslb_dns_kernel_drops_total/)).toBe(0)
    expect(seriesOf(text, /opengslb_actor_up\{actor="dns"\}/)).toBe(1)
    expect(seriesOf(text, /opengslb_actor_up\{actor="dns#2"\}/)).toBe(1)
    expect((await version())['dns_front']).toBe('native')
    expect(program.output).toContain('front=native')
  })

  test('servers take turns over all threads', async () => {
    const { port } = await start('127.0.0.1', 'threads: 2')
    const ask = async () => (await dig(port, 'app.threads.test', 'A')).answer[0]!
    // Both have passed their first check.
    for (const address of SERVERS) await until(address, async () => (await ask()).includes(address))
    const seen = new Map<string, number>()
    for (let asked = 0; asked < 40; asked++) {
      const answer = await ask()
      seen.set(answer, (seen.get(answer) ?? 0) + 1)
    }
    expect([...seen.values()]).toEqual([20, 20])
  })

  test('threads are pinned to the CPUs of dns.cpus, and no other thread is', async () => {
    const { program } = await start('127.0.0.1', 'threads: 2, cpus: [0], batch_size: 16')
    const folder = `/proc/${program.pid}/task`
    const pinned = readdirSync(folder).filter((task) =>
      /^Cpus_allowed_list:\s*0$/m.test(readFileSync(`${folder}/${task}/status`, 'utf8')),
    )
    // On a machine of one CPU every thread reads so.
    const onlyCpu = /^Cpus_allowed_list:\s*0$/m.test(readFileSync('/proc/self/status', 'utf8'))
    if (!onlyCpu) expect(pinned).toHaveLength(2)
    expect(program.output).not.toContain('no such CPU')
  })

  test('a CPU that is not there is told, and the thread serves unpinned', async () => {
    const { program } = await start('127.0.0.1', 'cpus: [1023]')
    await program.logged(/level=WARN component=dns .*dns\.cpus: no such CPU: 1023/)
  })

  test('a second process on the same port is refused, and takes no query away', async () => {
    const { port } = await start('127.0.0.1', 'threads: 1')
    const other = new Program('')
    programs.push(other)
    other.configure(`
dns: { listen_address: "127.0.0.1:${port}", zones: [other.test] }
overwatch: { data_dir: "${other.folder}/data" }
`)
    other.start()
    for (let asked = 0; asked < 30; asked++)
      expect((await dig(port, 'app.threads.test', 'A')).status).toBe('NOERROR')
    expect(await other.exited()).toBe(1)
    expect(other.output).toContain('address in use')
  })
})

describe.runIf(has('dig'))('without the addon', () => {
  test('one thread answers by node:dgram, and log, metrics and version say so', async () => {
    const off = { OPENGSLB_NATIVE: '0' }
    const { port, program, version, metrics } = await start('127.0.0.1', 'threads: 4', off)
    expect((await dig(port, 'app.threads.test', 'A', '+tcp')).status).toBe('NOERROR')
    expect(program.output).toContain(
      'answering with node:dgram, with one thread instead of several: ' +
        'switched off by OPENGSLB_NATIVE=0',
    )
    expect(program.output).toContain('front=dgram')
    expect((await version())['dns_front']).toBe('dgram')
    expect(seriesOf(await metrics(), /opengslb_dns_front_info\{front="dgram"\}/)).toBe(1)
  })
})
