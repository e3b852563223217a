// Goal: a policy is read as written, and each fault in it is told once, at its place.
import { expect, test } from 'vitest'
import { load, loaded } from './load-text.ts'

const HEAD = `
dns: { zones: [example.com] }
regions:
  - { name: eu, servers: [{ address: 192.0.2.1, service: app.example.com }] }
  - { name: us, servers: [{ address: 192.0.2.2, service: app.example.com }] }
  - { name: spare, servers: [{ address: 192.0.2.3, service: app.example.com }] }
overwatch:
  geolocation: { default_region: eu, custom_mappings: [{ cidr: 10.0.0.0/8, region: eu }] }
domains:
  - name: app.example.com
    regions: [eu, us, spare]
`
const of = (policy: string, more = '') =>
  `${HEAD}${more}    policy:\n${policy.replaceAll(/^/gm, '      ')}\n`

const WHOLE = `
geofence:
  - countries: [DE, at]
    home_regions: [eu]
    failover:
      - { regions: [eu], routing_algorithm: learned_latency }
      - regions: [spare]
  - continents: [NA]
    weighted:
      - { weight: 95, regions: [us] }
      - { routing_algorithm: geo, regions: [us, spare] }
  - routing_algorithm: round-robin`

test('a policy of all kinds is read into the tree that is answered from', () => {
  const { topology } = loaded(of(WHOLE))
  expect(topology.pools[0]!.policy).toBe('composed')
  expect(topology.pools[0]!.tree).toEqual({
    kind: 'geofence',
    rules: [
      {
        countries: ['DE', 'AT'],
        homes: ['eu'],
        node: {
          kind: 'failover',
          tiers: [
            { kind: 'choose', algorithm: 'learned_latency', regions: ['eu'] },
            { kind: 'choose', algorithm: 'weighted', regions: ['spare'] },
          ],
        },
      },
      {
        continents: ['NA'],
        node: {
          kind: 'split',
          parts: [
            { weight: 95, node: { kind: 'choose', algorithm: 'weighted', regions: ['us'] } },
            {
              weight: 100,
              node: { kind: 'choose', algorithm: 'geolocation', regions: ['us', 'spare'] },
            },
          ],
        },
      },
      { node: { kind: 'choose', algorithm: 'round-robin', regions: [] } },
    ],
  })
})

test('the flat algorithm is what it was without a policy', () => {
  const { topology } = loaded(`${HEAD}    routing_algorithm: geolocation\n`)
  expect(topology.pools[0]!.policy).toBe('geolocation')
  expect(topology.pools[0]!.tree).toBeUndefined()
})

const at = 'domains[0].policy'
for (const [what, policy, path, words] of [
  ['a scalar', '"weighted"', at, 'must be a mapping of keys'],
  ['nothing to choose by', '{}', at, 'says nothing of how to choose'],
  [
    'an unknown key',
    'failover: [{ regions: [eu], wieght: 5 }]',
    `${at}.failover[0].wieght`,
    'known',
  ],
  ['a near key', '{ failovr: [{ regions: [eu] }] }', `${at}.failovr`, 'did you mean `failover`'],
  [
    'two kinds',
    '{ failover: [{ regions: [eu] }], weighted: [] }',
    `${at}.weighted`,
    'beside failover',
  ],
  [
    'regions beside tiers',
    '{ failover: [{ regions: [eu] }], regions: [eu] }',
    `${at}.regions`,
    'beside',
  ],
  ['an empty list', 'failover: []', `${at}.failover`, 'at least one part'],
  ['no list', 'failover: { regions: [eu] }', `${at}.failover`, 'must be a list'],
  ['an algorithm', 'routing_algorithm: fastest', `${at}.routing_algorithm`, 'fastest'],
  ['a weight', 'weighted: [{ regions: [eu], weight: -1 }]', `${at}.weighted[0].weight`, '-1'],
  [
    'a country',
    'geofence: [{ regions: [eu], countries: [Germany] }]',
    `${at}.geofence[0].countries[0]`,
    'Germany',
  ],
  [
    'a region',
    'failover: [{ regions: [eu] }, { regions: [ue] }]',
    `${at}.failover[1].regions[0]`,
    'did you mean `eu`',
  ],
  [
    'a part for nobody',
    'geofence: [{ regions: [us], countries: [US] }, { regions: [eu], countries: [] }]',
    `${at}.geofence[1].countries`,
    'lists nobody',
  ],
  [
    'a home',
    'geofence: [{ regions: [eu], home_regions: [uss] }]',
    `${at}.geofence[0].home_regions[0]`,
    'did you mean `us`',
  ],
  [
    'what nobody reaches',
    'geofence: [{ regions: [eu] }, { regions: [us] }]',
    `${at}.geofence[1]`,
    'never reached',
  ],
  [
    'times compared twice',
    'failover: [{ regions: [eu], routing_algorithm: latency }, { regions: [eu], routing_algorithm: latency }]',
    `${at}.failover[1]`,
    'compares the times of eu',
  ],
] as const)
  test(`refused with its place: ${what}`, () => {
    const { errors } = load(of(policy))
    expect(errors).toHaveLength(1)
    expect(errors[0]!.split(': ')[2]).toBe(path)
    expect(errors[0]).toContain(words)
  })

for (const [algorithm, isRefused] of [
  ['geolocation', false],
  ['learned_latency', false],
  ['latency', true],
  ['round-robin', true],
  ['', true],
] as const)
  test(`a strict fence under ${algorithm || 'the default'} is ${isRefused ? 'refused' : 'kept'}`, () => {
    const chosen = algorithm === '' ? '' : `    routing_algorithm: ${algorithm}\n`
    const { errors } = load(`${HEAD}${chosen}    geofence: strict\n`)
    expect(errors).toHaveLength(isRefused ? 1 : 0)
    if (isRefused) expect(errors[0]).toContain(`reads no places`)
  })

test('what decides alone does not stand beside a policy', () => {
  const { errors } = load(
    of('regions: [eu]', '    routing_algorithm: weighted\n    geofence: strict\n'),
  )
  expect(errors.map((line) => line.split(': ')[2])).toEqual([
    'domains[0].routing_algorithm',
    'domains[0].geofence',
  ])
})

test('a region without a part is warned about', () => {
  const { warnings } = load(of('regions: [eu, us]'))
  expect(warnings.join('\n')).toContain('is in no part of the policy')
})

test('a policy of more levels or parts than are walked is refused, not followed', () => {
  const deep = `${'{ failover: ['.repeat(12)}{ regions: [eu] }${'] }'.repeat(12)}`
  expect(load(of(deep)).errors.join()).toContain('nested more than')
  const parts = Array.from({ length: 300 }, () => '{ regions: [eu] }').join(', ')
  expect(load(of(`failover: [${parts}]`)).errors.join()).toContain('makes more than 256 parts')
})
