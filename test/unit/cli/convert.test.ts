/** A configuration of gdnsd becomes one that this program takes, and nothing is lost in silence. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { isHash, parseGdnsd } from '../../../src/cli/gdnsd-parse.ts'
import { fail, ok } from '../../../src/core/base/result.ts'
import { loadConfig } from '../../../src/core/config/load.ts'
import { formatProblem } from '../../../src/core/config/problems.ts'
import { cli } from './run.ts'

const CONFIG = `
# A site with everything.
options => { listen => [ 192.0.2.53, "[2001:db8::53]" ], dns_port => 53 }
service_types => {
  web => { plugin => "http_status", url_path => "/health", vhost => www.example.com,
           port => 8080, interval => 5, timeout => 2, down_thresh => 3, up_thresh => 2,
           ok_codes => [ 200, 204 ] }
  db => { plugin => tcp_connect, port => 5432 }
  odd => { plugin => extmon, cmd => ["/bin/true"] }
}
plugins => {
  multifo => { www => { service_types => web, lb1 => 192.0.2.1, lb2 => 192.0.2.2 } }
  weighted => { api => { service_types => [ web, db ], a => [ 192.0.2.11, 30 ], b => [ 192.0.2.12, 10 ] } }
  simplefo => { db => { service_types => db, primary => 192.0.2.21, secondary => 192.0.2.22 } }
  geoip => {
    maps => { world => {
      geoip2_db => GeoLite2-City.mmdb
      datacenters => [ us, eu ]
      map => { EU => [ eu, us ], NA => { MX => [ eu ], default => [ us, eu ] }, default => [ us ] }
      nets => { 10.0.0.0/8 => [ eu ] }
    } }
    resources => { shop => { map => world, service_types => odd
      dcmap => { us => { s1 => 198.51.100.1, s2 => 198.51.100.2 }, eu => 203.0.113.1 } } }
  }
}
$include{more.conf}
`

const ZONE = `
@ 300 SOA ns1 hostmaster 1 7200 1800 259200 900
@ NS ns1
www 60 DYNA multifo!www
api 30/10 DYNA weighted!api
db DYNA simplefo!db   ; comment
shop 120 DYNA geoip!shop
$ORIGIN deep.example.com.
@ 60 DYNA multifo!nothing
plain A 192.0.2.99
`

function site(): { readonly config: string; readonly zones: string } {
  const folder = mkdtempSync(join(tmpdir(), 'gdnsd-'))
  const zones = join(folder, 'zones')
  mkdirSync(zones)
  writeFileSync(join(folder, 'config'), CONFIG)
  writeFileSync(join(zones, 'example.com'), ZONE)
  return { config: join(folder, 'config'), zones }
}

const loads = (text: string) => {
  const files = {
    read: (path: string) =>
      path === '/c.yaml'
        ? ok({ bytes: new TextEncoder().encode(text), mode: 0o600, identity: path })
        : fail('missing' as const),
    list: () => fail('missing' as const),
    directoryOf: () => '/',
    join: (directory: string, path: string) => `${directory}/${path}`,
  }
  const loaded = loadConfig('/c.yaml', { files, env: {} })
  return loaded.ok ? [] : loaded.error.map(formatProblem)
}

describe('convert gdnsd', () => {
  test('gives a configuration that the program takes', async () => {
    const { config, zones } = site()
    const { code, out } = await cli(['convert', 'gdnsd', config, '--zones', zones])
    expect(code).toBe(0)
    expect(loads(out)).toEqual([])
    const made = parse(out)
    expect(made.dns).toEqual({ listen_address: '192.0.2.53:53', zones: ['example.com'] })
    expect(made.domains).toEqual([
      {
        name: 'www.example.com',
        routing_algorithm: 'round-robin',
        regions: ['www'],
        answers: 2,
        ttl: 60,
      },
      { name: 'api.example.com', routing_algorithm: 'weighted', regions: ['api'], ttl: 30 },
      {
        name: 'db.example.com',
        routing_algorithm: 'failover',
        regions: ['db-primary', 'db-secondary'],
      },
      {
        name: 'shop.example.com',
        routing_algorithm: 'geolocation',
        regions: ['us', 'eu'],
        ttl: 120,
      },
    ])
    const region = (name: string) => made.regions.find((one: { name: string }) => one.name === name)
    expect(region('www').servers[0]).toEqual({
      ...{ address: '192.0.2.1', service: 'www.example.com', port: 8080 },
      health_check: {
        ...{
          type: 'http',
          path: '/health',
          interval: '5s',
          timeout: '2s',
          host: 'www.example.com',
        },
        ...{ failure_threshold: 3, success_threshold: 2, expected_status: [200, 204] },
      },
    })
    expect(region('api').servers.map(({ weight }: { weight: number }) => weight)).toEqual([30, 10])
    expect(region('us')).toMatchObject({ continents: ['NA'], servers: [{}, {}] })
    expect(region('eu')).toMatchObject({ continents: ['EU'], countries: ['MX'] })
    expect(made.overwatch.geolocation.custom_mappings).toEqual([
      { cidr: '10.0.0.0/8', region: 'eu' },
    ])
  })

  test('says what it could not take over', async () => {
    const { config, zones } = site()
    const { out } = await cli(['--json', 'convert', 'gdnsd', config, '--zones', zones])
    expect((JSON.parse(out) as { notes: string[] }).notes).toEqual([
      'the included file more.conf was not read',
      'of 192.0.2.53, [2001:db8::53] the first is listened on',
      'of the service types web, db the first is checked',
      'service type odd (extmon): checked by TCP instead',
      'deep.example.com: no resource multifo!nothing, or a plugin without counterpart',
    ])
  })

  test('names the line of what cannot be read', async () => {
    for (const [text, fault] of [
      ['a => {\n b => ', 'line 2: no value'],
      ['a => {\n b => c\n', 'line 2: no "}"'],
      ['a\n b', 'line 2: no "=>" after "a"'],
      ['a => ]', 'line 1: "]" where a value belongs'],
    ] as const)
      expect(parseGdnsd(text)).toEqual({ ok: false, error: fault })
    const missing = await cli(['convert', 'gdnsd', '/nowhere/config'])
    expect([missing.code, missing.err]).toEqual([1, expect.stringContaining('/nowhere/config')])
  })

  test('never throws, however deep or odd the text', () => {
    expect(parseGdnsd('a => [['.repeat(10_000)).ok).toBe(false)
    expect(parseGdnsd('a => {'.repeat(10_000)).ok).toBe(false)
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'a=>{}[],"#\\\n $') }), (text) => {
        const read = parseGdnsd(text)
        if (read.ok) expect(isHash(read.value.root)).toBe(true)
      }),
    )
  })
})
