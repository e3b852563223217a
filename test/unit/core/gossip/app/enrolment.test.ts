// Goal: an overwatch admits agents that prove their right to a service, and nobody else, and says
// why not.
// Method: real keys, a virtual time, one table row for each refusal.
import { describe, expect, test } from 'vitest'
import { toBase64 } from '../../../../../src/core/gossip/app/base64.ts'
import { agentIdOf, toPem } from '../../../../../src/core/gossip/app/certificate.ts'
import { octetsOf } from '../../../../../src/core/gossip/app/crypto.ts'
import { PEER, type ReceiverOutput } from '../../../../../src/core/gossip/app/outputs.ts'
import { serviceProof } from '../../../../../src/core/gossip/app/proofs.ts'
import {
  agentId,
  codeOf,
  enrol,
  FROM,
  key,
  reports,
  signed,
} from '../../../../harness/agent-frames.ts'
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
  START,
  TOKEN,
} from '../../../../harness/agents.ts'

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

  test('a certificate shown by someone without its key is refused', () => {
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
    const wish = { type: 'agent_auth', payload, fingerprint: key.fingerprint }
    expect(codeOf(receiver.receive(signed({ ...wish, key: keyOf() }), FROM, START))).toBe(
      'bad-signature',
    )
    expect(receiver.receive(signed(wish), PEER, START)).toEqual([])
    expect(receiver.trust.size).toBe(0)
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
