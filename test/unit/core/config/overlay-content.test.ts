// Goal: what is served of edits: zones come and go with domains that are zones of their own, the
// zones of the file stay as they are, and no name is steered against the records of its zone.
import { describe, expect, test } from 'vitest'
import { compileOverlay } from '../../../../src/core/config/overlay/compile.ts'
import {
  overlayContent,
  recordsAgainst,
  withTaken,
} from '../../../../src/core/config/overlay/content.ts'
import type { ObjectKind } from '../../../../src/core/config/overlay/entry.ts'
import { withoutSecrets } from '../../../../src/core/config/secrets.ts'
import { ownMemory } from '../../../../src/core/base/memory.ts'
import { sealZones, unsealZones } from '../../../../src/core/zone/sealed.ts'
import { loaded } from './load-text.ts'
import { FILE, OverlayWorld } from './overlay-world.ts'

function content(world: OverlayWorld, file: string) {
  const { topology } = loaded(file)
  const base = { topology, zones: sealZones(topology.zones) }
  const made = overlayContent(world.compiled, base, 7, ownMemory)
  return { base, made, apexes: unsealZones(made.zones).map(({ apex }) => apex) }
}

test('with zones in the file an edit leaves the sealed zones as they are', () => {
  const world = new OverlayWorld()
  world.create('domain', 'new.example.com')
  const { base, made } = content(world, FILE)
  expect(made.zones).toBe(base.zones)
  expect(made.topology.pools.map(({ name }) => name)).toContain('new.example.com')
})

test('without zones each domain is one, with name server and address, as long as it is there', () => {
  const file = FILE.replace(', zones: [example.com]', '')
  const world = new OverlayWorld(file)
  world.create('domain', 'new.other.test')
  world.remove('domain', 'web.example.com')
  const { made, apexes } = content(world, file)
  expect(apexes).toEqual(['app.example.com', 'new.other.test'])
  const zone = unsealZones(made.zones)[1]!
  expect([zone.soa.serial, zone.records.length]).toEqual([7, 2])
})

test('a name that the records of its zone stand against is told, any other is not', () => {
  const file = FILE.replace(
    'zones: [example.com]',
    `zones: [{ name: example.com, records: [
      { name: www, type: CNAME, value: app.example.com. },
      { name: mail, type: A, value: 192.0.2.3 }] }]`,
  )
  const { base } = content(new OverlayWorld(file), file)
  const { config } = loaded(file)
  const against = (kind: ObjectKind, id: string) => recordsAgainst({ kind, id }, config, base)
  expect(against('domain', 'www.example.com')).toContain('CNAME')
  expect(against('domain', 'mail.example.com')).toContain('mail.example.com A')
  expect(against('domain', 'new.example.com')).toBeUndefined()
  expect(against('domain', 'new.other.test')).toBeUndefined()
  expect(against('server', 'www.example.com:192.0.2.9:80')).toContain('CNAME')
  expect(against('server', 'www:192.0.2.9:80')).toContain('CNAME')
  expect(against('server', 'new.example.com:192.0.2.9:80')).toBeUndefined()
  expect(against('server', 'app.example.com:192.0.2.9:80')).toBeUndefined()
  expect(against('region', 'www.example.com')).toBeUndefined()
})

describe('a file that takes names of edits', () => {
  const given = FILE.replace('zones: [example.com]', 'zones: [example.com, example.net]')
  const later = FILE.replace(
    'zones: [example.com]',
    `zones: [example.net, { name: example.com, records: [
      { name: shop, type: CNAME, value: app.example.com. }] }]`,
  )
  function reloaded(...made: readonly (readonly [ObjectKind, string])[]) {
    const world = new OverlayWorld(given)
    for (const [kind, id] of made)
      expect(world.create(kind, id, kind === 'server' ? { region: 'us' } : {})).toBe('done')
    world.reload(later)
    const zones = sealZones(loaded(later).topology.zones)
    world.base = withTaken(world.base, world.entries, { zones })
    world.compiled = compileOverlay(world.base, world.entries)
    return { aside: [...world.compiled.aside.keys()], served: world.served }
  }

  test('sets aside a server that has no other name, and serves none of its names', () => {
    const { aside, served } = reloaded(['server', 'shop.example.com:192.0.2.9:80'])
    expect(aside).toEqual(['server/shop.example.com:192.0.2.9:80'])
    expect(served['shop.example.com']).toBeUndefined()
  })

  test('leaves a server of one label to its names in other zones', () => {
    const domains = [
      ['domain', 'shop.example.com'],
      ['domain', 'shop.example.net'],
    ] as const
    for (const also of [domains, []]) {
      const { aside, served } = reloaded(...also, ['server', 'shop:192.0.2.9:80'])
      expect(aside).toEqual(also.length > 0 ? ['domain/shop.example.com'] : [])
      expect(served['shop.example.com']).toBeUndefined()
      expect(served['shop.example.net']).toEqual(['192.0.2.9*100'])
    }
  })
})

test('a label that is a domain of the file keeps its servers when a record takes its name in a zone', () => {
  const file = (zones: string) => `
dns: { listen_address: "192.0.2.53:53", zones: ${zones} }
regions: [{ name: us, servers: [{ address: 192.0.2.1, service: shop }] }]
domains: [{ name: shop, regions: [us] }]
`
  const world = new OverlayWorld(file('[example.com]'))
  expect(world.create('domain', 'shop.example.com', { regions: ['us'] })).toBe('done')
  expect(world.create('server', 'shop:192.0.2.9:80', { region: 'us' })).toBe('done')
  const later = file(
    '[{ name: example.com, records: [{ name: shop, type: CNAME, value: a.example. }] }]',
  )
  world.reload(later)
  const zones = sealZones(loaded(later).topology.zones)
  world.base = withTaken(world.base, world.entries, { zones })
  world.compiled = compileOverlay(world.base, world.entries)
  expect([...world.compiled.aside.keys()]).toEqual(['domain/shop.example.com'])
  expect(world.served['shop']).toEqual(['192.0.2.1*100', '192.0.2.9*100'])
})

test('what others are given of a configuration holds no secret, and all the rest', () => {
  const secret = Buffer.alloc(32, 1).toString('base64')
  const { config } = loaded({
    'main.yaml': {
      mode: 0o600,
      text: `${FILE}
overwatch: { gossip: { encryption_key: "${secret}" }, agent_tokens: { app: token-of-the-agents } }
api: { enabled: true, auth: { tokens: [token-of-an-operator] } }
`,
    },
  })
  const bare = withoutSecrets(config)
  const text = JSON.stringify(bare)
  for (const word of [secret, 'token-of-the-agents', 'token-of-an-operator'])
    expect(text).not.toContain(word)
  expect(JSON.stringify(config)).toContain(secret)
  expect([bare.regions, bare.domains, bare.dns]).toEqual([
    ...[config.regions, config.domains, config.dns],
  ])
})
