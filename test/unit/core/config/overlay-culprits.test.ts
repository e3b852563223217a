// Goal: of the edits beside a new file the one that does not fit it is set aside, and no other.
// Method: edits made under one file, then a file that a rule across objects holds against one.
import { expect, test } from 'vitest'
import { FILE, OverlayWorld } from './overlay-world.ts'

const BASE = FILE.replace('- name: eu\n', '- name: eu\n    countries: [DE]\n')
const WITH_FR = BASE.replace('[DE]', '[DE, FR]')

/** Domains with a server each, as many as are asked for. */
function fill(world: OverlayWorld, count: number): void {
  for (let at = 0; at < count; at++) {
    const name = `n${at}.example.com`
    expect(world.create('domain', name)).toBe('done')
    expect(world.create('server', `${name}:198.51.100.7:${at + 1}`, { region: 'us' })).toBe('done')
  }
}

const aside = (world: OverlayWorld) => [...world.compiled.aside.keys()]

test.each([3, 20])(
  'a country of two regions blames the edit of the region, not %i domains',
  (n) => {
    const world = new OverlayWorld(BASE)
    world.patch('region', 'us', { countries: ['US', 'FR'] })
    fill(world, n)
    const served = world.served
    world.reload(WITH_FR)
    expect(aside(world)).toEqual(['region/us'])
    expect(world.served).toEqual(served)
    expect([...world.compiled.aside.values()][0]).toMatchObject({
      field: 'regions[1].countries[1]',
    })
    world.reload(BASE)
    expect(aside(world)).toEqual([])
  },
)

test('what was deleted stays away', () => {
  const world = new OverlayWorld(BASE)
  world.patch('region', 'us', { countries: ['US', 'FR'] })
  expect(world.remove('server', 'app.example.com:192.0.2.1:80')).toBe('done')
  const served = world.served
  world.reload(WITH_FR)
  expect(world.served).toEqual(served)
  expect(aside(world)).toEqual(['region/us'])
})

test('an edit of the other region that says nothing of countries stays', () => {
  const world = new OverlayWorld(BASE)
  world.patch('region', 'us', { countries: ['US', 'FR'] })
  world.patch('region', 'eu', { 'health_check.path': '/up' })
  world.reload(WITH_FR)
  expect(aside(world)).toEqual(['region/us'])
  expect(world.pool('web.example.com')!.members[0]!.check).toMatchObject({ path: '/up' })
})

test('several that do not fit are all found', () => {
  const world = new OverlayWorld(BASE)
  const file = BASE.replace('- name: eu\n', '- name: af\n    servers: []\n  - name: eu\n')
  world.reload(file)
  fill(world, 2)
  world.patch('region', 'us', { countries: ['US', 'FR'] })
  expect(world.patch('region', 'af', { countries: ['IT'] })).toBe('done')
  world.reload(file.replace('[DE]', '[DE, FR, IT]'))
  expect(aside(world).sort()).toEqual(['region/af', 'region/us'])
})

test('a region that was deleted is back once a domain of the file lists it', () => {
  const file = BASE.replace('domains:', '  - { name: af, countries: [EG] }\ndomains:')
  const world = new OverlayWorld(file)
  expect(world.remove('region', 'af')).toBe('done')
  fill(world, 3)
  world.reload(file.replace('regions: [us], ttl', 'regions: [us, af], ttl'))
  expect(aside(world)).toEqual(['region/af'])
})

test('a fence of the file is held against the setting that takes its meaning', () => {
  const dns = 'dns: { default_routing_algorithm: learned_latency, '
  const file = BASE.replace('dns: { ', dns)
  const world = new OverlayWorld(file)
  const setting = { default_routing_algorithm: 'weighted' }
  expect(world.patch('setting', 'dns', setting)).toBe('done')
  fill(world, 3)
  const fenced = file.replace('ttl: 20 }', 'ttl: 20, geofence: strict }')
  world.reload(fenced)
  expect(aside(world)).toEqual(['setting/dns'])
  const fresh = new OverlayWorld(fenced)
  expect(fresh.patch('setting', 'dns', setting)).toMatch(
    /^invalid domains\[0\]\.geofence: is strict, and weighted reads no places/,
  )
})
