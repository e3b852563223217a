// Goal: a backend has one owner, and keys are revoked, unpinned, renewed and passed on with effect
// at once.
// Method: two agents with real keys, overwatches that pass pins and messages on.
import { describe, expect, test } from 'vitest'
import { toBase64 } from '../../../../../src/core/gossip/app/base64.ts'
import { agentIdOf, toPem } from '../../../../../src/core/gossip/app/certificate.ts'
import { octetsOf } from '../../../../../src/core/gossip/app/crypto.ts'
import { PEER, type ReceiverOutput } from '../../../../../src/core/gossip/app/outputs.ts'
import type { Receiver } from '../../../../../src/core/gossip/app/receiver.ts'
import {
  agentId,
  codeOf,
  enrol,
  FROM,
  key,
  nextBeat,
  pinned,
  reports,
  signed,
  type Wish,
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
  settingsOf,
  START,
} from '../../../../harness/agents.ts'

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
    expect(reports(outputs).map((report) => [report.agentId, report.backends.length])).toEqual([
      [secondId, 1],
      [agentId, 0],
    ])
    // Nobody has heard the first one: its report is as old as its last word.
    expect(reports(outputs).map(({ atMs }) => atMs - START)).toEqual([31_000, 0])
    const isAgain = (output: ReceiverOutput) => output.kind === 'report' && output.again === true
    expect(outputs.filter(isAgain)).toHaveLength(2)
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
    const fresh = signed({ beat: nextBeat() })
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
