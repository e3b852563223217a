// Goal: no key is accepted in silence that this version does nothing with.
import { expect, test } from 'vitest'
import { load, SMALL } from './load-text.ts'

const KEY = `${'A'.repeat(43)}=`
const told = (text: string, extra = {}) => {
  const outcome = load(text, extra)
  expect(outcome.errors).toEqual([])
  return outcome.warnings.filter((line) => line.includes('not part of this version'))
}

test('a key without effect is told where it is written, with what holds instead', () => {
  expect(told(`${SMALL}cluster:\n  mode: cluster\n`)).toEqual([
    'main.yaml:11:9: warning: cluster.mode: is accepted, but not part of this version: this node ' +
      'answers by itself, whatever other nodes do; got "cluster"',
  ])
})

test.each([
  ['cluster: { mode: cluster }', 'cluster.mode'],
  ['mode: cluster', 'cluster.mode'],
] as const)('%s is told as %s', (text, path) => {
  const lines = told(`${SMALL}${text}\n`)
  expect(lines).toHaveLength(1)
  expect(lines[0]).toContain(`: warning: ${path}: is accepted, but not part of this version`)
  expect(lines[0]).not.toContain(KEY)
})

test.each([
  'overwatch: { dnssec: { enabled: false, security_acknowledgment: meant } }',
  'overwatch: { validation: { enabled: false }, stale: { threshold: 20s } }',
  `overwatch: { gossip: { encryption_key: "${KEY}" }, agent_tokens: { app: a-token-of-tests } }`,
  'overwatch: { peering: { enabled: false } }',
  'overwatch: { gossip: { encryption_key: "" }, geolocation: { database_path: a.mmdb } }',
  'overwatch: { geolocation: { custom_mappings: [{ cidr: 10.0.0.0/8, region: main }] } }',
  'cluster: { mode: standalone }',
  'agent: { heartbeat: { interval: 5s } }',
])('%s asks for nothing that is missing', (text) => {
  expect(told(`${SMALL}${text}\n`)).toEqual([])
})

test('algorithms that are not there are told once, with their number', () => {
  const domain = (name: string, algorithm: string) =>
    `  - { name: ${name}.example.com, regions: [main], routing_algorithm: ${algorithm} }\n`
  const text = `${SMALL}${domain('a', 'latency')}${domain('b', 'weighted')}${domain('c', 'learned-latency')}`
  expect(told(text)).toEqual([
    'main.yaml:10:64: warning: domains[1].routing_algorithm: is accepted, but not part of this ' +
      'version (here and in 1 more): servers are answered in turn; got "latency"',
  ])
  const whole = SMALL.replace('dns:', 'dns:\n  default_routing_algorithm: latency')
  expect(told(whole)).toHaveLength(1)
})

test('a mode of the command line is told by its flag', () => {
  expect(told(`${SMALL}`, { modeFlag: 'cluster' })[0]).toMatch(/^--mode: warning: cluster\.mode/)
})
