// Goal: what a thread answers from ready-made signatures validates for the resolvers people run,
// for each kind of answer and denial, under every policy and whichever servers are up.
// Method: the real front on a real socket; unbound with our DS as its anchor, which keeps nothing,
// and delv, which asks the front itself.
import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { rdataOfKey } from '../../src/core/dnssec/dnskey.ts'
import { dsRdata } from '../../src/core/dnssec/ds.ts'
import { type TypeMnemonic, types } from '../../src/core/dns/types.ts'
import type { ServingPool } from '../../src/core/steer/snapshot.ts'
import { formatRdata } from '../../src/core/zone/rdata.ts'
import { Daemon, validatorHead } from '../harness/daemon.ts'
import { type Opened, openFront } from '../harness/dns-fronts.ts'
import { poolSpecOf, zoneOf } from '../harness/dns-world.ts'
import { crypto, keyFor, zoneFrom } from '../harness/dnssec.ts'
import { signedWorld, wireOf } from '../harness/dnssec-serving.ts'
import { DOWN, UP, WAS_UP } from '../harness/pools.ts'
import { freePort, until } from '../harness/program.ts'
import { dig, has, output } from '../harness/tools.ts'

const text = readFileSync(new URL('./dnssec.zone', import.meta.url), 'utf8')
const now = Math.floor(Date.now() / 1_000)
const isFull = process.env['OPENGSLB_FULL'] === '1'
const key = keyFor(13)
const anchorOf = (apex: string) =>
  formatRdata(types.DS, dsRdata(wireOf(apex), rdataOfKey(key), 2, crypto))

/** Relative name, type, status and whether something is answered. */
type Case = readonly [string, TypeMnemonic, string, boolean]

const fixed: readonly Case[] = [
  ['', 'SOA', 'NOERROR', true],
  ['', 'MX', 'NOERROR', true],
  ['', 'DNSKEY', 'NOERROR', true],
  ['', 'CDS', 'NOERROR', true],
  ['', 'AAAA', 'NOERROR', false],
  ['www', 'A', 'NOERROR', true],
  ['ns1', 'MX', 'NOERROR', false],
  ['missing', 'A', 'NXDOMAIN', false],
  ['a.b.missing', 'TXT', 'NXDOMAIN', false],
  ['0', 'A', 'NXDOMAIN', false],
  ['zzz', 'A', 'NXDOMAIN', false],
  ['deep.down', 'A', 'NOERROR', false],
  ['b.deep.down', 'A', 'NXDOMAIN', false],
  ['any.wild', 'A', 'NOERROR', true],
  ['a.b.wild', 'TXT', 'NOERROR', true],
  ['any.wild', 'MX', 'NOERROR', false],
  ['ent.wild', 'A', 'NOERROR', false],
  ['y.ent.wild', 'A', 'NXDOMAIN', false],
  ['*.wild', 'A', 'NOERROR', true],
  ['secure', 'DS', 'NOERROR', true],
  ['insecure', 'DS', 'NOERROR', false],
  ['moved', 'TXT', 'NOERROR', true],
  ['a.deep.moved', 'A', 'NOERROR', true],
  ['nothing.moved', 'A', 'NXDOMAIN', false],
  ['esc\\.aped', 'A', 'NOERROR', true],
  ['\\100.z', 'A', 'NXDOMAIN', false],
  ['_sip._udp', 'SRV', 'NOERROR', true],
  ['alias', 'A', 'NOERROR', true],
  ['x.aliases', 'A', 'NOERROR', true],
  ['in.between', 'TXT', 'NOERROR', true],
  ['between', 'A', 'NOERROR', false],
  ['in.between', 'DS', 'NOERROR', false],
]

const policies = ['round-robin', 'weighted', 'failover', 'geolocation'] as const
const added = 'alias CNAME app0\n*.aliases CNAME app1\nbeside TXT "beside a pool"\n'
const v4 = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4']

function poolsOf(apex: string): ServingPool[] {
  const pool = (name: string, addresses: readonly string[], spec: object) =>
    poolSpecOf({ name: `${name}.${apex}`, zone: apex, addresses, spec }, 0)
  return [
    ...policies.map((policy, at) =>
      pool(`app${at}`, [...v4, '2001:db8::1'], {
        ...{ policy, answers: at + 1, whenAllDown: 'fallback' },
        fallback: ['192.0.2.200', '2001:db8::200'],
      }),
    ),
    pool('*.steered', v4, { answers: 2, whenAllDown: 'nodata' }),
    pool('beside', v4.slice(2), { whenAllDown: 'last_healthy' }),
    pool('failing', v4.slice(0, 2), {}),
  ]
}

/** What is asked of the pools in each state; the status does not follow from the words alone. */
const steered: readonly (readonly [string, TypeMnemonic])[] = [
  ...policies.flatMap((_, at) => [
    [`app${at}`, 'A'] as const,
    [`app${at}`, 'AAAA'] as const,
    [`app${at}`, 'MX'] as const,
  ]),
  ['x.steered', 'A'],
  ['x.steered', 'AAAA'],
  ['*.steered', 'A'],
  ['beside', 'A'],
  ['beside', 'AAAA'],
  ['beside', 'TXT'],
  ['failing', 'A'],
  ['alias', 'AAAA'],
  ['x.aliases', 'A'],
]

const served = (['nsec', 'nsec3'] as const).map((denial) => {
  const apex = `${denial}.test`
  const pools = poolsOf(apex)
  const inner = zoneOf(`in.between.${apex}`, '@ NS ns.elsewhere.example.\n@ TXT "inner"')
  const world = signedWorld({
    ...{ zones: [zoneFrom(text + added, apex), inner], pools, denial, nowSeconds: now },
    keys: [key],
  })
  return { apex, pools, world, front: undefined as Opened | undefined }
})

const stubOf = ({ apex, front }: (typeof served)[number]) =>
  `stub-zone:\n  name: "${apex}"\n  stub-addr: 127.0.0.1@${front!.port}`

const unbound = new Daemon()
let unboundPort: number
const nameOf = (relative: string, apex: string) => (relative === '' ? apex : `${relative}.${apex}`)
const isReady = has('unbound', 'delv', 'dig')

beforeAll(async () => {
  if (!isReady) return
  for (const one of served)
    one.front = await openFront('dgram', '127.0.0.1:0', (...args) =>
      one.world.authority.answer(...args),
    )
  unboundPort = await freePort()
  unbound.start('unbound', ['-d', '-p', '-c', 'unbound.conf'], {
    'unbound.conf': `${validatorHead(unboundPort)}  cache-max-ttl: 0
  cache-max-negative-ttl: 0
  aggressive-nsec: no
  val-log-level: 2
${served.map(({ apex }) => `  trust-anchor: "${apex}. DS ${anchorOf(apex)}"`).join('\n')}
remote-control:
  control-enable: no
${served.map(stubOf).join('\n')}
`,
  })
  await until(`unbound answers ${unbound.output}`, async () => {
    return (await dig(unboundPort, served[1]!.apex, 'SOA')).status === 'NOERROR'
  })
})
afterAll(async () => {
  await unbound.stop()
  for (const { front } of served) await front?.close()
})

/** Whether unbound finds the answer authentic; what it may not be is bogus. */
async function authentic(name: string, type: string): Promise<readonly [string, boolean]> {
  const said = await dig(unboundPort, '+dnssec', name, type)
  return [said.status, said.flags.includes('ad')]
}

describe.runIf(isReady)('signed on the wire', () => {
  describe.each(served)('$apex', ({ apex, pools, world, front: _ }) => {
    test('unbound finds each kind of answer and denial authentic', async () => {
      for (const [relative, type, status] of fixed) {
        const name = nameOf(relative, apex)
        // The zone inside has no DS, so that it is not authentic and not bogus either.
        const isInner = relative === 'in.between' && type === 'TXT'
        expect([name, type, ...(await authentic(name, type))], unbound.output.slice(-800)).toEqual([
          ...[name, type, status, !isInner],
        ])
      }
    }, 60_000)

    test('delv finds it fully validated', async () => {
      const { front } = served.find((one) => one.apex === apex)!
      const anchor = anchorOf(apex).split(' ')
      const file = `${unbound.folder}/${apex}.anchor`
      const head = anchor.slice(0, 3).join(' ')
      writeFileSync(file, `trust-anchors { "${apex}." static-ds ${head} "${anchor[3]}"; };\n`)
      for (const [relative, type] of fixed) {
        if (relative === 'in.between') continue
        const words = ['@127.0.0.1', '-p', String(front!.port), '-a', file, `+root=${apex}`]
        const said = await output('delv', [...words, nameOf(relative, apex), type])
        expect(said, `${relative} ${type}`).toMatch(/fully validated/)
      }
    }, 60_000)

    test('unbound finds steered answers authentic whichever servers are up', async () => {
      let seed = 7
      const draw = (below: number) => {
        seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
        return (seed >>> 8) % below
      }
      const seen = new Set<string>()
      for (let state = 0; state < (isFull ? 500 : 8); state++) {
        const { serving } = world.authority
        for (const [pool, { members }] of pools.entries())
          for (const member of members.keys()) {
            const word = state === 0 ? UP : state === 1 ? DOWN : [UP, DOWN, WAS_UP][draw(3)]!
            serving!.pools.setWord(pool, member, word)
          }
        for (const [relative, type] of steered) {
          const name = nameOf(relative, apex)
          const plain = world.plain(name, type)
          // A failure claims nothing, and the resolver would remember it for some seconds.
          if (plain.rcode === 'SERVFAIL') expect(world.ask(name, type).rcode).toBe('SERVFAIL')
          else
            expect(
              [state, name, type, ...(await authentic(name, type))],
              unbound.output.slice(-800),
            ).toEqual([state, name, type, plain.rcode, true])
          seen.add(`${type} ${plain.rcode} ${plain.answer.length > 0}`)
        }
      }
      for (const what of [
        'A NOERROR true',
        'A NOERROR false',
        'AAAA NOERROR false',
        'A SERVFAIL false',
      ])
        expect([...seen]).toContain(what)
    }, 120_000)
  })
})
