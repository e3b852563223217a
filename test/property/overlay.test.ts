// Goal: whatever is edited in whatever order, a configuration comes of it that holds to the rules
// of the file; the file's later word wins; and edits taken back leave nothing behind.
// Method: random edits over one file, then a file with one key changed, read back as from disk.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { reviewedObjects } from '../../src/core/config/rules/rules.ts'
import { emptyMap } from '../../src/core/config/tree.ts'
import { FILE, OverlayWorld } from '../unit/core/config/overlay-world.ts'

const DOMAINS = ['app.example.com', 'web.example.com', 'new.example.com', 'out.test']
const REGIONS = ['us', 'eu', 'sa']
const SERVERS = DOMAINS.flatMap((name) =>
  ['192.0.2.1', '192.0.2.7', '[2001:db8::1]'].map((address) => `${name}:${address}:80`),
)
const NOWHERE = emptyMap({ file: '', line: 0, column: 0 })

const orNull = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null, freq: 5 })
const action = fc.constantFrom('create', 'patch', 'delete', 'patch') as fc.Arbitrary<
  'create' | 'patch' | 'delete'
>
const some = (model: Record<string, fc.Arbitrary<unknown>>) =>
  fc.record(model, { requiredKeys: [] }) as fc.Arbitrary<Record<string, never>>

const edits = fc.oneof(
  fc.tuple(
    action,
    fc.constant('domain' as const),
    fc.constantFrom(...DOMAINS),
    some({
      ttl: orNull(fc.integer({ min: -1, max: 700_000 })),
      answers: orNull(fc.integer({ min: 0, max: 4 })),
      enabled: orNull(fc.boolean()),
      regions: orNull(fc.subarray([...REGIONS, 'mars'])),
      routing_algorithm: orNull(fc.constantFrom('rr', 'failover', 'best')),
    }),
  ),
  fc.tuple(
    action,
    fc.constant('server' as const),
    fc.constantFrom(...SERVERS),
    some({
      weight: orNull(fc.integer({ min: -1, max: 70_000 })),
      region: orNull(fc.constantFrom(...REGIONS)),
      enabled: orNull(fc.boolean()),
      'health_check.interval': orNull(fc.constantFrom('1s', '1', '9s')),
    }),
  ),
  fc.tuple(
    action,
    fc.constant('region' as const),
    fc.constantFrom(...REGIONS),
    some({ countries: orNull(fc.subarray(['US', 'BR', 'x'])), enabled: orNull(fc.boolean()) }),
  ),
  fc.tuple(
    fc.constantFrom('patch', 'delete') as fc.Arbitrary<'patch' | 'delete'>,
    fc.constant('setting' as const),
    fc.constantFrom('dns', 'health_check', 'logging'),
    some({ default_ttl: fc.integer({ min: 0, max: 9 }), interval: fc.constant('8s') }),
  ),
)

function edited(script: readonly (typeof edits extends fc.Arbitrary<infer T> ? T : never)[]) {
  const world = new OverlayWorld()
  for (const [what, kind, id, fields] of script) world.edit(what, kind, id, fields)
  return world
}

const faults = (world: OverlayWorld) =>
  reviewedObjects(world.compiled.applied.config, NOWHERE)
    .filter(({ severity, path }) => severity === 'error' && !/^domains\[\d+\]\.regions$/.test(path))
    .map(({ path, message }) => `${path} ${message}`)

test('edits that are accepted make a configuration without faults, and none is set aside', () => {
  fc.assert(
    fc.property(fc.array(edits, { maxLength: 25 }), (script) => {
      const world = edited(script)
      expect(faults(world)).toEqual([])
      expect([...world.compiled.aside]).toEqual([])
    }),
    { numRuns: 200 },
  )
})

test('what is read back from disk serves the same', () => {
  fc.assert(
    fc.property(fc.array(edits, { maxLength: 25 }), (script) => {
      const world = edited(script)
      const before = world.pools
      expect(world.reload()).toEqual([])
      expect(world.pools).toEqual(before)
    }),
    { numRuns: 100 },
  )
})

test('a key that the file changes later has the value of the file, whatever was edited', () => {
  fc.assert(
    fc.property(fc.array(edits, { maxLength: 25 }), (script) => {
      const world = edited(script)
      world.reload(FILE.replace('ttl: 20', 'ttl: 77').replace('weight: 50', 'weight: 51'))
      expect(faults(world)).toEqual([])
      const { domains } = world.compiled.applied
      // A domain that was switched off or whose entry is set aside is not among them.
      expect([77, undefined]).toContain(domains.get('app.example.com')?.ttl)
      const weights = world.pool('app.example.com')?.members ?? []
      const own = weights.find(({ address }) => address === '192.0.2.1')
      expect([51, undefined]).toContain(own?.weight)
    }),
    { numRuns: 100 },
  )
})

test('every edit taken back leaves what the file serves', () => {
  const bare = new OverlayWorld().pools
  fc.assert(
    fc.property(fc.array(edits, { maxLength: 25 }), (script) => {
      const world = edited(script)
      // What was deleted comes back when it is made again.
      for (const { kind, id, owned, deleted } of [...world.entries.values()])
        if (owned && deleted) world.create(kind, id)
      for (const kind of ['server', 'domain', 'region', 'setting'] as const)
        for (const entry of [...world.entries.values()].filter((one) => one.kind === kind)) {
          const { id, owned, fields } = entry
          const none = Object.fromEntries(Object.keys(fields).map((name) => [name, null]))
          if (kind === 'setting') world.remove(kind, id)
          else if (owned) world.patch(kind, id, none)
          else world.remove(kind, id)
        }
      // Regions that others stood in when it was their turn.
      for (const { kind, id, fields } of [...world.entries.values()]) {
        const none = Object.fromEntries(Object.keys(fields).map((name) => [name, null]))
        if (world.patch(kind, id, none) !== 'done' || world.entries.has(`${kind}/${id}`))
          world.remove(kind, id)
      }
      expect([...world.entries.keys()]).toEqual([])
      expect(world.pools).toEqual(bare)
    }),
    { numRuns: 100 },
  )
})
