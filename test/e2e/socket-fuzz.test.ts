// Goal: over real sockets too, no packet breaks the server: no crash, no reply to a response, never
// two replies, memory flat; on the native front and on node:dgram, by IPv4 and IPv6.
// Method: each mutated packet is followed by a fence, a plain question on the same socket; whatever
// comes back before the fence's answer is the reply to the packet. OPENGSLB_FULL=1 sends a million.
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Asker, isFence, openAsker } from '../harness/dns-asker.ts'
import { type FrontKind, kinds } from '../harness/dns-fronts.ts'
import { corpusOf, mutatorOf } from '../harness/dns-mutator.ts'
import { buildQuery } from '../harness/dns-query.ts'
import { brokenRule } from '../harness/dns-rules.ts'
import { type Overwatch, startOverwatch } from '../harness/overwatch.ts'

const full = process.env['OPENGSLB_FULL'] === '1'
type Place = readonly [kind: FrontKind, host: string]
const places = kinds.flatMap((kind) => ['127.0.0.1', '::1'].map((host): Place => [kind, host]))
/** Of each place. */
const packets = (full ? 1_000_000 : 20_000) / places.length
const seed = Number(process.env['OPENGSLB_SEED'] ?? 20_261)
const SOCKETS = 32
const zone = 'fuzzed.test'
const names = ['', 'app.', 'www.', 'a.deep.', 'x.wild.', 'missing.'].map((label) => label + zone)
const records = [
  `{ name: www, type: CNAME, value: app.${zone}. }`,
  `{ name: a.deep, type: A, value: 192.0.2.7 }`,
  `{ name: "*.wild", type: A, value: 192.0.2.8 }`,
]

const started = new Map<string, Overwatch>()
const start = async (kind: FrontKind, host: string) => {
  const env = kind === 'dgram' ? { OPENGSLB_NATIVE: '0' } : {}
  started.set(`${kind} ${host}`, await startOverwatch(zone, records, { host, env }))
}
beforeAll(async () => void (await Promise.all(places.map((place) => start(...place)))), 30_000)
afterAll(async () => void (await Promise.all([...started.values()].map((one) => one.stop()))))

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

describe.each(places)('%s at %s', (kind, host) => {
  const at = seed + 10 * places.findIndex((place) => place[0] === kind && place[1] === host)
  const overwatch = () => started.get(`${kind} ${host}`)!
  const open = (transport: 'udp' | 'tcp') => openAsker(transport, host, overwatch().port, zone)

  async function check(asker: Asker, query: Uint8Array, transport: 'udp' | 'tcp'): Promise<void> {
    if (isFence(query)) return
    const replies = await asker.ask(query)
    expect(replies.length, `replies to ${transport} ${hex(query)}`).toBeLessThanOrEqual(1)
    const rule = brokenRule(query, replies[0], { transport, udpPayloadSize: 1232 })
    expect(rule, `${transport} ${hex(query)}`).toBeUndefined()
  }

  function residentMb(): number {
    const status = readFileSync(`/proc/${overwatch().program.pid}/status`, 'utf8')
    return Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024
  }

  async function sendOverUdp(from: number, count: number): Promise<void> {
    const mutator = mutatorOf(corpusOf(names), from)
    const askers = await Promise.all(Array.from({ length: SOCKETS }, () => open('udp')))
    const run = async (asker: Asker) => {
      for (let sent = 0; sent < count / SOCKETS; sent++) await check(asker, mutator.next(), 'udp')
    }
    await Promise.all(askers.map(run))
    for (const asker of askers) asker.close()
  }

  test(`${packets} mutated packets over UDP (seed ${at})`, async () => {
    await sendOverUdp(at, packets / 10)
    const before = residentMb()
    await sendOverUdp(at + 1, packets)
    const after = residentMb()
    process.stdout.write(`resident ${before.toFixed(0)} MB before, ${after.toFixed(0)} MB after\n`)
    // Samples of answers fill a store of fixed size meanwhile.
    expect(after - before).toBeLessThan(60)
  }, 1_800_000)

  test(`${packets / 10} mutated packets over TCP (seed ${at})`, async () => {
    const mutator = mutatorOf(corpusOf(names), at + 2)
    for (let sent = 0; sent < packets / 10; sent++) {
      const asker = await open('tcp')
      await check(asker, mutator.next(), 'tcp')
      asker.close()
    }
  }, 1_800_000)

  test('it still answers, on the front that was asked for', async () => {
    const asker = await open('udp')
    const [reply] = await asker.ask(buildQuery({ name: `app.${zone}`, type: 'A', id: 7 }))
    asker.close()
    expect(reply![3]! & 15).toBe(0)
    expect(overwatch().program.output).toContain(`front=${kind}`)
  })
})
