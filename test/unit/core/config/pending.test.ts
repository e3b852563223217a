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
  expect(told(`${SMALL}cluster:\n  predictive_health:\n    enabled: true\n`)).toEqual([
    'main.yaml:12:14: warning: cluster.predictive_health.enabled: is accepted, but not part of ' +
      'this version: agents move traffic by their own agent.predictive; got "true"',
  ])
})

test.each([
  ['cluster: { predictive_health: { enabled: true } }', 'cluster.predictive_health.enabled'],
  ['cluster: { raft: { snapshot_interval: 60s } }', 'cluster.raft.snapshot_interval'],
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
  'cluster: { mode: cluster, bootstrap: true }',
  'agent: { heartbeat: { interval: 5s } }',
])('%s asks for nothing that is missing', (text) => {
  expect(told(`${SMALL}${text}\n`)).toEqual([])
})
