// Goal: of a believed agent an overwatch takes what it may say, in order, and never shows an older
// state after a newer one.
// Method: real keys, a virtual time, one table row for each refusal.
import { describe, expect, test } from 'vitest'
import { octetsOf } from '../../../../../src/core/gossip/app/crypto.ts'
import type { ReceiverOutput } from '../../../../../src/core/gossip/app/outputs.ts'
import type { Receiver } from '../../../../../src/core/gossip/app/receiver.ts'
import {
  agentId,
  codeOf,
  FROM,
  key,
  pinned,
  reports,
  signed,
  wire,
} from '../../../../harness/agent-frames.ts'
import {
  backend,
  converse,
  kindsOf,
  keyOf,
  lastReply,
  receiverOf,
  reporterOf,
  sends,
  settingsOf,
  START,
  textOf,
  TOKEN,
  YEAR,
} from '../../../../harness/agents.ts'

describe('messages of a pinned agent', () => {
  const tampered = () => octetsOf(textOf(signed()).replace('"weight":100', '"weight":900'))
  const refusals: readonly [string, string, (receiver: Receiver) => readonly ReceiverOutput[]][] = [
    [
      'another key for a pinned id',
      'other-key',
      (receiver) => receiver.receive(signed({ key: keyOf() }), FROM, START),
    ],
    [
      'another key under the pinned fingerprint',
      'bad-signature',
      (receiver) =>
        receiver.receive(signed({ key: keyOf(), fingerprint: key.fingerprint }), FROM, START),
    ],
    ['one octet changed', 'bad-signature', (receiver) => receiver.receive(tampered(), FROM, START)],
    [
      'a revoked agent',
      'revoked',
      (receiver) => {
        receiver.revoke(agentId, 'stolen', START)
        return receiver.receive(signed(), FROM, START)
      },
    ],
    [
      'a certificate that ended meanwhile',
      'expired-certificate',
      (receiver) => receiver.receive(signed(), FROM, START + YEAR + 1),
    ],
    [
      'a start two days ahead',
      'clock-off',
      (receiver) => receiver.receive(signed({ boot: START + 2 * 86_400_000 }), FROM, START),
    ],
    [
      'an earlier start',
      'stale-boot',
      (receiver) => {
        receiver.receive(signed(), FROM, START)
        return receiver.receive(signed({ boot: START - 1 }), FROM, START)
      },
    ],
    ...(
      [
        ['loopback', '127.0.0.1'],
        ['IPv6 loopback', '::1'],
        ['loopback in IPv6 clothes', '::ffff:127.0.0.1'],
        ['link-local', '169.254.169.254'],
        ['IPv6 link-local', 'fe80::1'],
        ['multicast', '239.1.2.3'],
        ['IPv6 multicast', 'ff02::1'],
        ['the unspecified address', '0.0.0.0'],
        ['the unspecified IPv6 address', '::'],
        ['broadcast', '255.255.255.255'],
        ['a name', 'web.internal'],
      ] as const
    ).map(
      ([what, address]) =>
        [
          `a backend at ${what}`,
          'address-not-allowed',
          (receiver: Receiver) =>
            receiver.receive(
              signed({ payload: { backends: [wire({ address })], fingerprint: '' } }),
              FROM,
              START,
            ),
        ] as [string, string, (receiver: Receiver) => readonly ReceiverOutput[]],
    ),
    [
      'a service it has not proven',
      'service-not-proven',
      (receiver) => {
        receiver.configure(settingsOf({ agentTokens: { web: TOKEN, db: 'b'.repeat(20) } }), START)
        const payload = { backends: [wire(), wire({ service: 'db' })], fingerprint: '' }
        const outputs = receiver.receive(signed({ payload }), FROM, START)
        expect(reports(outputs)[0]?.backends).toEqual([backend()])
        return outputs.filter((output) => !JSON.stringify(lastReply([output])).includes('nonce'))
      },
    ],
    [
      'a service without a token',
      'unknown-service',
      (receiver) => {
        const payload = { backends: [wire({ service: 'db' })], fingerprint: '' }
        return receiver.receive(signed({ payload }), FROM, START)
      },
    ],
  ]
  test.each(refusals)('%s is refused as %s', (_what, code, run) => {
    const receiver = pinned()
    const outputs = run(receiver)
    expect(codeOf(outputs)).toBe(code)
    expect(receiver.refusalCounts.get(code)).toBeGreaterThan(0)
  })

  test('allowed_backends admits loopback where it names it, and nothing outside itself', () => {
    const receiver = pinned({ allowedBackends: ['127.0.0.0/8'] })
    const backends = [wire({ address: '127.0.0.2' }), wire({ address: '10.0.0.1' })]
    const outputs = receiver.receive(
      signed({ payload: { backends, fingerprint: '' } }),
      FROM,
      START,
    )
    expect(reports(outputs)[0]?.backends.map(({ address }) => address)).toEqual(['127.0.0.2'])
  })

  test('multicast is no server even where allowed_backends names it', () => {
    const receiver = pinned({ allowedBackends: ['0.0.0.0/0'] })
    const backends = [wire({ address: '224.0.0.1' }), wire({ address: '10.0.0.1' })]
    const outputs = receiver.receive(
      signed({ payload: { backends, fingerprint: '' } }),
      FROM,
      START,
    )
    expect(reports(outputs)[0]?.backends.map(({ address }) => address)).toEqual(['10.0.0.1'])
  })

  test('an older or repeated message changes nothing and is told what is held', () => {
    const receiver = pinned()
    const old = signed({ seq: 1 })
    const bytes = signed({
      seq: 2,
      payload: { backends: [wire({ healthy: false })], fingerprint: '' },
    })
    receiver.receive(bytes, FROM, START)
    for (const again of [old, bytes]) {
      const outputs = receiver.receive(again, FROM, START + 1)
      expect(kindsOf(outputs)).toEqual(['reply'])
      expect(lastReply(outputs)).toMatchObject({ type: 'ack', boot: START, seq: 2 })
    }
    expect([...receiver.refusalCounts]).toEqual([
      ['stale', 1],
      ['replayed', 1],
    ])
  })

  test('an older sequence with a later beat changes nothing either', () => {
    const receiver = pinned()
    receiver.receive(signed({ seq: 2 }), FROM, START)
    const outputs = receiver.receive(signed({ seq: 1 }), FROM, START + 1)
    expect(kindsOf(outputs)).toEqual(['reply'])
    expect(receiver.refusalCounts.get('stale')).toBe(1)
  })

  test('pages of an older report do not disturb those of a newer one', () => {
    const receiver = pinned()
    const page = (seq: number, at: number) => {
      const backends = [wire({ port: 80 + at })]
      return signed({ seq, payload: { backends, fingerprint: '', v2: { page: at, pages: 2 } } })
    }
    expect(receiver.receive(page(2, 0), FROM, START)).toEqual([])
    expect(receiver.receive(page(1, 1), FROM, START)).toEqual([])
    const outputs = receiver.receive(page(2, 1), FROM, START)
    expect(reports(outputs)[0]?.backends.map(({ port }) => port)).toEqual([80, 81])
    expect(receiver.sizes.pendingBytes).toBe(0)
    receiver.receive(page(3, 0), FROM, START)
    expect(receiver.sizes.pendingBytes).toBeGreaterThan(0)
    receiver.sweep(START + 31_000)
    expect(receiver.sizes.pendingBytes).toBe(0)
  })

  test('pages that add up to more than a thousand backends are refused', () => {
    const receiver = pinned()
    const codes = [0, 1, 2].map((at) => {
      const ports = Array.from({ length: 400 }, (_item, port) => at * 400 + port + 1)
      const backends = ports.map((port) => wire({ port }))
      const payload = { backends, fingerprint: '', v2: { page: at, pages: 3 } }
      return codeOf(receiver.receive(signed({ payload }), FROM, START))
    })
    expect(codes).toEqual([undefined, undefined, 'too-many-backends'])
  })

  test('a sign of life refreshes what is held, and asks for what is not', () => {
    const receiver = pinned()
    const bare = { backends: null, fingerprint: '' }
    const early = receiver.receive(signed({ payload: bare }), FROM, START)
    expect(lastReply(early)).toMatchObject({ type: 'ack', seq: 0 })
    receiver.receive(signed(), FROM, START)
    const later = receiver.receive(signed({ payload: bare }), FROM, START + 5)
    expect(later[0]).toEqual({ kind: 'seen', agentId, atMs: START + 5 })
    const ahead = receiver.receive(signed({ payload: bare, seq: 9 }), FROM, START + 6)
    expect(kindsOf(ahead)).toEqual(['reply'])
    expect(lastReply(ahead)).toMatchObject({ type: 'ack', seq: 1 })
  })

  test('a farewell takes the agent out, and nothing older brings it back', () => {
    const receiver = pinned()
    const late = signed({ seq: 1 })
    receiver.receive(signed({ seq: 1 }), FROM, START)
    const leave = signed({
      type: 'deregister',
      seq: 2,
      payload: { agent_id: agentId, reason: 'stop' },
    })
    expect(receiver.receive(leave, FROM, START)[0]).toEqual({
      kind: 'left',
      agentId,
      reason: 'stop',
    })
    expect(kindsOf(receiver.receive(late, FROM, START))).toEqual(['reply'])
    expect(receiver.rawOf(agentId)?.pages).toEqual([leave])
    expect(reports(receiver.receive(signed({ boot: START + 1 }), FROM, START))).toHaveLength(1)
  })

  test('a refusal is logged once a minute, with the number of those between', () => {
    const receiver = pinned()
    const other = keyOf()
    const logged = [0, 10, 20, 70_000].flatMap((ms) =>
      receiver
        .receive(signed({ key: other }), FROM, START + ms)
        .flatMap((output) => (output.kind === 'refusal' ? [output.refusal.times] : [])),
    )
    expect(logged).toEqual([1, 3])
  })

  test('a flood of refused names fills a table of fixed size and then stays quiet', () => {
    const receiver = receiverOf({ agentTokens: {} })
    let lines = 0
    for (let index = 0; index < 3_000; index++) {
      const outputs = receiver.receive(signed({ agentId: `eu-${index}` }), FROM, START)
      lines += outputs.filter(({ kind }) => kind === 'refusal').length
    }
    expect(lines).toBe(1_024)
  })
})

test('latencies of a believed agent are taken once each, in any order', () => {
  const receiver = receiverOf()
  const reporter = reporterOf({ key })
  reporter.setOverwatches([{ node: 'ow1', acks: true }], START)
  reporter.set({ backends: [backend()] }, START)
  converse(reporter, receiver, START)
  const rows = [{ subnet: '10.1.0.0/24', rttMs: 12.5, samples: 9, lastSeenMs: START }]
  const [a] = sends(reporter.latency('web', rows, START))
  const [b] = sends(reporter.latency('web', rows, START))
  expect(kindsOf(receiver.receive(b!, FROM, START))).toEqual(['latency'])
  const [late] = receiver.receive(a!, FROM, START)
  expect(late).toEqual({ kind: 'latency', agentId, region: 'eu', service: 'web', rows })
  expect(receiver.receive(a!, FROM, START)).toEqual([])
})
