// Goal: whatever is poured over the server, a client that keeps within its limits gets each of its
// questions answered, over UDP and TCP; what a flood gets back is held to the rate, and what is
// given up for want of room is counted.
// Method: the built program in a network namespace where 198.18.0.0/16 is local, so that no party
// has an address that rate limiting exempts. Attackers send below what the machine can take.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasAddon } from '../harness/dns-fronts.ts'
import { readMetrics, sumOf } from '../harness/metric-names.ts'
import { Program, projectRoot, until } from '../harness/program.ts'
import { has, output } from '../harness/tools.ts'

const NAME = 'www.flood.test'
const [TARGET, PORT] = ['198.18.0.1', '5353']
const SECONDS = 3
const space = `ogflood${process.pid % 10_000}`
const inside = ['ip', 'netns', 'exec', space] as const
const run = (command: string, ...words: readonly string[]): boolean =>
  spawnSync(command, words, { stdio: 'ignore' }).status === 0
const ip = (...words: readonly string[]): boolean => run('ip', ...words)
const tc = (...words: readonly string[]): boolean => run(...inside, 'tc', 'qdisc', ...words)

interface Told {
  readonly [name: string]: number
}

async function party(kind: string): Promise<Told> {
  const script = join(projectRoot, 'test/harness/flood.mjs')
  const words = [script, kind, TARGET, PORT, NAME, String(SECONDS * 1_000)]
  const [command, ...rest] = [...inside, process.execPath, ...words]
  return JSON.parse(await output(command!, rest)) as Told
}

/** The metrics' own port is what is checked of each. */
const SERVERS = Array.from({ length: 100 }, (_, index) => `198.18.60.${index + 1}`)
const serverLines = SERVERS.map(
  (address, at) =>
    `{ address: ${address}, port: 9153, weight: ${50 + at}, service: sticky.flood.test }`,
)
const LARGE = Array.from({ length: 5 }, (_, index) => `'"${String(index).repeat(200)}"'`)

const configuration = (folder: string) => `
dns:
  listen_address: "${TARGET}:${PORT}"
  rate_limit: { exempt_networks: [198.18.210.0/24] }
  zones:
    - name: flood.test
      records:
        - { name: www, type: A, value: 192.0.2.1 }
        - { name: www, type: TXT, values: [${LARGE.join(', ')}] }
regions:
  - name: local
    servers: [${serverLines.join(', ')}]
    health_check: { type: tcp, interval: 5s, timeout: 2s, success_threshold: 1 }
domains: [{ name: sticky.flood.test, regions: [local], routing_algorithm: weighted, answers: 4, sticky: { by: client_prefix } }]
overwatch: { data_dir: ${folder}/data }
api: { enabled: false }
metrics: { enabled: true, address: "0.0.0.0:9153" }
logging: { level: warn, format: text }
`

const isRoot = process.getuid?.() === 0 && ip('netns', 'list')

describe.runIf(isRoot)('floods', () => {
  let program: Program

  beforeAll(async () => {
    ip('netns', 'add', space)
    ip('-n', space, 'link', 'set', 'lo', 'up')
    ip('-n', space, 'addr', 'add', '198.18.0.0/16', 'dev', 'lo')
    program = new Program('', inside)
    program.configure(configuration(program.folder))
    program.start()
    // Where no host is: what is sent there goes nowhere.
    ip('-n', space, 'route', 'add', '203.0.113.0/24', 'dev', 'lo')
    const isWhole = async () => (await metric('overwatch_backends_healthy')) === SERVERS.length
    await until('it serves all', isWhole, 30_000)
  }, 40_000)

  afterAll(async () => {
    await program?.remove()
    ip('netns', 'del', space)
  })

  async function metric(name: string): Promise<number> {
    const [command, ...rest] = [...inside, 'curl', '-s', 'http://127.0.0.1:9153/metrics']
    return sumOf(readMetrics(await output(command!, rest)), name) ?? 0
  }
  const held = () => metric('dns_rate_limited_total')
  /** A table of its network namespace. */
  const table = (name: string) => readFileSync(`/proc/${program.pid}/net/${name}`, 'utf8')

  /** The good client loses nothing meanwhile; what the attacker tells. */
  async function withstood(kind: string): Promise<Told> {
    const [attack, good] = await Promise.all([party(kind), party('good')])
    expect(good['asked']).toBeGreaterThan(50)
    expect(good, JSON.stringify(attack)).toMatchObject({
      ...{ answered: good['asked'], wrong: 0, tcpAnswered: good['tcpAsked'] },
    })
    return attack
  }

  for (const [kind, says] of [
    ['names', 'random names from one network'],
    ['repeated', 'one question over and over from one network'],
    ['forged', 'one question from hundreds of networks, as with forged addresses'],
    ['broken', 'cut, huge and mangled packets'],
    ['connections', 'thousands of connections that say nothing'],
  ] as const) {
    test(`a client within its limits loses nothing to ${says}`, async () => {
      const before = await held()
      const attack = await withstood(kind)
      if (kind === 'connections') {
        expect(attack['opened']).toBeGreaterThan(100)
        return
      }
      expect(attack['sent']).toBeGreaterThan(SECONDS * 500)
      if (kind !== 'names' && kind !== 'repeated') return
      // 200 may come at once and 200 a second; every second one past that is a truncated reply.
      const rate = 200 * (SECONDS + 2)
      expect(attack['replies']).toBeLessThan(rate + (attack['sent']! - rate) * 0.6)
      expect(await held()).toBeGreaterThan(before)
    }, 30_000)
  }

  test('nor to random client subnets at a sticky name of a hundred servers', async () => {
    const attack = await withstood('subnets')
    expect(attack['sent']).toBeGreaterThan(SECONDS * 500)
    expect(attack['replies']).toBeGreaterThan(attack['sent']! / 2)
  }, 30_000)

  test.runIf(has('perl'))(
    'nor to connections that are never completed, more than the backlog holds',
    async () => {
      const attack = await withstood('halfOpen')
      expect(attack['sent']).toBeGreaterThan(SECONDS * 500)
      expect(extended('SyncookiesSent')).toBeGreaterThan(SECONDS * 100)
    },
    30_000,
  )

  /** A count of the kernel's, `TcpExt` in `nstat`. */
  function extended(name: string): number {
    const [names, values] = table('netstat')
      .split('\n')
      .map((line) => line.split(' '))
    return Number(values![names!.indexOf(name)])
  }

  test.runIf(hasAddon && has('tc'))(
    'replies that find no room are counted',
    async () => {
      const isRead = () =>
        [...table('udp').matchAll(/:14E9 \S+ \d+ [0-9A-F]+:([0-9A-F]+)/g)].every(
          ([, queue]) => Number.parseInt(queue!, 16) === 0,
        )
      const before = await metric('dns_replies_dropped_total')
      program.signal('SIGSTOP')
      await party('large')
      expect(isRead()).toBe(false)
      const words = ['rate', '1mbit', 'burst', '64kb', 'limit', '100mb']
      expect(tc('add', 'dev', 'lo', 'root', 'tbf', ...words)).toBe(true)
      program.signal('SIGCONT')
      await until('all is read', isRead).finally(() => tc('del', 'dev', 'lo', 'root'))
      const isCounted = async () => (await metric('dns_replies_dropped_total')) > before
      await until('they are counted', isCounted)
    },
    30_000,
  )
})
