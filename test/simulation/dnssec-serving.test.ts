// Goal: whichever of registry, signer and DNS dies, and whenever, no answer is ever given that does
// not validate; health reaches the answers while the signer is away; and in the end what was
// configured last is served. Method: the three on the simulated kernel, with a disk in memory;
// every few steps one question with DO is asked and judged by the validator.
import { expect, test } from 'vitest'
import { dns } from '../../src/actors/dns/actor.ts'
import type { Answer } from '../../src/actors/dns/contract.ts'
import { emptyDisk as registryDisk, memoryPorts } from '../../src/actors/registry/ports-memory.ts'
import { registry } from '../../src/actors/registry/actor.ts'
import { signer } from '../../src/actors/signer/actor.ts'
import { seededRandom } from '../../src/core/base/random.ts'
import { readKeys } from '../../src/core/dnssec/check/keys.ts'
import { types } from '../../src/core/dns/types.ts'
import type { Topology } from '../../src/core/steer/topology.ts'
import type { AnyCtx } from '../../src/kernel/erased.ts'
import { catalogue } from '../../src/messages/catalogue.ts'
import { buildQuery } from '../harness/dns-query.ts'
import { zoneFrom } from '../harness/dnssec.ts'
import { judgeMessage, readMessage, wireOf } from '../harness/dnssec-serving.ts'
import { type Life, World } from '../harness/world.ts'
import { configOf as registryConfig } from '../unit/actors/registry-world.ts'
import { ZONE, configOf, emptyDisk, portsOn } from '../unit/actors/signer/world.ts'
import { keyOf, poolOf } from '../unit/core/health/sample.ts'

const SEEDS = 8
const STEPS = 20
const APP = `app.${ZONE}`
const HOSTS = ['10.0.0.1', '10.0.0.2', '10.0.0.3']
const CLIENT = { bytes: Uint8Array.of(198, 51, 100, 7), transport: 'tcp' as const }

const topologyOf = (text: string, extra: readonly string[]): Topology => {
  const lines = ['@ 1 SOA ns1 host 1 3600 600 1209600 1', '@ NS ns1', 'ns1 A 192.0.2.53']
  const all = [...lines, `www TXT "${text}"`, ...extra.map((name) => `${name} A 192.0.2.9`)]
  return {
    zones: [zoneFrom(`${all.join('\n')}\n`, ZONE)],
    pools: [poolOf(APP, HOSTS, { zone: ZONE, answers: 2, whenAllDown: 'all' })],
    regions: [],
  }
}

/** The world, and what a client and the prober do in it. */
class SignedWorld {
  readonly world: World
  asked = 0
  unanswered = 0
  readonly #random: ReturnType<typeof seededRandom>
  readonly #registry = registryDisk()
  readonly #keys = emptyDisk()
  readonly #out = new Uint8Array(65_535)
  #answer:
    | Parameters<import('../../src/actors/dns/contract.ts').DnsPorts['listen']>[0]['answer']
    | undefined
  #life: Life | undefined
  #prober: AnyCtx | undefined
  #config = this.#configFor('first', [])

  constructor(seed: number) {
    this.#random = seededRandom(seed ^ 0x51ed)
    this.world = new World({
      catalogue,
      seed,
      stepsMax: 1_000_000,
      children: [
        {
          name: 'registry',
          actor: registry,
          ports: (life) => memoryPorts(this.#registry, life.clock),
          config: this.#config,
        },
        { name: 'signer', actor: signer, ports: () => portsOn(this.#keys), config: configOf() },
        {
          name: 'dns',
          actor: dns,
          ports: (life) => this.#dnsPorts(life),
          config: { ...DNS, turns: new SharedArrayBuffer(8 * 64) },
        },
        { name: 'prober', actor: this.#scripted() },
      ],
      invariants: { 'every answer validates': () => this.#look() },
    })
  }

  /** The rcode and the data of an answer; undefined while nobody listens. */
  ask(name: string, type: string) {
    if (this.#answer === undefined || this.#life?.isAlive() !== true) return undefined
    const query = buildQuery({ name, type, edns: { dnssecOk: true, payload: 4_096 } })
    const written = this.#answer(query, 0, query.length, this.#out, 0, CLIENT)
    return readMessage(this.#out.slice(0, written))
  }

  verdict(address: string, verdict: 'up' | 'down'): void {
    const atMs = this.world.clock.nowMs()
    const told = { target: keyOf(APP, address), verdict, atMs, reason: '' }
    this.#prober?.publish('prober.verdict-changed', told)
  }

  reload(text: string, extra: readonly string[]): void {
    this.#config = this.#configFor(text, extra)
    this.world.supervisor.reconfigure({ registry: this.#config })
  }

  #configFor(text: string, extra: readonly string[]) {
    return { ...registryConfig(topologyOf(text, extra)), signedZones: [ZONE] }
  }

  #scripted() {
    return {
      name: 'prober',
      start: (ctx: AnyCtx) => {
        this.#prober = ctx
        return { receive: PROBER }
      },
    }
  }

  #dnsPorts(life: Life) {
    return {
      listen: async ({ address, answer }: { address: string; answer: Answer }) => {
        this.#answer = answer
        this.#life = life
        const counts = () => ({
          ...{ tcpConnections: 0, repliesDropped: 0, connectionsShed: 0 },
        })
        const front = { kind: 'simulated', host: address, port: 53, counts, close: async () => {} }
        return {
          code: 'listening' as const,
          front: { ...front, serve: () => {}, release: () => {}, reconfigure: () => {} },
        }
      },
    }
  }

  #look(): string | undefined {
    // Most steps are timers that change nothing of the answers.
    if (this.world.steps % 4 !== 0) return undefined
    const [name, type] = QUESTIONS[this.#random.below(QUESTIONS.length)]!
    const keys = this.ask(ZONE, 'DNSKEY')
    if (keys === undefined) return undefined
    const message = this.ask(name, type)!
    this.asked++
    // Before its first snapshot a thread says that it is not ready (RFC 8914 section 4.15).
    if (message.rcode === 'SERVFAIL' && message.ede === 14) {
      this.unanswered++
      return undefined
    }
    const records = keys.answer.filter((record) => record.type === types.DNSKEY)
    const zone = { apex: wireOf(ZONE), keys: readKeys(records, wireOf(ZONE)) }
    const now = Math.floor(this.world.clock.nowMs() / 1_000)
    const faults = judgeMessage(message, [zone], now)
    return faults.length === 0 ? undefined : `${name} ${type}: ${faults.join('; ')}`
  }
}

/** A prober that says what the test has it say. */
const PROBER = {
  ...{ 'registry.targets-set': () => {}, 'registry.check-wanted': () => {} },
  ...{ 'api.list-checks': () => ({}), 'api.count-checks': () => ({}) },
}

const QUESTIONS: readonly (readonly [string, string])[] = [
  [APP, 'A'],
  [APP, 'TXT'],
  [`www.${ZONE}`, 'TXT'],
  [`n0.${ZONE}`, 'A'],
  [`n1.${ZONE}`, 'A'],
  [`none.${ZONE}`, 'A'],
  [ZONE, 'SOA'],
  [ZONE, 'DNSKEY'],
]

const DNS = {
  ...{ sockets: [], listenAddress: '127.0.0.1:53', udpPayloadSize: 1_232, nsid: '' },
  ...{ versionString: '', hashSeed: 7 },
  tcp: {
    ...{ maxConnections: 1, maxConnectionsPerClient: 1, idleTimeoutMs: 1_000, maxPipelined: 1 },
  },
}

async function live(seed: number) {
  const one = new SignedWorld(seed)
  const { world } = one
  const random = seededRandom(seed)
  await world.start()
  await world.runFor(3_000)
  let [text, extra] = ['first', [] as string[]]
  for (let step = 0; step < STEPS; step++) {
    const act = random.below(6)
    if (act < 2) one.verdict(HOSTS[random.below(3)]!, random.below(2) === 0 ? 'up' : 'down')
    else if (act === 2) {
      text = `text ${seed} ${step}`
      extra = ['n0', 'n1'].filter(() => random.below(2) === 0)
      one.reload(text, extra)
    } else {
      const victim = ['registry', 'signer', 'dns'][random.below(3)]!
      if (random.below(2) === 0) world.kill(victim)
      else world.killAt({ name: victim, where: 'any', nth: 1 + random.below(5) })
    }
    await world.runFor(random.below(1_500))
  }
  await world.runFor(60_000)
  return { one, text, extra }
}

test(`no answer of ${SEEDS} lives with kills and reloads fails to validate`, async () => {
  let [asked, unanswered] = [0, 0]
  for (let seed = 0; seed < SEEDS; seed++) {
    const { one, text, extra } = await live(seed)
    const served = one.ask(`www.${ZONE}`, 'TXT')!
    const data = served.answer.map(({ rdata }) => Buffer.from(rdata).toString('latin1')).join()
    expect(data, `seed ${seed}`).toContain(text)
    for (const name of ['n0', 'n1'])
      expect(one.ask(`${name}.${ZONE}`, 'A')!.rcode, `seed ${seed} ${name}`).toBe(
        extra.includes(name) ? 'NOERROR' : 'NXDOMAIN',
      )
    asked += one.asked
    unanswered += one.unanswered
  }
  expect(asked).toBeGreaterThan(SEEDS * 200)
  // A DNS thread that was just started knows nothing yet, for a moment.
  expect(unanswered / asked).toBeLessThan(0.2)
}, 240_000)

test('health reaches the answers while the signer is dead, and configuration waits', async () => {
  const one = new SignedWorld(99)
  const { world } = one
  await world.start()
  await world.runFor(3_000)
  for (const address of HOSTS) one.verdict(address, 'up')
  await world.runFor(1_000)
  const addresses = () =>
    one
      .ask(APP, 'A')!
      .answer.filter(({ type }) => type === types.A)
      .map(({ rdata }) => rdata.join('.'))
      .sort()
  expect(addresses()).toHaveLength(2)
  // Killed again each time it comes back, until it stays in backoff.
  for (let times = 0; times < 6; times++) {
    world.kill('signer')
    await world.runFor(50)
  }
  // In small steps: what waits for no timer of the world gets its turns between them.
  const passed = async (ms: number) => {
    for (let at = 0; at < ms; at += 5) await world.runFor(5)
  }
  one.reload('second', ['n0'])
  await passed(20)
  one.verdict('10.0.0.1', 'down')
  await passed(20)
  for (let turn = 0; turn < 6; turn++) expect(addresses()).not.toContain('10.0.0.1')
  expect(one.ask(`n0.${ZONE}`, 'A')!.rcode).toBe('NXDOMAIN')
  await world.runFor(120_000)
  expect(one.ask(`n0.${ZONE}`, 'A')!.rcode).toBe('NOERROR')
  for (let turn = 0; turn < 6; turn++) expect(addresses()).not.toContain('10.0.0.1')
}, 60_000)
