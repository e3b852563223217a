// Goal: what the authority answers in the process is what goes out on the wire, octet by octet, on
// each front, by IPv4 and IPv6, over UDP and TCP.
// Method: the cases of the authority's own tables, asked over real sockets of a front whose Answer
// is one world, and in the process of another one like it, in the same order, so that turns agree.
import { afterEach, describe, expect, test } from 'vitest'
import type { Answer } from '../../src/actors/dns/contract.ts'
import { type Asker, openAsker, type Transport } from '../harness/dns-asker.ts'
import { tableWorld } from '../harness/dns-cases.ts'
import { kinds, openFront } from '../harness/dns-fronts.ts'
import * as messages from '../harness/dns-messages.ts'
import { buildQuery, type QueryParts } from '../harness/dns-query.ts'
import * as tables from '../harness/dns-tables.ts'
import { sendTo } from '../harness/dns-world.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

type Case = readonly [what: string, query: Uint8Array]

const inTables = Object.values(tables).flatMap((table) =>
  table.map(
    ([what, name, type, , options]): Case => [what, buildQuery({ ...options, name, type })],
  ),
)
const inMessages = [...messages.silent, ...messages.unechoed, ...messages.malformed]
const subnets = [...messages.goodSubnets, ...messages.badSubnets].map(([what, data]): Case => {
  const edns = { options: [[8, data] as const] }
  return [`client subnet: ${what}`, buildQuery({ ...messages.WWW, edns })]
})
const turns = ['A', 'A', 'A', 'AAAA'].map((type, at): Case => {
  return [`turn ${at}`, buildQuery({ name: 'app.example.com', type })]
})
const sizes = ['big', 'm', 'a.s', 'vast', 'huge'].flatMap((label) =>
  [undefined, 100, 512, 1232, 4096, 65_535].map((payload): Case => {
    const parts: QueryParts = { name: `${label}.x.org`, type: label === 'm' ? 'MX' : 'TXT' }
    const edns = payload === undefined ? {} : { edns: { payload } }
    return [`${label}, of ${payload ?? 512} octets`, buildQuery({ ...parts, ...edns })]
  }),
)
const cases = [...inTables, ...inMessages, ...subnets, ...turns, ...sizes]

const hex = (bytes: Uint8Array | undefined) =>
  bytes === undefined ? [] : [Buffer.from(bytes).toString('hex')]

/** What each case got. */
async function heard(asker: Asker): Promise<readonly (readonly [string, readonly string[]])[]> {
  const all: (readonly [string, readonly string[]])[] = []
  for (const [what, query] of cases) all.push([what, (await asker.ask(query)).flatMap(hex)])
  return all
}

const transports: readonly Transport[] = ['udp', 'tcp']
const families = [
  ['127.0.0.1', '127.0.0.1:0', Uint8Array.of(127, 0, 0, 1)],
  ['::1', '[::1]:0', Uint8Array.of(...new Uint8Array(15), 1)],
] as const

describe.each(kinds)('%s', (kind) => {
  test.each(families)(
    '%s over UDP and TCP',
    async (host, listenAddress, client) => {
      const [served, twin] = [tableWorld().authority, tableWorld().authority]
      const answer: Answer = (...args) => served.answer(...args)
      const { port, close } = await openFront(kind, listenAddress, answer)
      cleanups.push(close)
      for (const transport of transports) {
        const asker = await openAsker(transport, host, port, 'example.com')
        cleanups.push(() => asker.close())
        const expected = cases.map(
          ([what, query]) => [what, hex(sendTo(twin, query, transport, client))] as const,
        )
        expect(await heard(asker), transport).toEqual(expected)
      }
    },
    20_000,
  )
})

test('there are cases that get nothing, and such as TCP alone has whole', () => {
  const twin = tableWorld().authority
  const sizesBy = (transport: Transport) =>
    cases.map(([, query]) => sendTo(twin, query, transport)?.length ?? 0)
  const [udp, tcp] = [sizesBy('udp'), sizesBy('tcp')]
  expect(udp.filter((size) => size === 0)).toHaveLength(messages.silent.length)
  expect([Math.max(...udp) > 900, Math.max(...udp) <= 1_232]).toEqual([true, true])
  expect(Math.max(...tcp)).toBeGreaterThan(50_000)
})
