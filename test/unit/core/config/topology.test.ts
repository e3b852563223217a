import { describe, expect, test } from 'vitest'
import { suggestedZones } from '../../../../src/core/config/names.ts'
import { isPublicSuffix } from '../../../../src/core/config/public-suffixes.ts'
import { topologyOf } from '../../../../src/core/config/topology.ts'
import { types } from '../../../../src/core/dns/types.ts'
import { load, loaded, SMALL } from './load-text.ts'

const pools = (text: string) => loaded(text).topology.pools.map((one) => [one.name, one.zone])
const region = (...services: string[]) =>
  `regions:\n  - name: r\n    servers:\n${services
    .map((service, at) => `      - { address: 192.0.2.${at + 1}, service: ${service} }\n`)
    .join('')}`

describe('zones and names', () => {
  test('without zones each domain is a zone of its own, and the log suggests one', () => {
    const text = SMALL.replace('  zones: [example.com]', '  default_ttl: 60')
    const { loaded: result, warnings } = load(text)
    expect(result!.topology.zones.map((one) => one.apex)).toEqual(['app.example.com'])
    expect(warnings.join()).toContain('consider dns.zones: [example.com]')
  })

  test('a domain belongs to the longest zone around it', () => {
    expect(
      pools(
        'dns: { zones: [example.com, eu.example.com] }\nregions: [{ name: r }]\n' +
          'domains:\n  - { name: a.eu.example.com, regions: [r] }\n' +
          '  - { name: b.example.com, regions: [r] }\n',
      ),
    ).toEqual([
      ['a.eu.example.com', 'eu.example.com'],
      ['b.example.com', 'example.com'],
    ])
  })

  test('a domain outside all zones is its own zone, with a warning', () => {
    const text =
      'dns: { zones: [example.com] }\nregions: [{ name: r }]\n' +
      'domains: [{ name: "*.app.example.net", regions: [r] }]\n'
    expect(pools(text)).toEqual([['*.app.example.net', 'app.example.net']])
    expect(load(text).warnings.join()).toContain('lies in none of dns.zones')
  })

  test('with zones a service that is no domain is served under each zone', () => {
    const text =
      'dns:\n  zones: [a.example, b.example]\n' +
      '  default_routing_algorithm: weighted\n  default_ttl: 7\n' +
      region('web', 'Web.', 'api.b.example')
    const { topology } = loaded(text)
    expect(topology.pools.map((one) => [one.name, one.members.length])).toEqual([
      ['web.a.example', 2],
      ['web.b.example', 2],
      ['api.b.example', 1],
    ])
    expect(topology.pools[0]).toMatchObject({ policy: 'weighted', ttlSeconds: 7, answers: 1 })
    expect(topology.pools[0]!.members[0]!.key).toBe('web.a.example:192.0.2.1:80')
  })

  test('servers stand in the order of the domain’s regions, then of the file', () => {
    const { topology } = loaded(
      'dns: { zones: [example.com] }\nregions:\n' +
        '  - name: one\n    servers: [{ address: 192.0.2.1 }, ' +
        '{ address: 192.0.2.2, service: app.example.com }, { address: 192.0.2.3 }]\n' +
        '  - { name: two, servers: [{ address: "2001:DB8::0:1", service: APP.example.com. }] }\n' +
        'domains: [{ name: app.example.com, regions: [two, one] }]\n',
    )
    expect(topology.pools[0]!.members.map((one) => [one.address, one.family, one.region])).toEqual([
      ['2001:db8::1', 6, 'two'],
      ['192.0.2.1', 4, 'one'],
      ['192.0.2.2', 4, 'one'],
      ['192.0.2.3', 4, 'one'],
    ])
  })

  test('one address and port may serve two services', () => {
    expect(
      pools(
        'dns: { zones: [example.com] }\nregions:\n  - name: r\n    servers:\n' +
          '      - { address: 192.0.2.1, service: a.example.com }\n' +
          '      - { address: 192.0.2.1, service: b.example.com }\n',
      ),
    ).toHaveLength(2)
  })

  test('public suffixes are known well enough never to be suggested', () => {
    expect(['com', 'co.uk', 'com.au', 'de'].filter(isPublicSuffix)).toHaveLength(4)
    const several = ['github.io', 's3.amazonaws.com', 'uk.com', 'firm.in', 'asn.au', 'nsw.edu.au']
    expect(several.filter(isPublicSuffix)).toEqual(several)
    expect(['example.com', 'demo.local', 'local', 'internal'].filter(isPublicSuffix)).toEqual([])
    const { config } = loaded(
      'regions: [{ name: r }]\ndomains:\n  - { name: shop.co.uk, regions: [r] }\n' +
        '  - { name: a.b.example.org, regions: [r] }\n',
    )
    expect(suggestedZones(config)).toEqual(['shop.co.uk', 'b.example.org'])
  })
})

describe('authority', () => {
  const zone = (text: string, listen = ':53') =>
    loaded(`dns:\n  listen_address: "${listen}"\n  zones:\n    - name: example.com\n${text}`, {
      serial: 42,
    }).topology.zones[0]!
  const shown = (text: string, listen?: string) =>
    zone(text, listen).records.map((one) => [one.name, one.type, one.rdata.length])

  test('a zone without name servers gets ns1, with the listening address as glue', () => {
    expect(shown('', '127.0.0.1:53')).toEqual([
      ['example.com', types.NS, 17],
      ['ns1.example.com', types.A, 4],
    ])
    expect(shown('', '[::1]:53')[1]).toEqual(['ns1.example.com', types.AAAA, 16])
    expect(shown('')).toEqual([['example.com', types.NS, 17]])
    expect(shown('', '0.0.0.0:53')).toHaveLength(1)
  })

  test('name servers inside the zone get glue, others none', () => {
    const text =
      '      name_servers:\n' +
      '        - { name: ns.example.com, addresses: [192.0.2.53, "2001:db8::53"] }\n' +
      '        - { name: ns.example.net, addresses: [192.0.2.54] }\n'
    expect(shown(text).map(([name, type]) => [name, type])).toEqual([
      ['example.com', types.NS],
      ['ns.example.com', types.A],
      ['ns.example.com', types.AAAA],
      ['example.com', types.NS],
    ])
    expect(zone(text).soa.primary).toBe('ns.example.com')
  })

  test('NS records of the apex replace the made-up one', () => {
    const text = '      records: [{ name: "@", type: NS, value: ns.example.net. }]\n'
    expect(shown(text)).toHaveLength(1)
    expect(zone(text).soa.primary).toBe('ns.example.net')
  })

  test('a name server that the records list in other letters is listed once', () => {
    const text =
      '      name_servers: [{ name: ns.example.com }]\n' +
      '      records: [{ name: "@", type: NS, value: NS.example.com. }]\n'
    expect(shown(text)).toEqual([['example.com', types.NS, 16]])
  })

  test('records whose names another zone holds are told', () => {
    const records = [
      'ns1 A 192.0.2.53',
      'child NS ns1.child',
      'child DS 1 8 1 0000000000000000000000000000000000000000',
      'ns1.child A 192.0.2.54',
      'ns2.child A 192.0.2.55',
      'child MX 10 ns1',
      'www.child A 192.0.2.7',
      'www.child A 192.0.2.8',
      'deep.child DS 1 8 1 0000000000000000000000000000000000000000',
      'childless A 192.0.2.9',
    ]
    const { warnings, errors } = load({
      'main.yaml':
        'dns:\n  zones:\n    - { name: example.com, file: top }\n' +
        '    - { name: child.example.com, file: child }\n    - deep.child.example.com\n',
      top: `$TTL 300\n@ NS ns1\n${records.join('\n')}\n`,
      child: '$TTL 300\n@ NS ns1\nns1 A 192.0.2.54\n',
    })
    expect(errors).toEqual([])
    const holds = (name: string) => `because the zone ${name} holds this name`
    const child = holds('child.example.com')
    expect(warnings.filter((text) => text.includes('holds this name'))).toEqual([
      expect.stringContaining(`ns2.child.example.com A: never served, ${child}`),
      expect.stringMatching(new RegExp(`^top:8:1: .*child.example.com MX: never served, ${child}`)),
      expect.stringContaining(`www.child.example.com A: never served, ${child}`),
      expect.stringContaining(`DS: never served, ${holds('deep.child.example.com')}`),
    ])
  })

  test('the SOA has the given serial unless the file gives one, and a readable contact', () => {
    expect(zone('').soa).toMatchObject({
      primary: 'ns1.example.com',
      contact: 'hostmaster.example.com',
      serial: 42,
      minimumSeconds: 60,
    })
    const own = zone('      soa: { serial: 7, contact: first.last@example.com, minimum: 5 }\n').soa
    expect(own).toMatchObject({ serial: 7, contact: 'first\\.last.example.com', minimumSeconds: 5 })
  })

  test('a zone file is read relative to the configuration and its SOA wins', () => {
    const files = {
      'main.yaml': 'dns:\n  zones:\n    - { name: example.com, file: zones/example.com.zone }\n',
      'zones/example.com.zone':
        '$TTL 300\n@ SOA ns hostmaster 9 1 2 3 4\n@ NS ns\nns A 192.0.2.53\nwww A 192.0.2.1\n',
    }
    const { topology, sources } = loaded(files)
    expect(topology.zones[0]!.soa.serial).toBe(9)
    expect(topology.zones[0]!.records).toHaveLength(3)
    expect(sources).toEqual(['main.yaml', 'zones/example.com.zone'])
  })

  test('faults of a zone file carry its own line and column', () => {
    const { errors } = load({
      'main.yaml': 'dns:\n  zones:\n    - { name: example.com, file: z }\n',
      z: '$TTL 300\n@ NS ns\nwww A 192.0.2.256\nftp B 1\n',
    })
    expect(errors).toHaveLength(2)
    expect(errors[0]).toMatch(/^z:3:7: error: /)
    expect(errors[1]).toMatch(/^z:4:5: error: /)
  })

  test('compiling the topology again from the same configuration gives the same', () => {
    const { config, topology, zoneRecords } = loaded(SMALL)
    expect(topologyOf(config, { serial: 1, zoneRecords })).toEqual(topology)
  })
})
