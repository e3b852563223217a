// Goal: etcd is told what the lease counts on, and its last words become sentences.
import { describe, expect, test } from 'vitest'
import {
  engineArguments,
  faultOf,
  lastWords,
  versionFault,
} from '../../../../src/core/cluster/engine.ts'

const settings = {
  name: 'node-1',
  bind: ':7000',
  peerUrl: 'http://10.0.1.1:7000',
  doorUrl: 'http://10.0.1.1:7001',
  times: { heartbeatMs: 100, electionMs: 500 },
  snapshotCount: 8_192,
}

describe('arguments', () => {
  test('carry the times, pre-vote and a socket of its own', () => {
    const args = engineArguments(settings, { kind: 'new' })
    for (const flag of [
      '--heartbeat-interval=100',
      '--election-timeout=500',
      '--pre-vote=true',
      '--initial-election-tick-advance=false',
      '--snapshot-count=8192',
      `--quota-backend-bytes=${512 * 1_024 * 1_024}`,
      '--auto-compaction-mode=periodic',
      '--auto-compaction-retention=1h',
      '--listen-peer-urls=http://0.0.0.0:7000',
      '--initial-cluster=node-1=http://10.0.1.1:7000',
    ])
      expect(args).toContain(flag)
    expect(args.find((flag) => flag.startsWith('--listen-client-urls'))).toMatch(/=unix:/)
  })

  test('force a new cluster only with data, and only when asked', () => {
    const force = '--force-new-cluster=true'
    expect(engineArguments(settings, { kind: 'data', forceNew: true })).toContain(force)
    expect(engineArguments(settings, { kind: 'data', forceNew: false })).not.toContain(force)
  })

  test('let nobody found who was said to have data', () => {
    const args = engineArguments(settings, { kind: 'data', forceNew: false })
    expect(args).toContain('--initial-cluster-state=existing')
  })

  test('ask other members for their certificates where there are any', () => {
    const tls = { certFile: '/c', keyFile: '/k', caFile: '/a' }
    const args = engineArguments({ ...settings, tls }, { kind: 'new' })
    expect(args).toContain('--peer-client-cert-auth=true')
    expect(args).toContain('--listen-peer-urls=https://0.0.0.0:7000')
  })
})

test.each([
  ['3.4.23', true],
  ['3.6.0', true],
  ['3.3.25', false],
  ['4.0.0', false],
  ['ls 9.1', false],
])('version %s fits: %s', (version, fits) => {
  expect(versionFault(version) === undefined).toBe(fits)
})

test.each([
  ['listen tcp 127.0.0.1:7000: bind: address already in use', 'address-in-use'],
  ['bind: cannot assign requested address', 'address-not-ours'],
  ['the member has been permanently removed from the cluster', 'removed'],
  ['tocommit(11) is out of range [lastIndex(3)]', 'lost-data'],
  ['write wal: no space left on device', 'disk-full'],
  ['something else', 'ended'],
])('"%s" means %s', (line, fault) => {
  expect(faultOf([line]).fault).toBe(fault)
})

test('last words are messages and errors without their frames', () => {
  const line = '{"level":"fatal","msg":"discovery failed","error":"no such host","stack":"x"}'
  expect(lastWords(['{"level":"warn"}', line])).toBe('discovery failed: no such host')
})
