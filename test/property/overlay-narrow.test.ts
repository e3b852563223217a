// Goal: looking only at what an edit touches comes to what looking at everything comes to: the same
// configuration, the same refusals with the same words, the same pools.
// Method: random edits, good and bad, over files with all sorts of service; each is made both ways.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type CompiledOverlay, compileOverlay } from '../../src/core/config/overlay/compile.ts'
import { type OverlayContent, overlayContent } from '../../src/core/config/overlay/content.ts'
import { type Edit, type EditFields, editOverlay } from '../../src/core/config/overlay/edit.ts'
import { canonicalId } from '../../src/core/config/overlay/edit.ts'
import type { ObjectKind } from '../../src/core/config/overlay/entry.ts'
import { ownMemory } from '../../src/core/base/memory.ts'
import { sealZones } from '../../src/core/zone/sealed.ts'
import { loaded } from '../unit/core/config/load-text.ts'
import { OverlayWorld } from '../unit/core/config/overlay-world.ts'

const ZONED = `
dns: { listen_address: "192.0.2.53:53", zones: [example.com, example.net] }
regions:
  - name: us
    countries: [US]
    servers:
      - { address: 192.0.2.1, service: App.example.com., weight: 50 }
      - { address: 192.0.2.2, service: app.example.com, health_check: { interval: 3s } }
      - { address: 192.0.2.3, service: one }
      - { address: 192.0.2.4 }
  - name: eu
    servers:
      - { address: 192.0.2.9, service: web.example.com }
      - { address: 192.0.2.8, service: free.example.com }
      - { address: 192.0.2.11, service: app.example.com }
      - { address: 192.0.2.12, service: app }
  - { name: sa, countries: [BR] }
domains:
  - { name: app.example.com, regions: [us, eu], ttl: 20 }
  - { name: web.example.com, regions: [eu] }
  - { name: one.example.com, regions: [us] }
  - { name: app, regions: [eu] }
  - name: tree.example.com
    regions: [us, eu]
    policy: { failover: [{ routing_algorithm: latency, regions: [us] }, { regions: [eu] }] }
overwatch: { geolocation: { custom_mappings: [{ cidr: 10.0.0.0/8, region: us }] } }
`
const ONE_ZONE = ZONED.replace('example.com, example.net', 'example.com')
const UNZONED = `
dns: { listen_address: "192.0.2.53:53", when_all_down: fallback }
regions:
  - name: us
    servers:
      - { address: 192.0.2.1, service: app.example.com }
      - { address: 192.0.2.2, service: app }
  - { name: eu, servers: [{ address: 192.0.2.9, service: web.example.com }] }
domains:
  - { name: app.example.com, regions: [us], fallback_addresses: [192.0.2.99] }
  - { name: web.example.com, regions: [eu], fallback_addresses: [192.0.2.99] }
  - { name: app, regions: [us], fallback_addresses: [192.0.2.99] }
`
const DOMAINS = [
  ...['app.example.com', 'web.example.com', 'one.example.com', 'one.example.net', 'one', 'app'],
  ...['new.example.com', 'free.example.com', 'out.test', 'tree.example.com'],
]
const SERVERS = DOMAINS.flatMap((name) =>
  ['192.0.2.1', '192.0.2.3', '192.0.2.4', '[2001:db8::1]'].map((at) => `${name}:${at}:80`),
)

const orNull = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null, freq: 5 })
const action = fc.constantFrom('create', 'patch', 'delete', 'patch', 'create')
const some = (model: Record<string, fc.Arbitrary<unknown>>) =>
  fc.record(model, { requiredKeys: [] }) as fc.Arbitrary<EditFields>
const of = (kind: ObjectKind, ids: readonly string[], fields: fc.Arbitrary<EditFields>) =>
  fc.record({ action, kind: fc.constant(kind), id: fc.constantFrom(...ids), fields })

/** Most values fit, so that most edits pass and the next one has something to stand on. */
const mostly = <T>(good: fc.Arbitrary<T>, bad: T) =>
  fc.oneof({ arbitrary: good, weight: 15 }, { arbitrary: fc.constant(bad), weight: 1 })
const regions = mostly(fc.subarray(['us', 'eu']), ['us', 'mars'])
const domain = of(
  'domain',
  DOMAINS,
  some({
    ttl: orNull(fc.integer({ min: 0, max: 700 })),
    enabled: orNull(fc.boolean()),
    regions: orNull(regions),
    routing_algorithm: mostly(fc.constantFrom('round_robin', 'failover'), 'geolocation'),
    geofence: mostly(fc.constant('none'), 'strict'),
    when_all_down: orNull(fc.constantFrom('fallback', 'all', 'servfail')),
    fallback_addresses: orNull(fc.subarray(['192.0.2.98', '192.0.2.99'])),
  }),
)
const server = of(
  'server',
  SERVERS,
  some({
    weight: mostly(fc.nat(300), -1),
    region: mostly(fc.constantFrom('us', 'eu'), 'far'),
    enabled: orNull(fc.boolean()),
    'health_check.interval': orNull(mostly(fc.constant('9s'), '1')),
  }),
)
const others = fc.oneof(
  of(
    'region',
    ['us', 'eu', 'sa', 'far'],
    some({
      countries: orNull(fc.subarray(['US', 'BR'])),
      'health_check.interval': orNull(fc.constant('7s')),
      enabled: fc.boolean(),
    }),
  ),
  of('mapping', ['10.0.0.0/8', '10.1.0.0/16'], some({ region: fc.constantFrom('us', 'mars') })),
  of(
    'setting',
    ['dns', 'health_check'],
    some({ default_ttl: fc.nat(9), interval: fc.constant('8s') }),
  ),
)
const edits = fc.array(
  fc.oneof(
    { arbitrary: domain, weight: 4 },
    { arbitrary: server, weight: 5 },
    { arbitrary: others, weight: 2 },
  ),
  { minLength: 10, maxLength: 25 },
)

/** What readers of it see. */
const shown = ({ applied, aside, isClean, read }: CompiledOverlay) => {
  const { config, domains, made, withheld, checks, automatic } = applied
  const own = { config, domains, made, withheld, checks, automatic: [...automatic] }
  return { ...own, aside, read, isClean }
}

type Made = typeof edits extends fc.Arbitrary<readonly (infer T)[]> ? T : never

function editOf({ action: act, kind, id: given, fields }: Made, at: number): Edit {
  const id = canonicalId(kind, given)
  if (!id.ok) throw new Error(id.error)
  const times = { atMs: at + 1, revision: at + 1 }
  return { action: act as 'patch', kind, id: id.value, fields, notes: {}, by: 'ann', ...times }
}

/** A configuration and its pools, edited step by step; each step is held against the whole. */
class Twice {
  readonly world: OverlayWorld
  readonly #served: OverlayContent
  #content: OverlayContent
  /** Edits that the narrow way was enough for; pools it left as they were. */
  narrow = 0
  kept = 0

  constructor(file: string) {
    this.world = new OverlayWorld(file)
    const { topology } = loaded(file)
    this.#served = { topology, zones: sealZones(topology.zones) }
    this.#content = this.#served
  }

  edit(edit: Edit): void {
    const { base, entries, compiled } = this.world
    const quick = editOverlay(base, entries, compiled, edit)
    const whole = editOverlay(base, entries, { ...compiled, isClean: false }, edit)
    if (!quick.ok || !whole.ok) return void expect(quick).toEqual(whole)
    expect(quick.value.entries).toEqual(whole.value.entries)
    expect(shown(quick.value.compiled)).toEqual(shown(whole.value.compiled))
    this.#serve(quick.value.compiled)
    if (quick.value.compiled.since !== undefined) this.narrow++
    this.world.entries = quick.value.entries
    this.world.compiled = quick.value.compiled
  }

  #serve(compiled: CompiledOverlay): void {
    const { pools } = this.#content.topology
    const former = { applied: this.world.compiled.applied, pools }
    const next = overlayContent(compiled, this.#served, 7, ownMemory, former)
    expect(next).toEqual(overlayContent(compiled, this.#served, 7, ownMemory))
    const known = new Map(pools.map((pool) => [pool.name, pool]))
    for (const pool of next.topology.pools) {
      const old = known.get(pool.name)
      if (old === pool) this.kept++
      else expect(old).not.toEqual(pool)
    }
    this.#content = next
  }
}

const FILES = { 'with zones': ZONED, 'with one zone': ONE_ZONE, 'without zones': UNZONED }
for (const [what, file] of Object.entries(FILES))
  test(`the part that an edit touches tells what the whole tells, ${what}`, () => {
    const sums = { narrow: 0, kept: 0 }
    fc.assert(
      fc.property(edits, (script) => {
        const twice = new Twice(file)
        for (const [at, made] of script.entries()) twice.edit(editOf(made, at))
        const { base, entries, compiled } = twice.world
        expect(shown(compiled)).toEqual(shown(compileOverlay(base, entries)))
        sums.narrow += twice.narrow
        sums.kept += twice.kept
      }),
      { numRuns: 100 },
    )
    expect(sums.narrow).toBeGreaterThan(100)
    expect(sums.kept).toBeGreaterThan(500)
  })

test.each([
  [
    'a label that is a domain, beside the name it would be in the zone',
    [['app.example.com', { ttl: 5 }]],
  ],
  [
    'regions taken from a domain that waits for its first server',
    [
      ['new.example.com', {}],
      ['new.example.com', { regions: [] }],
      ['web.example.com', { ttl: 9 }],
    ],
  ],
] as const)('of %s too', (_, script) => {
  const twice = new Twice(ONE_ZONE)
  for (const [at, [id, fields]] of script.entries()) {
    const isNew = !twice.world.compiled.applied.domains.has(id)
    twice.edit(editOf({ action: isNew ? 'create' : 'patch', kind: 'domain', id, fields }, at))
  }
})
