// Goal: edits hold to the rules of the file, the file's later word wins, and what does not fit is
// set aside and never served half.
// Method: a small file, edits as the API makes them, and the pools that come of both.
import { describe, expect, test } from 'vitest'
import { parseEntry } from '../../../../src/core/config/overlay/entry.ts'
import { parseServerId } from '../../../../src/core/config/overlay/server-id.ts'
import { differences, viewOf } from '../../../../src/core/config/overlay/views.ts'
import { FILE, OverlayWorld } from './overlay-world.ts'

const US = ['192.0.2.1*50', '192.0.2.2*100', '2001:db8::1*100']
const without = (text: string, part: string, by = '') => {
  expect(text).toContain(part)
  return text.replace(part, by)
}

describe('servers', () => {
  test('one that the API makes stands after those of the file, as its own', () => {
    const world = new OverlayWorld()
    const id = 'app.example.com:192.0.2.7:8080'
    expect(world.create('server', id, { region: 'us', weight: 5 })).toBe('done')
    expect(world.served['app.example.com']).toEqual([...US, '192.0.2.7*5'])
    expect(world.pool('app.example.com')!.members.at(-1)).toMatchObject({ source: 'api', key: id })
  })

  test('one in a region that its domain does not list is served all the same, and it alone', () => {
    const world = new OverlayWorld()
    world.create('server', 'app.example.com:192.0.2.7:80', { region: 'eu' })
    expect(world.served).toEqual({
      'app.example.com': [...US, '192.0.2.7*100'],
      'web.example.com': ['192.0.2.9*100'],
    })
  })

  test('one of the file takes weight, region and check from an edit, key by key', () => {
    const world = new OverlayWorld()
    const id = 'app.example.com:192.0.2.2:80'
    const fields = { weight: 7, 'health_check.path': '/up' }
    expect(world.patch('server', id, fields)).toBe('done')
    const member = world.pool('app.example.com')!.members[1]!
    expect(member).toMatchObject({ weight: 7, source: 'static' })
    expect(member.check).toMatchObject({ path: '/up', intervalMs: 3_000 })
  })

  for (const id of ['app.example.com:[2001:db8::1]:80', 'APP.example.com.:2001:DB8:0::1:80']) {
    test(`IPv6 ids work: ${id}`, () => {
      const world = new OverlayWorld()
      expect(world.patch('server', id, { weight: 3 })).toBe('done')
      expect(world.served['app.example.com']).toContain('2001:db8::1*3')
      expect(world.remove('server', id)).toBe('done')
      expect(world.served['app.example.com']).toEqual(US.slice(0, 2))
    })
  }

  test('one that is switched off is not served, and comes back', () => {
    const world = new OverlayWorld()
    const id = 'app.example.com:192.0.2.1:80'
    world.patch('server', id, { enabled: false })
    expect(world.served['app.example.com']).toEqual(US.slice(1))
    world.patch('server', id, { enabled: true })
    expect(world.served['app.example.com']).toEqual(US)
    expect(world.entries.size).toBe(0)
  })

  for (const [id, fields, expected] of [
    ['app.example.com:192.0.2.1:80', { region: 'us' }, /^exists/],
    ['app.example.com:192.0.2.7:80', {}, /^invalid region: is required; known regions: us, eu/],
    ['app.example.com:192.0.2.7:80', { region: 'mars' }, /^invalid region: "mars" is not a region/],
    ['app.example.com:192.0.2.7:80', { region: 'us', weight: -1 }, /^invalid weight: .*got -1/],
    ['app.example.com:192.0.2.7:80', { region: 'us', colour: 1 }, /^invalid colour: cannot be/],
    ['app.other.test:192.0.2.7:80', { region: 'us' }, /^invalid service: is neither a domain/],
    ['app.example.com:192.0.2.7:0', { region: 'us' }, /^invalid : port must be/],
    ['app.example.com:nowhere:80', { region: 'us' }, /^invalid : address/],
    [
      'app.example.com:192.0.2.7:80',
      { region: 'us', 'health_check.interval': '1' },
      /^invalid health_check.interval: has no unit/,
    ],
  ] as const) {
    test(`${id} with ${JSON.stringify(fields)} is refused: ${expected.source}`, () => {
      const world = new OverlayWorld()
      expect(world.create('server', id, fields)).toMatch(expected)
      expect(world.entries.size).toBe(0)
    })
  }

  test('one of the file that stands for several names cannot be edited under one', () => {
    const world = new OverlayWorld(FILE.replace(', service: web.example.com', ''))
    const id = 'web.example.com:192.0.2.9:80'
    expect(world.patch('server', id, { weight: 1 })).toMatch(/^conflict .*several names/)
  })
})

describe('domains', () => {
  test('one that the API makes has the defaults, and the regions of its servers', () => {
    const world = new OverlayWorld()
    expect(world.create('domain', 'new.example.com')).toBe('done')
    expect(world.pool('new.example.com')).toMatchObject({ ttlSeconds: 60, zone: 'example.com' })
    expect(world.served['new.example.com']).toEqual([])
    world.create('server', 'new.example.com:192.0.2.7:80', { region: 'eu' })
    expect(world.served['new.example.com']).toEqual(['192.0.2.7*100'])
    expect(world.compiled.applied.domains.get('new.example.com')!.regions).toEqual(['eu'])
  })

  for (const [name, fields, expected] of [
    ['app.example.com', {}, /^exists/],
    ['new.other.test', {}, /^invalid name: .*lies in none of dns.zones.*example.com/],
    ['a..example.com', {}, /^invalid : name has an empty label/],
    ['new.example.com', { ttl: 604_801 }, /^invalid ttl: is above the most.*got 604801.*604800/],
    ['new.example.com', { routing_algorithm: 'best' }, /^invalid routing_algorithm: is not known/],
    ['new.example.com', { regions: ['us', 'mars'] }, /^invalid regions\[1\]: is not a region/],
    ['new.example.com', { when_all_down: 'fallback' }, /^invalid fallback_addresses: must be/],
    ['new.example.com', { regions: 'us' }, /^invalid regions: must be a list/],
  ] as const) {
    test(`${name} with ${JSON.stringify(fields)} is refused: ${expected.source}`, () => {
      expect(new OverlayWorld().create('domain', name, fields)).toMatch(expected)
    })
  }

  test('a strict fence is not edited away from what obeys it', () => {
    const fenced = 'ttl: 20, routing_algorithm: geolocation, geofence: strict'
    const file = `${without(FILE, 'ttl: 20', fenced)}overwatch: { geolocation: { default_region: us } }`
    const world = new OverlayWorld(file)
    const edit = (routing_algorithm: string, more = {}) =>
      world.patch('domain', 'app.example.com', { routing_algorithm, ...more })
    expect(edit('round-robin')).toMatch(/^invalid geofence: is strict/)
    expect(edit('learned_latency')).toBe('done')
    expect(edit('round-robin', { geofence: 'none' })).toBe('done')
  })

  test('without zones a domain is its own zone, and a public suffix is none', () => {
    const world = new OverlayWorld(FILE.replace(', zones: [example.com]', ''))
    expect(world.create('domain', 'new.other.test')).toBe('done')
    expect(world.pool('new.other.test')!.zone).toBe('new.other.test')
    expect(world.create('domain', 'co.uk')).toMatch(/^invalid name: .*others register/)
  })

  test('one that is switched off or deleted is served by nobody, defaults of its zone neither', () => {
    const world = new OverlayWorld()
    world.patch('domain', 'app.example.com', { enabled: false })
    expect(Object.keys(world.served)).toEqual(['web.example.com'])
    world.patch('domain', 'app.example.com', { enabled: true })
    expect(world.served['app.example.com']).toEqual(US)
    world.remove('domain', 'app.example.com')
    expect(Object.keys(world.served)).toEqual(['web.example.com'])
    expect(world.compiled.applied.withheld).toEqual(new Set(['app.example.com']))
  })

  test('one that is switched off takes its servers along where no zone would serve them', () => {
    const world = new OverlayWorld(FILE.replace(', zones: [example.com]', ''))
    expect(world.patch('domain', 'app.example.com', { enabled: false })).toBe('done')
    expect(Object.keys(world.served)).toEqual(['web.example.com'])
    expect(world.remove('domain', 'app.example.com')).toBe('done')
  })

  test('with a domain go the servers that the API made for it', () => {
    const world = new OverlayWorld()
    world.create('domain', 'new.example.com')
    world.create('server', 'new.example.com:192.0.2.7:80', { region: 'eu' })
    expect(world.remove('domain', 'new.example.com')).toBe('done')
    expect(world.entries.size).toBe(0)
  })

  test('one of the file that was deleted is made again with what the file says of the rest', () => {
    const world = new OverlayWorld()
    world.remove('domain', 'app.example.com')
    expect(world.create('domain', 'app.example.com', { answers: 2 })).toBe('done')
    expect(world.pool('app.example.com')).toMatchObject({ ttlSeconds: 20, answers: 2 })
    expect(world.served['app.example.com']).toEqual(US)
  })
})

describe('regions and settings', () => {
  test('a region that the API makes is one, and its servers are served', () => {
    const world = new OverlayWorld()
    expect(world.create('region', 'sa', { countries: ['br'], continents: ['SA'] })).toBe('done')
    expect(world.create('server', 'app.example.com:192.0.2.7:80', { region: 'sa' })).toBe('done')
    expect(world.pool('app.example.com')!.members.at(-1)).toMatchObject({ region: 'sa' })
    expect(world.compiled.applied.config.regions.at(-1)).toMatchObject({ countries: ['BR'] })
    expect(world.remove('region', 'sa')).toMatch(/^conflict .*1 servers stand in the region/)
    world.remove('server', 'app.example.com:192.0.2.7:80')
    expect(world.remove('region', 'sa')).toBe('done')
  })

  test('a country belongs to one region', () => {
    const world = new OverlayWorld()
    expect(world.create('region', 'sa', { countries: ['US'] })).toMatch(/^invalid countries/)
  })

  test('a region that a domain lists stays; one that is switched off serves nothing', () => {
    const world = new OverlayWorld()
    expect(world.remove('region', 'us')).toMatch(/^conflict/)
    world.patch('region', 'us', { enabled: false })
    expect(world.served['app.example.com']).toEqual([])
  })

  test('settings give defaults, and nothing where something is said', () => {
    const world = new OverlayWorld()
    expect(world.patch('setting', 'dns', { default_ttl: 99 })).toBe('done')
    expect(world.pool('web.example.com')!.ttlSeconds).toBe(99)
    expect(world.pool('app.example.com')!.ttlSeconds).toBe(20)
    world.patch('setting', 'health_check', { interval: '9s', type: 'tcp' })
    const checks = world.pool('app.example.com')!.members.map(({ check }) => check.intervalMs)
    expect(checks).toEqual([9_000, 3_000, 9_000])
    expect(world.patch('setting', 'dns', { listen_address: ':5' })).toMatch(/cannot be edited/)
    expect(world.patch('setting', 'nothing', { level: 'x' })).toMatch(/^not-found/)
    expect(world.patch('setting', 'logging', { level: 'loud' })).toMatch(/^invalid level/)
  })
})

describe('a new file', () => {
  test('wins where it changes the same key, and leaves the other edits alone', () => {
    const world = new OverlayWorld()
    world.patch('domain', 'app.example.com', { ttl: 5, answers: 2 })
    const changes = world.reload(without(FILE, 'ttl: 20', 'ttl: 21'))
    expect(changes.map(({ field }) => field)).toEqual(['ttl'])
    expect(world.pool('app.example.com')).toMatchObject({ ttlSeconds: 21, answers: 2 })
  })

  test('that changes something else changes no edit', () => {
    const world = new OverlayWorld()
    world.patch('domain', 'app.example.com', { ttl: 5 })
    world.remove('server', 'app.example.com:192.0.2.1:80')
    expect(world.reload(without(FILE, 'countries: [US]', 'countries: [CA]'))).toEqual([])
    expect(world.pool('app.example.com')!.ttlSeconds).toBe(5)
    expect(world.served['app.example.com']).toEqual(US.slice(1))
  })

  test('brings a deleted server back once its entry has changed', () => {
    const world = new OverlayWorld()
    world.remove('server', 'app.example.com:192.0.2.1:80')
    expect(world.reload(without(FILE, 'weight: 50', 'weight: 51'))).toHaveLength(1)
    expect(world.served['app.example.com']![0]).toBe('192.0.2.1*51')
  })

  test('that declares what the API made takes it over, and one that drops it ends its edits', () => {
    const world = new OverlayWorld()
    const id = 'web.example.com:192.0.2.8:80'
    world.create('server', id, { region: 'eu', weight: 1 })
    world.patch('domain', 'app.example.com', { ttl: 5 })
    const one = '{ address: 192.0.2.9, service: web.example.com }'
    const file = without(FILE, one, `${one}, { address: 192.0.2.8, service: web.example.com }`)
    expect(world.reload(file)).toMatchObject([{ entry: { id }, field: '' }])
    expect(world.served['web.example.com']).toEqual(['192.0.2.9*100', '192.0.2.8*100'])
    const less = without(FILE, '  - { name: app.example.com, regions: [us], ttl: 20 }\n')
    expect(world.reload(less)).toMatchObject([{ entry: { id: 'app.example.com' } }])
    expect(world.entries.size).toBe(0)
  })

  test('under which an edit no longer fits sets that edit aside, with the reason, and serves the rest', () => {
    const world = new OverlayWorld()
    world.create('server', 'app.example.com:192.0.2.7:80', { region: 'eu' })
    world.create('domain', 'new.example.com')
    const noEu = without(
      FILE,
      '  - name: eu\n    servers: [{ address: 192.0.2.9, service: web.example.com }]\n',
    )
    const file = without(noEu, '  - { name: web.example.com, regions: [eu] }\n')
    world.reload(file)
    expect(world.served).toEqual({ 'app.example.com': US, 'new.example.com': [] })
    const [[key, fault] = []] = [...world.compiled.aside]
    expect([key, fault?.field]).toEqual(['server/app.example.com:192.0.2.7:80', 'region'])
    world.reload()
    expect(world.served['app.example.com']).toHaveLength(4)
  })
})

test('what is edited is listed beside what the file says', () => {
  const world = new OverlayWorld()
  world.patch('domain', 'app.example.com', { ttl: 5 })
  world.create('region', 'sa')
  world.remove('server', 'app.example.com:192.0.2.1:80')
  expect(differences(world.entries, world.compiled)).toMatchObject([
    { change: 'edited', id: 'app.example.com', fields: [{ name: 'ttl', file: '20', api: '5' }] },
    { change: 'made', kind: 'region', id: 'sa', fields: [] },
    { change: 'deleted', kind: 'server' },
  ])
})

test('the tag of an object changes with its edits and with the file, and with nothing else', () => {
  const world = new OverlayWorld()
  const tag = () =>
    viewOf(world.base, world.entries, world.compiled, 'domain', 'app.example.com')!.tag
  const first = tag()
  world.reload(without(FILE, 'countries: [US]', 'countries: [CA]'))
  expect(tag()).toBe(first)
  world.reload(without(FILE, 'ttl: 20', 'ttl: 21'))
  const second = tag()
  world.patch('domain', 'app.example.com', { ttl: 5 })
  expect(new Set([first, second, tag()]).size).toBe(3)
})

test('an entry that is damaged is none', () => {
  const world = new OverlayWorld()
  world.patch('domain', 'app.example.com', { ttl: 5 })
  const [good] = world.entries.values()
  expect(parseEntry(good)).toEqual(good)
  for (const damage of [
    { kind: 'planet' },
    { id: '' },
    { fields: { ttl: { deep: 1 } } },
    { fields: { ttl: Number.NaN } },
    { was: { ttl: 5 } },
    { revision: -1 },
    { owned: 'yes' },
    { fields: Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`f${at}`, 1])) },
  ])
    expect(parseEntry({ ...good, ...damage })).toBeUndefined()
  expect(parseEntry('text')).toBeUndefined()
})

test('server ids read in one way only', () => {
  const id = (text: string) => {
    const read = parseServerId(text)
    return read.ok ? read.value.id : read.error
  }
  expect(id('app:[::1]:80')).toBe('app:[::1]:80')
  expect(id('app:::1:80')).toBe('app:[::1]:80')
  expect(id('app:10.0.0.1:80')).toBe('app:10.0.0.1:80')
  for (const bad of ['', 'app', 'app:80', 'app:10.0.0.1:', 'app:10.0.0.1:99999', ':1.2.3.4:80'])
    expect(parseServerId(bad).ok, bad).toBe(false)
})

describe('networks that are mapped to a region', () => {
  const mapped = (world: OverlayWorld) =>
    world.compiled.applied.config.overwatch.geolocation.custom_mappings.map(
      ({ cidr, region, comment }) => `${cidr} ${region} ${comment}`,
    )
  const file = `${FILE}overwatch: { geolocation: { custom_mappings: [{ cidr: 10.1.0.0/16, region: us, comment: file }] } }\n`

  test('are made beside those of the file, under one spelling, and taken away', () => {
    const world = new OverlayWorld(file)
    expect(world.create('mapping', '10.2.3.4/16', { region: 'eu' })).toBe('done')
    expect(world.create('mapping', '10.2.0.0/16', { region: 'us' })).toMatch(/^exists/)
    expect(world.patch('mapping', '10.1.0.0/16', { region: 'eu' })).toBe('done')
    expect(mapped(world)).toEqual(['10.1.0.0/16 eu file', '10.2.0.0/16 eu '])
    world.reload(file)
    expect(world.remove('mapping', '10.2.0.0/16')).toBe('done')
    expect(world.remove('mapping', '10.1.0.0/16')).toBe('done')
    expect(mapped(world)).toEqual([])
    // The file has changed its entry, so the deletion is over.
    world.reload(file.replace('comment: file', 'comment: again'))
    expect(mapped(world)).toEqual(['10.1.0.0/16 us again'])
  })

  test.each([
    ['10.2.0.0/16', {}, /^invalid region: is required; known regions: us, eu/],
    ['10.2.0.0/16', { region: 'mars' }, /^invalid region: "mars" is not a region/],
    ['10.2.0.0/33', { region: 'us' }, /^invalid : cidr "10.2.0.0\/33" is not a network/],
    ['10.2.0.0/16', { region: 'us', colour: 'red' }, /^invalid colour: cannot be edited/],
  ] as const)('%s with %j is refused', (cidr, fields, why) => {
    expect(new OverlayWorld(file).create('mapping', cidr, fields)).toMatch(why)
  })
})
