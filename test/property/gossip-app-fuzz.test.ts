// Goal: no octets make an overwatch or an agent throw, and hostile ones leave nothing behind that
// grows.
// Method: a seeded mutator over real messages: octets flipped, cut, doubled and spliced, and the
// values of the JSON replaced and signed again, so that mutants pass the signature. OPENGSLB_FULL=1
// takes a million.
import { expect, test } from 'vitest'
import { agentIdOf, readCertificate } from '../../src/core/gossip/app/certificate.ts'
import { octetsOf } from '../../src/core/gossip/app/crypto.ts'
import { AgentMessages, prepareReport } from '../../src/core/gossip/app/messages.ts'
import { parseMeta } from '../../src/core/gossip/app/meta.ts'
import { parsePin } from '../../src/core/gossip/app/pins.ts'
import { parseReply, writeReply } from '../../src/core/gossip/app/replies.ts'
import { signMessage } from '../../src/core/gossip/app/sign.ts'
import { type Random, seededRandom } from '../../src/core/base/random.ts'
import {
  backend,
  converse,
  crypto,
  keyOf,
  receiverOf,
  reporterOf,
  START,
  textOf,
  TOKEN,
} from '../harness/agents.ts'

const full = process.env['OPENGSLB_FULL'] === '1'
const MUTANTS = full ? 1_000_000 : 100_000
const seed = Number(process.env['OPENGSLB_SEED'] ?? 20_262)
const FROM = '10.9.9.9:7946'

const key = keyOf()
const agentId = agentIdOf('eu', key.fingerprint)

function corpus(): Uint8Array[] {
  const self = { agentId, region: 'eu', node: 'n1', serviceToken: TOKEN }
  const messages = new AgentMessages(self, START, key, crypto)
  messages.previousKey = key
  messages.seq = 1
  const base = { overwatch: 'ow1', overwatchBoot: START, agentId, beat: 1, boot: START, seq: 1 }
  const challenge = {
    ...base,
    type: 'challenge',
    nonce: 'ab',
    fingerprint: key.fingerprint,
  } as const
  const rows = [{ subnet: '10.1.0.0/24', rttMs: 1, samples: 3, lastSeenMs: START }]
  const drain = { id: 'd', reason: 'r', by: 'api', sinceMs: START } as const
  const backends = [backend(), backend({ port: 81, drain })]
  const many = Array.from({ length: 300 }, (_item, port) => backend({ port: port + 1 }))
  return [
    ...messages.report(prepareReport({ backends }), START),
    ...messages.report(prepareReport({ backends: many }), START),
    messages.beatAlone(START),
    messages.leave('stop', START),
    messages.deregister(backend(), START),
    messages.introduce(START)!,
    ...messages.prove(challenge, ['web'], START),
    ...messages.latency('web', rows, START),
  ]
    .map(({ bytes }) => bytes)
    .filter(({ length }) => length < 8_000)
    .concat([
      writeReply(challenge),
      writeReply({ ...base, type: 'ack', refused: [{ code: 'revoked', message: 'm' }] }),
      writeReply({ ...base, type: 'refused', code: 'revoked', message: 'm', fingerprint: '' }),
      octetsOf('{"type":"x","agent_id":"a","entries":[{"subnet":"s","rtt_ms":1,"samples":1}]}'),
      octetsOf('{"role":"agent","version":"1.0.0","boot":1,"acks":1}'),
    ])
}

const SCRAPS = ['{', '}', '[', ']', '"', ',', ':', '\\', 'null', '-1', '1e999', '9007199254740993']
const VALUES = [
  null,
  true,
  '',
  'x'.repeat(300),
  -1,
  0,
  0.5,
  65_536,
  2 ** 53,
  1e300,
  [],
  {},
  [[[[[[[[[[[[[]]]]]]]]]]]]],
  [{}],
  '\u0000',
  '\ud800',
  '10.0.0.1',
  '::',
]

/** Octets changed anywhere. */
function bent(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = bytes.slice()
  for (let times = 1 + random.below(4); times > 0; times--)
    copy[random.below(copy.length)] = random.below(256)
  const at = random.below(copy.length)
  const kind = random.below(5)
  if (kind === 0) return copy.slice(0, at)
  if (kind === 1) return Uint8Array.from([...copy.slice(0, at), ...copy.slice(at >> 1)])
  if (kind === 2) {
    const scrap = octetsOf(SCRAPS[random.below(SCRAPS.length)]!)
    return Uint8Array.from([...copy.slice(0, at), ...scrap, ...copy.slice(at)])
  }
  return copy
}

/** A value somewhere in the object replaced; deeper with each turn. */
function swapped(value: unknown, random: Random): unknown {
  const isBranch = typeof value === 'object' && value !== null && Object.keys(value).length > 0
  if (!isBranch || random.below(4) === 0) return VALUES[random.below(VALUES.length)]
  if (Array.isArray(value)) {
    const at = random.below(value.length)
    return value.map((item, index) => (index === at ? swapped(item, random) : item))
  }
  const names = Object.keys(value)
  const name = names[random.below(names.length)]!
  return { ...value, [name]: swapped((value as Record<string, unknown>)[name], random) }
}

test('mutated messages, signed again or not, never throw and leave nothing that grows', () => {
  const random = seededRandom(seed)
  const signedReceiver = receiverOf({ allowUnsigned: true })
  const reporter = reporterOf({ key, boot: START })
  reporter.setOverwatches([{ node: 'ow1', acks: true }], START)
  reporter.set({ backends: [backend()] }, START)
  converse(reporter, signedReceiver, START)
  const pin = signedReceiver.trust.find(agentId)!
  const frames = corpus()
  const objects = frames.map((bytes) => JSON.parse(textOf(bytes)) as Record<string, unknown>)
  let accepted = 0
  for (let index = 0; index < MUTANTS; index++) {
    const nowMs = START + index
    const at = random.below(frames.length)
    // Signing costs most of the time, so one in ten is signed.
    const { sig: _, ...fixed } = objects[at]!
    // A start of its own, so that it is not refused as a replay before anything else is looked at.
    const object = { ...fixed, boot: START + index }
    const mutant =
      index % 10 === 0
        ? signMessage({ ...(swapped(object, random) as object), type: fixed['type'] ?? 0 }, key)
        : bent(frames[at]!, random)
    const outputs = signedReceiver.receive(mutant, index % 7 === 0 ? 'peer' : FROM, nowMs)
    accepted += outputs.filter(({ kind }) => kind === 'report' || kind === 'seen').length
    reporter.onMessage(mutant, nowMs)
    if (index % 16 === 0) {
      reporter.tick(nowMs)
      parseReply(mutant)
      parseMeta(mutant)
      parsePin(swapped(pin, random))
      readCertificate(bent(key.certificate, random))
      signedReceiver.sweep(nowMs)
    }
  }
  const { agents, pendingBytes } = signedReceiver.sizes
  expect(agents).toBeLessThanOrEqual(16_384)
  expect(pendingBytes).toBeLessThanOrEqual(65_536 * 64)
  // That mutants get through the outer gates at all shows that the inner ones were reached.
  expect(accepted).toBeGreaterThan(20)
}, 1_200_000)
