// Goal: behind a resolver that passes client subnets on and keeps answers for them (unbound's
// subnet cache), no client ever gets another's answer, and the resolver asks once for all clients
// of a network that get the same one.
// Method: clients ask from addresses of several loopback networks, over and over and mixed.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Backend, startBackends } from '../harness/backends.ts'
import { Daemon } from '../harness/daemon.ts'
import { readMetrics, sumOf } from '../harness/metric-names.ts'
import { freePort, Program, until } from '../harness/program.ts'
import { dig, has, output } from '../harness/tools.ts'

const zone = 'subnets.test'
const [EAST, WEST, OTHER] = ['127.10.12.21', '127.10.12.22', '127.10.12.23'] as const
const hasSubnets = has('unbound') && (await output('unbound', ['-V'])).includes('subnetcache')

describe.runIf(has('dig', 'unbound') && hasSubnets)('unbound with its subnet cache', () => {
  const unbound = new Daemon()
  let program: Program
  let backends: readonly Backend[] = []
  let [port, dnsPort, metricsPort] = [0, 0, 0]

  beforeAll(async () => {
    backends = await startBackends([EAST, WEST, OTHER])
    ;[port, dnsPort, metricsPort] = [await freePort(), await freePort(), await freePort()]
    program = new Program('')
    const region = (name: string, address: string) =>
      `  - { name: ${name}, servers: [{ address: ${address}, port: ${backends[0]!.port}, service: app.${zone} }], health_check: { type: tcp, interval: 500ms, timeout: 200ms, success_threshold: 1 } }`
    program.configure(`
dns: { listen_address: "127.0.0.1:${dnsPort}", threads: 1, zones: [${zone}] }
metrics: { enabled: true, address: "127.0.0.1:${metricsPort}" }
overwatch:
  data_dir: "${program.folder}/data"
  geolocation:
    default_region: other
    ecs_trusted_networks: [127.0.0.1/32]
    custom_mappings:
      - { cidr: 127.60.0.0/16, region: east }
      - { cidr: 127.61.0.0/16, region: east }
      - { cidr: 127.70.0.0/16, region: west }
      - { cidr: 127.70.77.0/24, region: east }
regions:
${region('east', EAST)}
${region('west', WEST)}
${region('other', OTHER)}
domains: [{ name: app.${zone}, regions: [east, west, other], routing_algorithm: geolocation, ttl: 300 }]
`)
    program.start()
    await program.logged('OpenGSLB running')
    // Until its own server is up a network gets another's, and the resolver would keep that.
    for (const [net, address] of [
      ['127.60.1.0/24', EAST],
      ['127.70.1.0/24', WEST],
      ['127.80.1.0/24', OTHER],
    ] as const)
      await until(`${net} gets ${address}`, async () => {
        const { answer } = await dig(dnsPort, `+subnet=${net}`, `app.${zone}`)
        return answer.join() === `A ${address}`
      })
    unbound.start('unbound', ['-d', '-p', '-c', 'unbound.conf'], {
      'unbound.conf': `
server:
  interface: 127.0.0.1@${port}
  access-control: 127.0.0.0/8 allow
  username: ""
  chroot: ""
  directory: "."
  use-syslog: no
  do-not-query-localhost: no
  do-ip6: no
  module-config: "subnetcache iterator"
  send-client-subnet: 127.0.0.1
  client-subnet-always-forward: yes
  max-client-subnet-ipv4: 24
  local-zone: "test." nodefault
  so-reuseport: no
remote-control:
  control-enable: no
stub-zone:
  name: "${zone}"
  stub-addr: 127.0.0.1@${dnsPort}
`,
    })
    await until(`unbound answers ${unbound.output}`, async () => {
      const answer = await dig(port, `app.${zone}`)
      return answer.status === 'NOERROR' && answer.answer.length > 0
    })
  }, 60_000)
  afterAll(async () => {
    await unbound.stop()
    await program?.remove()
    for (const backend of backends) await backend.stop()
  })

  const expected = (client: string) => {
    if (client.startsWith('127.70.77.')) return EAST
    if (/^127\.6[01]\./.test(client)) return EAST
    return client.startsWith('127.70.') ? WEST : OTHER
  }
  const answered = async (client: string) =>
    (await dig(port, '-b', client, `app.${zone}`)).answer.join(' ')
  const questions = async () => {
    const page = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
    return sumOf(readMetrics(page), 'dns_queries_total', { domain: `app.${zone}` }) ?? 0
  }

  test('every client gets the answer of its own network, from the cache too', async () => {
    const clients = Array.from({ length: 60 }, (_, index) => {
      const second = [60, 61, 62, 70, 71, 80][index % 6]!
      return `127.${second}.${[1, 76, 77, 78, 200][index % 5]}.${1 + index}`
    })
    const rounds = [...clients, ...[...clients].reverse(), ...clients]
    for (const client of rounds)
      expect(await answered(client), client).toBe(`A ${expected(client)}`)
  }, 60_000)

  test('one question serves a whole network that gets one answer', async () => {
    await answered('127.60.10.1')
    const before = await questions()
    for (let third = 20; third < 40; third++) await answered(`127.60.${third}.1`)
    expect(await questions()).toBe(before)
  }, 30_000)
})
