// Goal: what we sign validates for the resolvers people run: unbound with our DS as its anchor, and
// delv; and for each denial our chain names the records that BIND and NSD send.
// Method: named and nsd serve our signed zones from files, one zone an algorithm and a denial.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readFileSync, writeFileSync } from 'node:fs'
import { algorithms } from '../../src/core/dnssec/algorithms.ts'
import { rdataOfKey } from '../../src/core/dnssec/dnskey.ts'
import { dsRdata } from '../../src/core/dnssec/ds.ts'
import { orderOf } from '../../src/core/dnssec/order.ts'
import { outcomeOf } from '../../src/core/dnssec/outcome.ts'
import { chainOf, groupRrsets, signZone } from '../../src/core/dnssec/sign-zone.ts'
import { NameIndex, zoneNames } from '../../src/core/dnssec/zone-names.ts'
import { wireToName } from '../../src/core/dns/names.ts'
import { type TypeMnemonic, types } from '../../src/core/dns/types.ts'
import { formatRecord } from '../../src/core/zone/format.ts'
import { formatRdata } from '../../src/core/zone/rdata.ts'
import { Daemon, validatorHead } from '../harness/daemon.ts'
import { crypto, keyFor, planOf, plans, zoneFrom } from '../harness/dnssec.ts'
import { wire } from '../harness/dnssec-denial.ts'
import { freePort, until } from '../harness/program.ts'
import { dig, has, output } from '../harness/tools.ts'

const text = readFileSync(new URL('./dnssec.zone', import.meta.url), 'utf8')
const now = Math.floor(Date.now() / 1_000)

const zones = Object.values(algorithms).flatMap((algorithm) =>
  (['nsec', 'nsec3'] as const).map((kind) => {
    const apex = `a${algorithm}-${kind}.test`
    const key = keyFor(algorithm)
    const records = signZone(zoneFrom(text, apex), planOf([key], plans[kind], now), crypto)
    const ds = dsRdata(wire(apex), rdataOfKey(key), 2, crypto)
    return { apex, kind, records, ds: formatRdata(types.DS, ds) }
  }),
)
const files = Object.fromEntries(
  zones.map(({ apex, records }) => [apex, `${records.map(formatRecord).join('\n')}\n`]),
)

/** Relative name, type, status, whether the resolver finds it authentic, and part of the answer. */
const questions: readonly (readonly [string, TypeMnemonic, string, boolean, string?])[] = [
  ['', 'SOA', 'NOERROR', true, 'SOA ns1'],
  ['', 'MX', 'NOERROR', true, 'MX 10 mail'],
  ['', 'DNSKEY', 'NOERROR', true, 'DNSKEY 257 3'],
  ['', 'CDS', 'NOERROR', true, 'CDS'],
  ['', 'CDNSKEY', 'NOERROR', true, 'CDNSKEY 257'],
  ['', 'AAAA', 'NOERROR', true],
  ['ns1', 'A', 'NOERROR', true, 'A 192.0.2.53'],
  ['ns1', 'MX', 'NOERROR', true],
  ['www', 'A', 'NOERROR', true, 'A 192.0.2.25'],
  ['missing', 'A', 'NXDOMAIN', true],
  ['a.b.missing', 'TXT', 'NXDOMAIN', true],
  ['zzz', 'A', 'NXDOMAIN', true],
  ['deep.down', 'A', 'NOERROR', true],
  ['down', 'TXT', 'NOERROR', true],
  ['a.deep.down', 'A', 'NOERROR', true, 'A 192.0.2.7'],
  ['b.deep.down', 'A', 'NXDOMAIN', true],
  ['any.wild', 'A', 'NOERROR', true, 'A 192.0.2.8'],
  ['a.b.wild', 'TXT', 'NOERROR', true, 'TXT "wild"'],
  ['any.wild', 'MX', 'NOERROR', true],
  ['here.wild', 'TXT', 'NOERROR', true],
  ['ent.wild', 'A', 'NOERROR', true],
  ['y.ent.wild', 'A', 'NXDOMAIN', true],
  ['*.wild', 'A', 'NOERROR', true, 'A 192.0.2.8'],
  ['secure', 'DS', 'NOERROR', true, 'DS 12892 13 2'],
  ['insecure', 'DS', 'NOERROR', true],
  ['moved', 'TXT', 'NOERROR', true, 'TXT "beside'],
  ['moved', 'A', 'NOERROR', true],
  ['a.deep.moved', 'A', 'NOERROR', true, 'A 192.0.2.7'],
  ['nothing.moved', 'A', 'NXDOMAIN', true],
  ['_sip._udp', 'SRV', 'NOERROR', true, 'SRV 10 60 5060'],
  ['naptr', 'NAPTR', 'NOERROR', true, 'NAPTR 100 10'],
  ['rp', 'RP', 'NOERROR', true, 'RP'],
  ['minfo', 'MINFO', 'NOERROR', true, 'MINFO'],
  ['kx', 'KX', 'NOERROR', true, 'KX 10'],
  ['svcb', 'SVCB', 'NOERROR', true, 'SVCB 0'],
  ['https', 'HTTPS', 'NOERROR', true, 'HTTPS 1'],
  ['esc\\.aped', 'A', 'NOERROR', true, 'A 192.0.2.1'],
  ['\\200.z', 'A', 'NOERROR', true, 'A 192.0.2.3'],
  ['\\100.z', 'A', 'NXDOMAIN', true],
]
const nameOf = (relative: string, apex: string) => (relative === '' ? apex : `${relative}.${apex}`)

const named = new Daemon()
const nsd = new Daemon()
const unbound = new Daemon()
let namedPort: number
let nsdPort: number
let unboundPort: number

const answers = (port: number, name: string) => async () =>
  (await dig(port, name, 'SOA')).status === 'NOERROR'

beforeAll(async () => {
  if (!has('named', 'nsd', 'unbound', 'delv', 'dig')) return
  namedPort = await freePort()
  named.start('named', ['-g', '-4', '-n', '1', '-c', 'named.conf'], {
    ...files,
    'named.conf': `
options {
  directory "${named.folder}"; pid-file none; session-keyfile none; recursion no;
  listen-on port ${namedPort} { 127.0.0.1; }; listen-on-v6 { none; };
  dnssec-validation no; notify no; minimal-responses yes; check-names primary ignore;
};
controls { };
${zones.map(({ apex }) => `zone "${apex}" { type primary; file "${apex}"; };`).join('\n')}
`,
  })
  nsdPort = await freePort()
  nsd.start('nsd', ['-d', '-c', 'nsd.conf'], {
    ...files,
    'nsd.conf': `
server:
  ip-address: 127.0.0.1@${nsdPort}
  username: ""
  chroot: ""
  zonesdir: "${nsd.folder}"
  pidfile: ""
  database: ""
  zonelistfile: "${nsd.folder}/zone.list"
  xfrdfile: "${nsd.folder}/xfrd.state"
  xfrdir: "${nsd.folder}"
  server-count: 1
remote-control:
  control-enable: no
${zones.map(({ apex }) => `zone:\n  name: "${apex}"\n  zonefile: "${apex}"`).join('\n')}
`,
  })
  unboundPort = await freePort()
  unbound.start('unbound', ['-d', '-p', '-c', 'unbound.conf'], {
    'unbound.conf': `${validatorHead(unboundPort)}  aggressive-nsec: no
  val-log-level: 2
${zones.map(({ apex, ds }) => `  trust-anchor: "${apex}. DS ${ds}"`).join('\n')}
remote-control:
  control-enable: no
${zones.map(({ apex }) => `stub-zone:\n  name: "${apex}"\n  stub-addr: 127.0.0.1@${namedPort}`).join('\n')}
`,
  })
  const last = zones.at(-1)!.apex
  await until(`named answers ${named.output}`, answers(namedPort, last))
  await until(`nsd answers ${nsd.output}`, answers(nsdPort, last))
  await until(`unbound answers ${unbound.output}`, answers(unboundPort, last))
})
afterAll(async () => {
  for (const daemon of [unbound, named, nsd]) await daemon.stop()
})

describe.runIf(has('named', 'nsd', 'unbound', 'delv', 'dig'))('served', () => {
  describe.each(zones)('$apex', ({ apex, kind, ds }) => {
    test('unbound finds every answer and every denial authentic', async () => {
      for (const [relative, type, status, isAuthentic, part] of questions) {
        const what = `${nameOf(relative, apex)} ${type}`
        const answer = await dig(unboundPort, '+dnssec', nameOf(relative, apex), type)
        expect([what, answer.status], unbound.output.slice(-600)).toEqual([what, status])
        expect([what, answer.flags.includes('ad')]).toEqual([what, isAuthentic])
        const shown = answer.answer.filter((line) => !line.startsWith('RRSIG')).join('\n')
        if (part === undefined)
          expect([what, shown.replace(/^(?:C|D)NAME.*$/gm, '').trim()]).toEqual([what, ''])
        else expect(shown.toLowerCase()).toContain(part.toLowerCase())
      }
    }, 60_000)

    test('delv finds it fully validated', async () => {
      const anchor = ds.split(' ')
      const keys = `trust-anchors { "${apex}." static-ds ${anchor.slice(0, 3).join(' ')} "${anchor[3]}"; };\n`
      writeFileSync(`${named.folder}/${apex}.anchor`, keys)
      for (const [relative, type] of [
        ['', 'SOA'],
        ['any.wild', 'A'],
        ['missing', 'A'],
        ['deep.down', 'A'],
        ['ns1', 'MX'],
        ['insecure', 'DS'],
        ['any.wild', 'MX'],
      ]) {
        const said = await output('delv', [
          '@127.0.0.1',
          ...['-p', String(namedPort), '-a', `${named.folder}/${apex}.anchor`, `+root=${apex}`],
          ...[nameOf(relative!, apex), type!],
        ])
        expect(said, `${relative} ${type}`).toMatch(/fully validated/)
      }
    }, 60_000)

    // Which records prove what does not depend on who signed them.
    if (!apex.startsWith('a13-')) return

    test('our proofs name the records that named and nsd send', async () => {
      const zone = zoneFrom(text, apex)
      const signed = zones.find((own) => own.apex === apex)!.records
      const groups = groupRrsets(
        signed.filter(
          ({ type }) => type !== types.RRSIG && type !== types.NSEC && type !== types.NSEC3,
        ),
      )
      const owned = [...groups.values()].map((sets) => ({
        owner: sets.values().next().value!.owner,
        types: sets.keys(),
      }))
      const names = zoneNames(wire(zone.apex), owned)
      const [index, chain] = [new NameIndex(names), chainOf(wire(apex), names, plans[kind], crypto)]
      for (const [relative, type] of questions) {
        const name = nameOf(relative, apex)
        const outcome = outcomeOf(index, orderOf(wire(name)), types[type])
        if (outcome === 'answer' || outcome === 'dname' || outcome === 'referral') continue
        const ours = chain
          .prove(outcome, orderOf(wire(name)))
          .map((at) => `${wireToName(chain.records[at]!.owner)}.`)
          .sort()
        for (const port of [namedPort, nsdPort]) {
          const said = await dig(port, '+dnssec', '+norec', name, type)
          const lines = [...said.text.matchAll(/^(\S+)\s+\d+\s+IN\s+NSEC3?\s/gm)]
          const theirs = [...new Set(lines.map((match) => match[1]!.toLowerCase()))].sort()
          expect([name, type, outcome, port === nsdPort ? 'nsd' : 'named', theirs]).toEqual([
            ...[name, type, outcome, port === nsdPort ? 'nsd' : 'named', ours],
          ])
        }
      }
    }, 60_000)
  })
})
