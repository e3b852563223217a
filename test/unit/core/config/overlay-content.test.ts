// Goal: what is served of edits: zones come and go with domains that are zones of their own, the
// zones of the file stay as they are, and no name is steered against the records of its zone.
import { expect, test } from 'vitest'
import { overlayContent, recordsAgainst } from '../../../../src/core/config/overlay/content.ts'
import { zoneNames } from '../../../../src/core/config/names.ts'
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
  const zones = zoneNames(loaded(file).config)
  expect(recordsAgainst('www.example.com', base, zones)).toContain('CNAME')
  expect(recordsAgainst('mail.example.com', base, zones)).toContain('mail.example.com A')
  expect(recordsAgainst('new.example.com', base, zones)).toBeUndefined()
  expect(recordsAgainst('new.other.test', base, zones)).toBeUndefined()
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
