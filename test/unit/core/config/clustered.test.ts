// Goal: what the cluster guide writes under `cluster` takes effect where an overwatch has it, and
// combinations that no engine takes are told.
import { describe, expect, test } from 'vitest'
import { load, loaded, SMALL } from './load-text.ts'

const KEY = `${'A'.repeat(43)}=`
const GUIDE = `${SMALL}
cluster:
  mode: cluster
  node_name: node-1
  join: [10.0.1.1:7000]
  gossip: { probe_interval: 2s, probe_timeout: 700ms, encryption_key: "${KEY}" }
  overwatch: { external_check_interval: 15s, veto_mode: strict, veto_threshold: 5 }
`

describe('cluster mode', () => {
  test('names the node, its gossip and its checks as the overwatch it is', () => {
    const { overwatch } = loaded(GUIDE).config
    expect(overwatch.identity.node_id).toBe('node-1')
    expect(overwatch.gossip).toMatchObject({
      encryption_key: KEY,
      probe_interval: 2_000,
      probe_timeout: 700,
    })
    expect(overwatch.peering.bootstrap_peers).toEqual(['10.0.1.1:7946'])
    expect(overwatch.validation).toMatchObject({
      check_interval: 15_000,
      veto_mode: 'strict',
      veto_threshold: 5,
    })
  })

  test('leaves what the file says under overwatch as it is', () => {
    const own = 'overwatch: { identity: { node_id: own }, validation: { check_interval: 1s } }'
    const { overwatch } = loaded(`${GUIDE}${own}\n`).config
    expect(overwatch.identity.node_id).toBe('own')
    expect(overwatch.validation.check_interval).toBe(1_000)
  })

  test('that is off changes nothing', () => {
    const { overwatch } = loaded(GUIDE.replace('mode: cluster', 'mode: standalone')).config
    expect(overwatch.identity.node_id).toBe('')
    expect(overwatch.gossip.encryption_key).toBe('')
    expect(overwatch.peering.bootstrap_peers).toEqual([])
  })
})

const clusterOf = (text: string) => load(`${SMALL}cluster: { mode: cluster, ${text} }\n`)

describe('what is told', () => {
  test('a warning of gossip that is written and has no key, as in the seed', () => {
    const said = 'cluster.gossip: is off without encryption_key'
    expect(clusterOf('gossip: { probe_interval: 1s }').warnings.join()).toContain(said)
    expect(clusterOf('').warnings.join()).not.toContain(said)
    expect(load(GUIDE).warnings.join()).not.toContain(said)
    const own = `overwatch: { gossip: { encryption_key: "${KEY}" } }`
    const both = load(
      `${SMALL}${own}\ncluster: { mode: cluster, gossip: { probe_interval: 1s } }\n`,
    )
    expect(both.warnings.join()).not.toContain(said)
  })

  test.each([
    ['engine: external', 'cluster.external.endpoints: must list at least one URL'],
    ['raft: { tls: { cert_file: a.pem } }', 'needs cert_file, key_file and ca_file'],
    ['raft: { election_timeout: 1m }', 'is longer than etcd takes'],
  ])('an error of %s', (text, message) => {
    expect(clusterOf(text).errors.join()).toContain(message)
  })

  test.each([
    ['raft: { heartbeat_timeout: 1s, election_timeout: 1s }', '100ms is used'],
    ['force_new_cluster: true', 'take it back once it has started'],
    ['on_lost_lease: serve', 'answer beside the next one'],
  ])('a warning of %s', (text, message) => {
    const { errors, warnings } = clusterOf(text)
    expect(errors).toEqual([])
    expect(warnings.join()).toContain(message)
  })
})
