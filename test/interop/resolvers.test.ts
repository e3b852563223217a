// Goal: the resolvers that people run resolve through us: unbound (with QNAME minimisation and
// case randomisation), BIND as a pure forwarder, and kdig as a client.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Daemon } from '../harness/daemon.ts'
import { type Overwatch, startOverwatch } from '../harness/overwatch.ts'
import { freePort, until } from '../harness/program.ts'
import { dig, has, output } from '../harness/tools.ts'

const zone = 'resolved.test'
let overwatch: Overwatch

beforeAll(async () => {
  if (!has('dig')) return
  const many = Array.from({ length: 60 }, (_, index) => `"${'x'.repeat(60)}${index}"`).join(', ')
  overwatch = await startOverwatch(zone, [
    `{ name: www, type: CNAME, value: app.${zone}. }`,
    `{ name: a.deep.down, type: A, value: 192.0.2.7 }`,
    `{ name: "*.wild", type: A, value: 192.0.2.8 }`,
    `{ name: big, type: TXT, values: [${many}] }`,
  ])
})
afterAll(() => overwatch?.stop())

const addressesOf = (answer: readonly string[]) => answer.filter((line) => line.startsWith('A '))

/** What every resolver in front of us must give. */
function resolves(portOf: () => number): void {
  test('the steered name resolves to a live server', async () => {
    const answer = await dig(portOf(), `app.${zone}`)
    expect(answer.status).toBe('NOERROR')
    expect(addressesOf(answer.answer)[0]).toMatch(/^A 127\.10\.3\.2[123]$/)
  })

  test('AAAA of an IPv4-only name is NODATA, not SERVFAIL', async () => {
    const answer = await dig(portOf(), `app.${zone}`, 'AAAA')
    expect([answer.status, answer.answer]).toEqual(['NOERROR', []])
    expect(answer.authority[0]).toMatch(/^SOA /)
  })

  test('CNAME, empty non-terminal, wildcard, NXDOMAIN and the other types come through', async () => {
    const www = await dig(portOf(), `www.${zone}`)
    expect([www.status, addressesOf(www.answer).length]).toEqual(['NOERROR', 1])
    expect((await dig(portOf(), `a.deep.down.${zone}`)).answer).toEqual(['A 192.0.2.7'])
    expect((await dig(portOf(), `deep.down.${zone}`)).status).toBe('NOERROR')
    expect((await dig(portOf(), `any.wild.${zone}`)).answer).toEqual(['A 192.0.2.8'])
    expect((await dig(portOf(), `missing.${zone}`)).status).toBe('NXDOMAIN')
    for (const type of ['MX', 'CAA', 'HTTPS', 'SRV'])
      expect((await dig(portOf(), `app.${zone}`, type)).status, type).toBe('NOERROR')
  })

  test('an answer too large for UDP comes through TCP', async () => {
    const answer = await dig(portOf(), `big.${zone}`, 'TXT')
    expect([answer.status, answer.answer.length]).toEqual(['NOERROR', 60])
  })
}

describe.runIf(has('dig', 'unbound'))('unbound', () => {
  const unbound = new Daemon()
  let port: number

  beforeAll(async () => {
    port = await freePort()
    unbound.start('unbound', ['-d', '-p', '-c', 'unbound.conf'], {
      'unbound.conf': `
server:
  interface: 127.0.0.1@${port}
  username: ""
  chroot: ""
  directory: "."
  use-syslog: no
  do-not-query-localhost: no
  do-ip6: no
  module-config: "iterator"
  qname-minimisation: yes
  qname-minimisation-strict: yes
  use-caps-for-id: yes
  local-zone: "test." nodefault
  so-reuseport: no
remote-control:
  control-enable: no
stub-zone:
  name: "${zone}"
  stub-addr: 127.0.0.1@${overwatch.port}
`,
    })
    await until(
      `unbound answers ${unbound.output}`,
      async () => (await dig(port, `app.${zone}`)).status === 'NOERROR',
    )
  })
  afterAll(() => unbound.stop())
  resolves(() => port)
})

describe.runIf(has('dig', 'named'))('BIND with forward only', () => {
  const named = new Daemon()
  let port: number

  beforeAll(async () => {
    port = await freePort()
    named.start('named', ['-g', '-4', '-c', 'named.conf'], {
      'named.conf': `
options {
  directory "${named.folder}";
  pid-file none;
  session-keyfile none;
  listen-on port ${port} { 127.0.0.1; };
  listen-on-v6 { none; };
  recursion yes;
  allow-query { any; };
  dnssec-validation no;
  empty-zones-enable no;
};
controls { };
zone "${zone}" { type forward; forward only; forwarders { 127.0.0.1 port ${overwatch.port}; }; };
`,
    })
    await until(
      `named answers ${named.output}`,
      async () => (await dig(port, `app.${zone}`)).status === 'NOERROR',
    )
  })
  afterAll(() => named.stop())
  resolves(() => port)
})

describe.runIf(has('kdig'))('kdig', () => {
  const kdig = (...words: string[]) =>
    output('kdig', ['@127.0.0.1', '-p', String(overwatch.port), '+retry=0', ...words])

  test('UDP, TCP and TCP with several questions on one connection', async () => {
    expect(await kdig(`app.${zone}`, '+short')).toMatch(/^127\.10\.3\.2[123]\n$/)
    expect(await kdig('+tcp', `app.${zone}`, '+short')).toMatch(/^127\.10\.3\.2[123]\n$/)
    const both = await kdig('+tcp', '+keepopen', `app.${zone}`, `a.deep.down.${zone}`, '+short')
    expect(both).toContain('192.0.2.7')
  })

  test('EDNS is echoed, BADVERS refused, NSID silent when unset, padding and cookies harmless', async () => {
    expect(await kdig('+edns=0', '+dnssec', `app.${zone}`)).toMatch(/Version: 0; flags: do/)
    expect(await kdig('+edns=1', `app.${zone}`)).toMatch(/BADVERS|ext-rcode: BADVERS/)
    expect(await kdig('+nsid', `app.${zone}`)).toContain('NOERROR')
    expect(await kdig('+cookie', '+padding=64', `app.${zone}`)).toContain('NOERROR')
  })

  test('a client subnet is echoed with a scope of 0 by a policy that does not read it', async () => {
    expect(await kdig('+subnet=198.51.100.0/24', `app.${zone}`)).toMatch(/198\.51\.100\.0\/24\/0/)
  })

  test('zone transfers are refused', async () => {
    expect(await kdig(zone, 'AXFR')).toMatch(/REFUSED/)
  })
})
