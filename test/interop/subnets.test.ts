// Goal: behind a resolver that passes client subnets on and keeps answers for them (unbound's
// subnet cache), no client ever gets another's answer, and the resolver asks once for all clients
// of a network that get the same one.
// Method: clients ask from addresses of several loopback networks, over and over and mixed.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Backend, startBackends } from '../harness/backends.ts'
import { Daemon } from '../harness/daemon.ts'
import { readMetrics, sumOf } from '../harness/metric-names.ts'
import { freePort, Program, until } from '../harness/program.ts'
import { dig, digEach, has, output } from '../harness/tools.ts'

const zone = 'subnets.test'
const [EAST, WEST, OTHER] = ['127.10.12.21', '127.10.12.22', '127.10.12.23'] as const
const hasSubnets = has('unbound') && (await output('unbound', ['-V'])).includes('subnetcache')

describe.runIf(has('dig', 'unbound') && hasSubnets)('unbound with its subnet cache', () => {
  const unbound = new Daemon()
  let program: Program
  let backends: readonly Backend[] = []
  let [port, dnsPort, metricsPort, apiPort] = [0, 0, 0, 0]

  beforeAll(async () => {
    backends = await startBackends([EAST, WEST, OTHER])
    ;[port, dnsPort] = [await freePort(), await freePort()]
    ;[metricsPort, apiPort] = [await freePort(), await freePort()]
    program = new Program('')
    const region = (name: string, address: string) =>
      `  - { name: ${name}, servers: [{ address: ${address}, port: ${backends[0]!.port} }], health_check: { type: tcp, interval: 500ms, timeout: 200ms, success_threshold: 1 } }`
    const domain = (label: string, algorithm: string) =>
      `  - { name: ${label}.${zone}, regions: [east, west, other], ttl: 300, routing_algorithm: ${algorithm} }`
    program.configure(`
dns: { listen_address: "127.0.0.1:${dnsPort}", threads: 1, zones: [${zone}] }
api: { enabled: true, address: "127.0.0.1:${apiPort}" }
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
      - { cidr: "2001:db8:60::/48", region: east }
      - { cidr: "2001:db8:70::/48", region: west }
      - { cidr: "2001:db8:70:7700::/56", region: east }
  learned_latency: { exploration: 0 }
regions:
${region('east', EAST)}
${region('west', WEST)}
${region('other', OTHER)}
domains:
${domain('app', 'geolocation')}
${domain('learned', 'learned_latency')}
${domain('sticky', 'weighted, sticky: { by: client_prefix, ipv4_prefix: 24 }')}
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
  max-client-subnet-ipv6: 56
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
  /** What clients get of the resolver, asked in their order. */
  const answered = async (clients: readonly string[], label = 'app') => {
    const asked = clients.map((client) => `-b ${client} ${label}.${zone}`)
    return (await digEach(port, asked)).map((answer) => answer.join(' '))
  }
  /** What the server itself tells networks. */
  const told = async (subnets: readonly string[], label: string) => {
    const asked = subnets.map((subnet) => `+subnet=${subnet} ${label}.${zone}`)
    return (await digEach(dnsPort, asked)).map((answer) => answer.join(' '))
  }
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
    const answers = await answered(rounds)
    const wrong = rounds.filter((client, at) => answers[at] !== `A ${expected(client)}`)
    expect(wrong).toEqual([])
    expect(answers).toHaveLength(180)
  }, 60_000)

  test('one question serves a whole network that gets one answer', async () => {
    await answered(['127.60.10.1'])
    const before = await questions()
    await answered(Array.from({ length: 20 }, (_, index) => `127.60.${20 + index}.1`))
    expect(await questions()).toBe(before)
  }, 30_000)

  test.each([
    ['2001:db8:60::/56', EAST],
    ['2001:db8:70:7700::/56', EAST],
    ['2001:db8:70:7800::/56', WEST],
    ['2001:db8:70:7600::/56', WEST],
    ['2001:db8:60:7700::/56', EAST],
    ['2001:db8:80::/56', OTHER],
  ])('a network of IPv6 gets the answer of its own: %s', async (subnet, address) => {
    for (let time = 0; time < 2; time++) {
      const { answer } = await dig(port, `+subnet=${subnet}`, `app.${zone}`)
      expect(answer.join(' ')).toBe(`A ${address}`)
    }
  })

  test('clients that stick get their own server, and no other network that of theirs', async () => {
    const nets = Array.from({ length: 12 }, (_, index) => `127.90.${1 + index}`)
    const of = (last: string) => nets.map((net) => net + last)
    const own = await told(of('.0/24'), 'sticky')
    expect(await answered(of('.7'), 'sticky')).toEqual(own)
    expect(await answered(of('.200'), 'sticky')).toEqual(own)
    expect(new Set(own)).toEqual(new Set([EAST, WEST, OTHER].map((address) => `A ${address}`)))
  }, 120_000)

  test.runIf(has('curl'))(
    'what was learned of a network is told to that network alone',
    async () => {
      // Neighbours that were measured otherwise, and one far from both.
      const rows = {
        '127.60.5.0/24': [90, 10],
        '127.60.6.0/24': [10, 90],
        '127.70.5.0/24': [10, 90],
      }
      for (const [subnet, times] of Object.entries(rows))
        for (const [at, region] of ['east', 'west'].entries()) {
          const row = { subnet, domain: `learned.${zone}`, region, samples: 50 }
          const body = JSON.stringify({ ...row, latency_ms: times[at] })
          const url = `http://127.0.0.1:${apiPort}/api/v1/overwatch/latency`
          const json = ['-H', 'content-type: application/json', '-d', body]
          expect(await output('curl', ['-s', ...json, url])).toContain('true')
        }
      const learned = {
        '127.60.5.0/24': WEST,
        '127.60.6.0/24': EAST,
        '127.70.5.0/24': EAST,
      }
      for (const [subnet, address] of Object.entries(learned))
        await until(`${subnet} is learned`, async () => {
          return (await told([subnet], 'learned'))[0] === `A ${address}`
        })
      const nets = Object.keys(learned)
      const wanted = Object.values(learned).map((address) => `A ${address}`)
      for (const last of [7, 8, 9]) {
        const clients = nets.map((net) => net.replace('0/24', `${last}`))
        expect(await answered(clients, 'learned')).toEqual(wanted)
        expect(await answered(clients.reverse(), 'learned')).toEqual([...wanted].reverse())
      }
    },
    60_000,
  )
})
