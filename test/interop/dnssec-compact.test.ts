// Goal: compact denial validates for resolvers that have never heard of it: unbound finds
// each answer authentic, and dig sees NXDOMAIN only where CO asks for it.
import { createSocket } from 'node:dgram'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { rdataOfKey } from '../../src/core/dnssec/dnskey.ts'
import { dsRdata } from '../../src/core/dnssec/ds.ts'
import { types } from '../../src/core/dns/types.ts'
import { formatRdata } from '../../src/core/zone/rdata.ts'
import { CompactServer } from '../harness/compact-server.ts'
import { Daemon, validatorHead } from '../harness/daemon.ts'
import { crypto, keyFor, zoneFrom } from '../harness/dnssec.ts'
import { wire } from '../harness/dnssec-denial.ts'
import { freePort, until } from '../harness/program.ts'
import { dig, has } from '../harness/tools.ts'

const apex = 'compact.test'
const text = readFileSync(new URL('./dnssec.zone', import.meta.url), 'utf8')
const key = keyFor(13)
const found = has('unbound', 'dig')
const unbound = new Daemon()
const server = new CompactServer(zoneFrom(text, apex), key, Math.floor(Date.now() / 1_000))
let port: number
let unboundPort: number

beforeAll(async () => {
  port = await server.listen()
  if (!found) return
  unboundPort = await freePort()
  const ds = formatRdata(types.DS, dsRdata(wire(apex), rdataOfKey(key), 2, crypto))
  unbound.start('unbound', ['-d', '-p', '-c', 'unbound.conf'], {
    'unbound.conf': `${validatorHead(unboundPort)}  qname-minimisation: no
  val-log-level: 2
  trust-anchor: "${apex}. DS ${ds}"
remote-control:
  control-enable: no
stub-zone:
  name: "${apex}"
  stub-addr: 127.0.0.1@${port}
`,
  })
  const isUp = async () => (await dig(unboundPort, apex, 'SOA')).status === 'NOERROR'
  await until(`unbound answers ${unbound.output}`, isUp)
})
afterAll(async () => {
  await unbound.stop()
  await server.close()
})

describe.runIf(found)('compact denial', () => {
  test('unbound finds answers and denials authentic, a missing name among them as NODATA', async () => {
    for (const [name, type, part] of [
      ['ns1', 'A', 'A 192.0.2.53'],
      ['any.wild', 'A', 'A 192.0.2.8'],
      ['a.b.wild', 'TXT', 'TXT "wild"'],
      ['any.wild', 'MX', ''],
      ['missing', 'A', ''],
      ['a.b.missing', 'TXT', ''],
      ['deep.down', 'A', ''],
      ['ns1', 'MX', ''],
      ['secure', 'DS', 'DS 12892'],
      ['insecure', 'DS', ''],
    ] as const) {
      const answer = await dig(unboundPort, '+dnssec', `${name}.${apex}`, type)
      const what = `${name} ${type}`
      expect([what, answer.status], unbound.output.slice(-600)).toEqual([what, 'NOERROR'])
      expect([what, answer.flags.includes('ad')]).toEqual([what, true])
      const shown = answer.answer.filter((line) => !line.startsWith('RRSIG'))
      if (part === '') expect([what, shown]).toEqual([what, []])
      else expect(shown.join()).toContain(part)
    }
  })

  test('the records are those of RFC 9824 section 3, in one NSEC each', async () => {
    const nsecOf = async (name: string, type: string) => {
      const said = await dig(port, '+norec', '+dnssec', `${name}.${apex}`, type)
      const nsecs = said.authority.filter((line) => line.startsWith('NSEC '))
      return [said.status, ...nsecs]
    }
    const gap = (name: string) => `NSEC ${server.successor(`${name}.${apex}`)}.`
    expect(await nsecOf('missing', 'A')).toEqual([
      'NOERROR',
      `${gap('missing')} RRSIG NSEC TYPE128`,
    ])
    expect(await nsecOf('deep.down', 'A')).toEqual(['NOERROR', `${gap('deep.down')} RRSIG NSEC`])
    expect(await nsecOf('ns1', 'MX')).toEqual(['NOERROR', `${gap('ns1')} A AAAA RRSIG NSEC`])
    expect(await nsecOf('x.insecure', 'A')).toEqual(['NOERROR', `${gap('insecure')} NS RRSIG NSEC`])
  })

  test('NXDOMAIN is for who asks without DO, or with DO and CO', async () => {
    const plain = await dig(port, '+norec', '+noedns', `missing.${apex}`, 'A')
    expect(plain.status).toBe('NXDOMAIN')
    // The dig of Debian 12 sends no flag that it does not know, so these are written here.
    expect([await rcodeOf(0x8000), await rcodeOf(0xc000)]).toEqual([0, 3])
  })
})

/** The RCODE for a missing name, asked with the given EDNS flags. */
function rcodeOf(flags: number): Promise<number> {
  const socket = createSocket('udp4')
  const edns = [0, 0, types.OPT, 0x10, 0, 0, 0, flags >> 8, flags & 0xff, 0, 0]
  const header = [0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1]
  const question = [...wire(`missing.${apex}`), 0, types.A, 0, 1]
  return new Promise((resolve) => {
    socket.once('message', (reply) => {
      socket.close()
      resolve(reply[3]! & 15)
    })
    socket.send(new Uint8Array([...header, ...question, ...edns]), port, '127.0.0.1')
  })
}
