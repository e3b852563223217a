// Goal: an overwatch believes whom it should and nobody else, says why not, and never shows an
// older state after a newer one.
// Method: real keys, a virtual time, one table row for each refusal.
import { describe, expect, test } from 'vitest'
import { toBase64 } from '../../../../../src/core/gossip/app/base64.ts'
import { agentIdOf, toPem } from '../../../../../src/core/gossip/app/certificate.ts'
import { type AgentKey, octetsOf } from '../../../../../src/core/gossip/app/crypto.ts'
import { PEER, type ReceiverOutput } from '../../../../../src/core/gossip/app/outputs.ts'
import { serviceProof } from '../../../../../src/core/gossip/app/proofs.ts'
import type { Receiver } from '../../../../../src/core/gossip/app/receiver.ts'
import { signMessage } from '../../../../../src/core/gossip/app/sign.ts'
import type { ReportedBackend } from '../../../../../src/core/health/report.ts'
import {
  backend,
  converse,
  crypto,
  kindsOf,
  keyOf,
  lastReply,
  newPrivateKey,
  receiverOf,
  reporterOf,
  sends,
  settingsOf,
  START,
  textOf,
  TOKEN,
  YEAR,
} from '../../../../harness/agents.ts'

const key = keyOf()
const agentId = agentIdOf('eu', key.fingerprint)
const FROM = '10.9.9.9:7946'

interface Wish {
  readonly key?: AgentKey
  readonly agentId?: string
  readonly type?: string
  readonly payload?: Record<string, unknown>
  readonly boot?: number
  readonly seq?: number
  readonly beat?: number
  readonly fingerprint?: string
}

let beats = 1_000

/** A message signed as wished. */
function signed(wish: Wish = {}): Uint8Array {
  const by = wish.key ?? key
  return signMessage(
    {
      type: wish.type ?? 'heartbeat',
      agent_id: wish.agentId ?? agentId,
      region: 'eu',
      timestamp: new Date(START).toISOString(),
      payload: wish.payload ?? { backends: [wire()], fingerprint: '' },
      alg: by.algorithm,
      fingerprint: wish.fingerprint ?? by.fingerprint,
      node: 'agent-node',
      boot: wish.boot ?? START,
      seq: wish.seq ?? 1,
      beat: wish.beat ?? ++beats,
    },
    by,
  )
}

const wire = (over: Partial<ReportedBackend> = {}) => {
  const { service, address, port, weight, healthy } = backend(over)
  return { service, address, port, weight, healthy }
}

/** A receiver that has pinned `key`. */
function pinned(over: Parameters<typeof settingsOf>[0] = {}): Receiver {
  const receiver = receiverOf(over)
  enrol(receiver, key)
  return receiver
}

function enrol(
  receiver: Receiver,
  by: AgentKey,
  over: Record<string, unknown> = {},
  token = TOKEN,
  wish: Wish = {},
): readonly ReceiverOutput[] {
  const id = wish.agentId ?? agentIdOf('eu', by.fingerprint)
  const greeting = receiver.receive(signed({ key: by, agentId: id, ...wish }), FROM, START)
  const nonce = String(lastReply(greeting)['nonce'] ?? '')
  const of = { fingerprint: by.fingerprint, nonce, service: 'web', overwatch: 'ow1' }
  const payload = {
    certificate_pem: toBase64(octetsOf(toPem(by.certificate))),
    fingerprint: by.fingerprint,
    nonce,
    overwatch: 'ow1',
    proofs: [{ service: 'web', proof: serviceProof(crypto, token, of) }],
    ...over,
  }
  return receiver.receive(
    signed({ key: by, agentId: id, type: 'agent_auth', ...wish, payload }),
    FROM,
    START,
  )
}

const codeOf = (outputs: readonly ReceiverOutput[]) => {
  const reply = lastReply(outputs)
  return reply['code'] ?? (reply['refused'] as { code: string }[] | undefined)?.[0]?.code
}

const reports = (outputs: readonly ReceiverOutput[]) =>
  outputs.flatMap((output) => (output.kind === 'report' ? [output.report] : []))

describe('enrolment', () => {
  test('an unknown agent is challenged, pinned after its proof, and heard', () => {
    const receiver = receiverOf()
    const reporter = reporterOf({ key })
    reporter.setOverwatches([{ node: 'ow1', acks: true }], START)
    reporter.set({ backends: [backend()] }, START)
    const outputs = converse(reporter, receiver, START)
    expect(kindsOf(outputs)).toEqual(['reply', 'pinned', 'reply', 'report', 'reply'])
    expect(reports(outputs)[0]).toEqual({
      agentId,
      region: 'eu',
      boot: START - 100,
      seq: 1,
      atMs: START,
      backends: [backend()],
    })
    expect(receiver.trust.find(agentId)).toMatchObject({ services: ['web'], revoked: false })
    expect(reporter.status()).toMatchObject([{ node: 'ow1', heldSeq: 1, current: true }])
    expect(reporter.acknowledgedMs(1)).toBe(START)
  })

  test('a P-256 key, as the Go program makes it, enrols and signs', () => {
    const receiver = receiverOf()
    const reporter = reporterOf({ key: keyOf({ algorithm: 'p256' }) })
    reporter.setOverwatches([{ node: 'ow1', acks: true }], START)
    reporter.set({ backends: [backend()] }, START)
    expect(reports(converse(reporter, receiver, START))).toHaveLength(1)
  })

  test('without tokens nobody is admitted, and the key to set is named', () => {
    const receiver = receiverOf({ agentTokens: {} })
    const outputs = receiver.receive(signed(), FROM, START)
    expect(lastReply(outputs)).toMatchObject({ type: 'refused', code: 'unknown-service' })
    const [refusal] = outputs
    expect(refusal?.kind === 'refusal' && refusal.refusal.message).toContain(
      'set overwatch.agent_tokens.web',
    )
  })

  test.each([
    ['web', { web: TOKEN }, ['a.test', 'b.test'], true],
    ['web.a.test', { web: TOKEN }, ['a.test', 'b.test'], true],
    ['web', { 'web.a.test': TOKEN }, ['a.test'], true],
    ['web', { 'web.a.test': TOKEN }, ['a.test', 'b.test'], false],
    ['web.a.test', { 'web.b.test': TOKEN }, ['a.test', 'b.test'], false],
    ['WEB.A.test.', { 'web.a.test': TOKEN }, [], true],
    ['app.other.org', { web: TOKEN }, ['a.test'], false],
  ])(
    'a service %s under the tokens %j in zones %j is admitted: %s',
    (service, agentTokens, zones, yes) => {
      const receiver = receiverOf({ agentTokens, zones })
      const reporter = reporterOf({ key })
      reporter.setOverwatches([{ node: 'ow1', acks: true }], START)
      reporter.set({ backends: [backend({ service })] }, START)
      expect(reports(converse(reporter, receiver, START)).length > 0).toBe(yes)
    },
  )

  const enrolments: readonly [string, string, () => readonly ReceiverOutput[]][] = [
    ['a wrong token', 'bad-proof', () => enrol(receiverOf(), key, {}, 'another-token-entirely')],
    ['no proof at all', 'bad-proof', () => enrol(receiverOf(), key, { proofs: [] })],
    [
      'a service without a token',
      'unknown-service',
      () => enrol(receiverOf(), key, { proofs: [{ service: 'db', proof: 'AAAA' }] }),
    ],
    ['a nonce of nobody', 'stale-nonce', () => enrol(receiverOf(), key, { nonce: '0'.repeat(32) })],
    [
      'a proof for another overwatch',
      'stale-nonce',
      () => enrol(receiverOf(), key, { overwatch: 'x' }),
    ],
    [
      'a certificate that has ended',
      'expired-certificate',
      () => enrol(receiverOf(), keyOf({ notAfterMs: START - 1_000 })),
    ],
    [
      'a certificate of next week',
      'clock-off',
      () => enrol(receiverOf(), keyOf({ notBeforeMs: START + 7 * 86_400_000 })),
    ],
    [
      'no certificate',
      'bad-certificate',
      () => enrol(receiverOf(), key, { certificate_pem: 'AAAA' }),
    ],
    [
      'the certificate of another',
      'bad-certificate',
      () => {
        const other = toBase64(octetsOf(toPem(keyOf().certificate)))
        return enrol(receiverOf(), key, { certificate_pem: other })
      },
    ],
    [
      'an id of somebody else',
      'wrong-agent-id',
      () => enrol(receiverOf(), key, {}, TOKEN, { agentId: 'eu-000000000000' }),
    ],
    [
      'a key that was revoked under another name',
      'revoked',
      () => {
        const privateKey = newPrivateKey()
        const first = keyOf({ privateKey })
        const receiver = receiverOf()
        enrol(receiver, first)
        receiver.revoke(agentIdOf('eu', first.fingerprint), 'stolen', START)
        return enrol(receiver, keyOf({ privateKey }))
      },
    ],
  ]
  test.each(enrolments)('%s is refused as %s', (_what, code, run) => {
    const outputs = run()
    expect(codeOf(outputs)).toBe(code)
    expect(kindsOf(outputs)).not.toContain('pinned')
  })

  test('a challenge may be answered for half a minute, not after two', () => {
    for (const [laterMs, code] of [
      [30_000, undefined],
      [120_000, 'stale-nonce'],
    ] as const) {
      const receiver = receiverOf()
      const nonce = lastReply(receiver.receive(signed(), FROM, START))['nonce'] as string
      const of = { fingerprint: key.fingerprint, nonce, service: 'web', overwatch: 'ow1' }
      const payload = {
        certificate_pem: toBase64(octetsOf(toPem(key.certificate))),
        fingerprint: key.fingerprint,
        nonce,
        overwatch: 'ow1',
        proofs: [{ service: 'web', proof: serviceProof(crypto, TOKEN, of) }],
      }
      const answer = signed({ type: 'agent_auth', payload })
      expect(codeOf(receiver.receive(answer, FROM, START + laterMs))).toBe(code)
    }
  })

  test('the token never travels', () => {
    const receiver = receiverOf()
    const reporter = reporterOf({ key })
    const seen: string[] = []
    const spy = { receive: receiver.receive.bind(receiver) }
    receiver.receive = (bytes, from, nowMs) => {
      seen.push(new TextDecoder().decode(bytes))
      return spy.receive(bytes, from, nowMs)
    }
    reporter.setOverwatches([{ node: 'ow1', acks: true }], START)
    reporter.set({ backends: [backend()] }, START)
    converse(reporter, receiver, START)
    expect(seen.some((text) => text.includes('"agent_auth"'))).toBe(true)
    expect(seen.join()).not.toContain(TOKEN)
    expect(seen.join()).not.toContain(toBase64(octetsOf(TOKEN)).slice(0, 20))
  })
})

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

describe('who has a backend', () => {
  const second = keyOf()
  const secondId = agentIdOf('eu', second.fingerprint)
  const fromSecond = (wish: Wish = {}) => signed({ key: second, agentId: secondId, ...wish })

  test('the first agent keeps it while it is heard; then the other takes it over', () => {
    const receiver = pinned()
    enrol(receiver, second)
    receiver.receive(signed(), FROM, START)
    expect(codeOf(receiver.receive(fromSecond(), FROM, START))).toBe('backend-owned')
    expect(codeOf(receiver.receive(fromSecond(), FROM, START + 29_000))).toBe('backend-owned')
    const outputs = receiver.receive(fromSecond(), FROM, START + 31_000)
    expect(
      reports(outputs).map((report) => [report.agentId, report.judged, report.backends.length]),
    ).toEqual([
      [secondId, 1, 1],
      [agentId, 1, 0],
    ])
    expect(codeOf(receiver.receive(signed(), FROM, START + 32_000))).toBe('backend-owned')
  })

  test.each([
    [
      'leaves',
      (receiver: Receiver) =>
        receiver.receive(
          signed({ type: 'deregister', seq: 2, payload: { reason: '' } }),
          FROM,
          START,
        ),
    ],
    ['is revoked', (receiver: Receiver) => receiver.revoke(agentId, 'stolen', START)],
    ['is unpinned', (receiver: Receiver) => receiver.unpin(agentId, START)],
    ['is forgotten', (receiver: Receiver) => receiver.forget(agentId, START)],
  ])('when the first one %s the other has it at once', (_what, act) => {
    const receiver = pinned()
    enrol(receiver, second)
    receiver.receive(signed(), FROM, START)
    receiver.receive(fromSecond(), FROM, START)
    const told = reports(act(receiver))
    expect(told.map((report) => [report.agentId, report.backends.length])).toEqual([[secondId, 1]])
  })

  test('web and web.<zone> are one backend where there is one zone', () => {
    const receiver = pinned()
    enrol(receiver, second)
    receiver.receive(signed(), FROM, START)
    const payload = { backends: [wire({ service: 'web.example.com' })], fingerprint: '' }
    expect(codeOf(receiver.receive(fromSecond({ payload }), FROM, START))).toBe('backend-owned')
  })

  test('two silent agents do not take a backend from each other when settings change', () => {
    const receiver = pinned()
    enrol(receiver, second)
    receiver.receive(signed(), FROM, START)
    receiver.receive(fromSecond(), FROM, START)
    expect(receiver.configure(settingsOf(), START + 600_000)).toEqual([])
  })
})

describe('pins', () => {
  test('revoking takes out what the agent announced, at once and for good', () => {
    const receiver = pinned()
    receiver.receive(signed(), FROM, START)
    const outputs = receiver.revoke(agentId, 'stolen', START + 5)
    expect(kindsOf(outputs)).toEqual(['pinned', 'left'])
    expect(receiver.trust.find(agentId)).toMatchObject({
      revoked: true,
      revokedAtMs: START + 5,
      revokedReason: 'stolen',
    })
    expect(receiver.revoke('nobody', '', START)).toEqual([])
  })

  test('unpinning makes the next message a first contact, with a new key too', () => {
    const receiver = pinned()
    expect(kindsOf(receiver.unpin(agentId, START))).toEqual(['unpinned'])
    expect(lastReply(receiver.receive(signed(), FROM, START))['type']).toBe('challenge')
    expect(kindsOf(enrol(receiver, key))).toContain('pinned')
  })

  test('expiring lists what ends soon, soonest first, without the revoked', () => {
    const receiver = receiverOf()
    const keys = [20, 5, 90, 1].map((days) => keyOf({ notAfterMs: START + days * 86_400_000 }))
    for (const one of keys) enrol(receiver, one)
    receiver.revoke(agentIdOf('eu', keys[3]!.fingerprint), '', START)
    const soon = receiver.trust.expiring(30 * 86_400_000, START)
    expect(soon.map(({ notAfterMs }) => (notAfterMs - START) / 86_400_000)).toEqual([5, 20])
  })

  test('an overwatch that took the pin from another believes forwarded messages, silently', () => {
    const first = pinned()
    const bytes = signed()
    first.receive(bytes, FROM, START)
    const other = receiverOf({}, 'ow2')
    expect(other.receive(bytes, PEER, START)).toEqual([])
    other.importPin(first.trust.find(agentId)!, START)
    // The fence came with the pin, so the very message that set it is not new any more.
    const fresh = signed({ beat: ++beats })
    expect(kindsOf(other.receive(fresh, PEER, START))).toEqual(['report'])
    expect(other.rawOf(agentId)?.pages).toEqual([fresh])
  })

  test('a revocation that is imported takes the agent out', () => {
    const receiver = pinned()
    receiver.receive(signed(), FROM, START)
    const pin = receiver.trust.find(agentId)!
    const outputs = receiver.importPin({ ...pin, revoked: true, revokedAtMs: START }, START)
    expect(kindsOf(outputs)).toEqual(['left'])
    expect(codeOf(receiver.receive(signed(), FROM, START))).toBe('revoked')
    receiver.importPin(pin, START)
    expect(receiver.trust.find(agentId)?.revoked).toBe(true)
  })

  test('a pin whose certificate is another one is not taken', () => {
    const receiver = pinned()
    const pin = receiver.trust.find(agentId)!
    const other = receiverOf({}, 'ow2')
    const forged = { ...pin, certificatePem: toPem(keyOf().certificate) }
    expect(kindsOf(other.importPin(forged, START))).toEqual(['refusal'])
    expect(other.trust.find(agentId)).toBeUndefined()
  })

  test('a renewed key is introduced by the one before it, within one exchange', () => {
    const receiver = receiverOf()
    const reporter = reporterOf({ key })
    reporter.setOverwatches([{ node: 'ow1', acks: true }], START)
    reporter.set({ backends: [backend()] }, START)
    converse(reporter, receiver, START)
    const next = keyOf({ agentId })
    reporter.rotate(next, START + 1)
    reporter.set({ backends: [backend({ healthy: false })] }, START + 1)
    const outputs = converse(reporter, receiver, START + 1)
    expect(reports(outputs)[0]?.backends[0]?.healthy).toBe(false)
    expect(receiver.trust.find(agentId)?.fingerprint).toBe(next.fingerprint)
    // The old key counts no more.
    expect(codeOf(receiver.receive(signed(), FROM, START + 2))).toBe('other-key')
  })

  test('an agent whose key was renewed enrols at an overwatch that never knew the old one', () => {
    const receiver = receiverOf()
    const reporter = reporterOf({ key: keyOf({ agentId }), previousKey: key, agentId })
    reporter.setOverwatches([{ node: 'ow1', acks: true }], START)
    reporter.set({ backends: [backend()] }, START)
    expect(reports(converse(reporter, receiver, START))).toHaveLength(1)
  })

  test('a renewal that the new key did not sign is refused', () => {
    const receiver = pinned()
    const next = keyOf({ agentId })
    const payload = {
      certificate_pem: toBase64(octetsOf(toPem(next.certificate))),
      fingerprint: next.fingerprint,
      possession: toBase64(new Uint8Array(64)),
    }
    const outputs = receiver.receive(signed({ type: 'agent_auth', payload }), FROM, START)
    expect(codeOf(outputs)).toBe('bad-signature')
    expect(receiver.trust.find(agentId)?.fingerprint).toBe(key.fingerprint)
  })
})

describe('agents that sign nothing', () => {
  const plain = (over: Record<string, unknown> = {}, at = '12:00:00.000000001') =>
    octetsOf(
      JSON.stringify({
        type: 'heartbeat',
        agent_id: 'us-6ca5f88d2d98',
        region: 'us',
        timestamp: `2026-11-21T${at}Z`,
        payload: { backends: [wire({ service: 'any.service' })], fingerprint: '' },
        ...over,
      }),
    )

  test('are refused, and the setting that admits them is named', () => {
    const receiver = receiverOf()
    const [refusal] = receiver.receive(plain(), FROM, START)
    expect(refusal?.kind === 'refusal' && refusal.refusal).toMatchObject({
      code: 'unsigned',
      times: 1,
    })
    expect(JSON.stringify(refusal)).toContain('overwatch.gossip.allow_unsigned_agents')
    expect(receiver.unsigned).toBe(1)
  })

  test('are heard where that is allowed, in the order of their own time', () => {
    const receiver = receiverOf({ allowUnsigned: true })
    const first = receiver.receive(plain(), FROM, START)
    expect(reports(first)[0]).toMatchObject({
      agentId: 'us-6ca5f88d2d98',
      boot: START - 50,
      seq: 1,
    })
    const down = { payload: { backends: [wire({ service: 'any.service', healthy: false })] } }
    expect(
      reports(receiver.receive(plain(down, '12:00:02.5'), FROM, START + 2_500))[0],
    ).toMatchObject({
      seq: 2,
    })
    expect(receiver.receive(plain({}, '12:00:01'), FROM, START + 2_600)).toEqual([])
    const bare = { payload: { backends: null, fingerprint: '' } }
    expect(kindsOf(receiver.receive(plain(bare, '12:00:03'), FROM, START + 3_000))).toEqual([
      'seen',
    ])
  })

  test('may not speak for an agent that is pinned', () => {
    const receiver = pinned({ allowUnsigned: true })
    receiver.receive(plain({ agent_id: agentId }), FROM, START)
    expect(receiver.refusalCounts.get('unsigned-for-pinned')).toBe(1)
  })

  test('register and deregister single backends', () => {
    const receiver = receiverOf({ allowUnsigned: true })
    const one = { service: 'web', address: '10.0.0.7', port: 80, weight: 5 }
    const two = { ...one, port: 81 }
    const say = (type: string, payload: object, second: number) =>
      receiver.receive(plain({ type, payload }, `12:00:0${second}`), FROM, START + second * 1_000)
    expect(reports(say('register', one, 1))[0]?.backends).toMatchObject([
      { healthy: true, port: 80 },
    ])
    expect(reports(say('register', two, 2))[0]?.backends).toHaveLength(2)
    expect(reports(say('deregister', one, 3))[0]?.backends).toMatchObject([{ port: 81 }])
    expect(kindsOf(say('deregister', two, 4))).toEqual(['left'])
    expect(say('register', one, 2)).toEqual([])
  })

  test('are out at once when the setting is withdrawn', () => {
    const receiver = receiverOf({ allowUnsigned: true })
    receiver.receive(plain(), FROM, START)
    expect(kindsOf(receiver.configure(settingsOf(), START))).toEqual(['left'])
  })

  test('bring latencies too', () => {
    const receiver = receiverOf({ allowUnsigned: true })
    const payload = {
      backend: 'web',
      subnets: [
        {
          subnet: '10.99.0.0/24',
          ewma_ns: 17_000,
          sample_count: 1,
          last_seen: '2026-11-20T23:54:16.643636133Z',
        },
      ],
    }
    const [output] = receiver.receive(plain({ type: 'latency_report', payload }), FROM, START)
    expect(output).toMatchObject({
      kind: 'latency',
      service: 'web',
      rows: [{ subnet: '10.99.0.0/24', rttMs: 0.017, samples: 1 }],
    })
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
