// Goal: answers of the JSON gateway are read as it writes them, and nothing else ever throws.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as gateway from '../../../../src/core/cluster/gateway.ts'

describe('answers of etcd 3.4', () => {
  test('a status with its zero fields left out', () => {
    const answer = JSON.parse(
      '{"header":{"cluster_id":"17139473875031054948","member_id":"742790856194484697",' +
        '"revision":"1","raft_term":"2"},"version":"3.4.23","dbSize":"20480",' +
        '"leader":"742790856194484697","raftIndex":"4","raftTerm":"2","raftAppliedIndex":"4"}',
    ) as Record<string, unknown>
    expect(gateway.statusOf(answer)).toEqual({
      memberId: '742790856194484697',
      leaderId: '742790856194484697',
      ...{ term: 2, index: 4, appliedIndex: 4, isLearner: false },
      ...{ dbBytes: 20_480, version: '3.4.23', errors: [] },
    })
  })

  test('a watch line with a change and one that is gone', () => {
    const key = gateway.base64('/opengslb/a')
    const line = JSON.stringify({
      result: {
        header: { revision: '12' },
        events: [
          { kv: { key, value: gateway.base64('x'), mod_revision: '11', create_revision: '3' } },
          { type: 'DELETE', kv: { key, mod_revision: '12' } },
        ],
      },
    })
    expect(gateway.watchedOf(line)).toMatchObject({
      revision: 12,
      events: [
        { key: '/opengslb/a', modRevision: 11, isGone: false },
        { key: '/opengslb/a', modRevision: 12, isGone: true },
      ],
      compactRevision: 0,
    })
  })

  test('parts of a snapshot, and why there is none', () => {
    const part = Uint8Array.from({ length: 32_768 }, (_, at) => at)
    const line = JSON.stringify({ result: { remaining_bytes: '7', blob: gateway.base64(part) } })
    expect(gateway.snapshotPartOf(line)).toEqual({ ok: true, value: part })
    for (const [bad, error] of [
      ['{', 'no JSON'],
      ['{"result":{"blob":"%"}}', 'no base64'],
      ['{"result":{}}', 'no base64'],
      ['{"error":{"message":"no leader"}}', 'no leader'],
    ] as const)
      expect(gateway.snapshotPartOf(bad)).toEqual({ ok: false, error })
  })

  test('errors in both of their forms', () => {
    expect(gateway.errorOf({ error: 'etcdserver: no leader', code: 14 })).toBe(
      'etcdserver: no leader',
    )
    expect(gateway.errorOf({ error: { grpc_code: 1, message: 'gone' } })).toBe('gone')
    expect(gateway.errorOf({ header: {} })).toBe('')
  })

  test('a prefix ends after all keys that begin with it', () => {
    expect(gateway.endOf('/opengslb/')).toBe('/opengslb0')
  })
})

test('the page for peers has ids to the last digit, and its header another form of them', () => {
  const page = `[{"id":3319814642761637953,"peerURLs":["http://127.0.0.1:23800"],"name":"n1",
    "clientURLs":["http://127.0.0.1:23790"]},{"id":7,"name":"\\"id\\":8"}]`
  expect(gateway.membersOfPage(page)).toMatchObject([
    { id: '3319814642761637953', name: 'n1', peerUrls: ['http://127.0.0.1:23800'] },
    { id: '7', name: '"id":8' },
  ])
  for (const none of ['', '{}', '[', '[1]', 'x']) expect(gateway.membersOfPage(none)).toEqual([])
  expect(gateway.clusterIdOf('48276a8f75b6a87')).toBe('324952591200643719')
  for (const none of ['', 'x', '-1', '0x1', '1'.repeat(17)])
    expect(gateway.clusterIdOf(none)).toBe('')
})

describe('whatever comes', () => {
  test('octets survive base64, of any length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20_000 }), (bytes) => {
        expect(gateway.bytesOf(gateway.base64(bytes))).toEqual(bytes)
      }),
      { numRuns: 50 },
    )
  })

  test('nothing throws', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.string(), (answer, line) => {
        gateway.statusOf(answer)
        gateway.rangeOf(answer)
        gateway.rangeOfTxn(answer)
        gateway.leaseOf(answer)
        gateway.addedOf(answer)
        gateway.membersOf(answer['members'])
        gateway.errorOf(answer)
        gateway.watchedOf(JSON.stringify({ result: answer }))
        gateway.watchedOf(line)
        gateway.textOf(line)
      }),
    )
  })
})
