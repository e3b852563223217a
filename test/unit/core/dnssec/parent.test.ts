/** Goal: what the parent shows is read right, and nothing that is sent instead is believed. */
import { encode } from 'dns-packet'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../../src/core/base/random.ts'
import { rdataOfKey } from '../../../../src/core/dnssec/dnskey.ts'
import { dsRdata } from '../../../../src/core/dnssec/ds.ts'
import { nameToWire } from '../../../../src/core/dns/names.ts'
import { dsOfReply, lookOf } from '../../../../src/core/dnssec/parent/look.ts'
import {
  type Question,
  questionBytes,
  readReply,
  withDrawnCase,
} from '../../../../src/core/dnssec/parent/message.ts'
import { keyIdOf } from '../../../../src/core/dnssec/roll/begin.ts'
import { crypto, keyFor } from '../../../harness/dnssec.ts'

const ZONE = 'gslb.example.com'
const wire = nameToWire(ZONE)
if (!wire.ok) throw new Error(wire.error)
const name = withDrawnCase(wire.value, new Uint8Array([0b1010_0101]))
const asked: Question = { id: 77, name, type: 43, isRecursionDesired: false }
const key = keyFor(13)
const AUTHORITATIVE = 1 << 10

/** The reply of a server: its question repeated, with these records. */
function replyOf(
  rdatas: readonly Uint8Array[],
  more: { flags?: number; soa?: string; id?: number } = {},
): Uint8Array {
  const soa = { mname: 'ns', rname: 'h', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 30 }
  const bytes = encode({
    type: 'response',
    id: more.id ?? asked.id,
    flags: more.flags ?? AUTHORITATIVE,
    questions: [{ type: 'DS', name: ZONE }],
    answers: rdatas.map((rdata) => ({
      type: 'DS' as const,
      name: ZONE,
      ttl: 3_600,
      data: {
        keyTag: (rdata[0]! << 8) | rdata[1]!,
        algorithm: rdata[2]!,
        digestType: rdata[3]!,
        digest: Buffer.from(rdata.subarray(4)),
      },
    })),
    authorities: [{ type: 'SOA', name: more.soa ?? 'example.com', ttl: 60, data: soa }],
  })
  const octets = new Uint8Array(bytes)
  octets.set(name, 12)
  return octets
}

const read = (bytes: Uint8Array) => {
  const reply = readReply(bytes, asked)
  if (!reply.ok) throw new Error(reply.error)
  return reply.value
}

const ds = (type: 2 | 4) => dsRdata(name, rdataOfKey(key), type, crypto)

describe('a look at the parent', () => {
  test('finds the keys that DS records speak of, and names those that are not ours', () => {
    const foreign = new Uint8Array([0x30, 0x39, 8, 2, ...new Uint8Array(32)])
    const reply = read(replyOf([ds(2), ds(4), foreign]))
    const look = lookOf(ZONE, [{ server: 'ns1', reply }], [key], crypto, 5)
    expect(look).toEqual({
      atSeconds: 5,
      isComplete: true,
      sets: [['?8:12345', keyIdOf(key, crypto)].sort()],
      ttlSeconds: 3_600,
    })
  })

  test('is not complete when a server said nothing, unless another address of it did', () => {
    const reply = read(replyOf([ds(2)]))
    const one = [{ server: 'ns1', reply }, { server: 'ns1' }]
    expect(lookOf(ZONE, one, [key], crypto, 5)?.isComplete).toBe(true)
    expect(lookOf(ZONE, [...one, { server: 'ns2' }], [key], crypto, 5)?.isComplete).toBe(false)
    expect(lookOf(ZONE, [{ server: 'ns2' }], [key], crypto, 5)).toBeUndefined()
  })

  test('believes a "no" of the parent alone, and only one with authority', () => {
    expect(dsOfReply(read(replyOf([])), ZONE)).toEqual({ rdatas: [], ttlSeconds: 30 })
    expect(dsOfReply(read(replyOf([], { soa: ZONE })), ZONE)).toBeUndefined()
    expect(dsOfReply(read(replyOf([], { flags: 0 })), ZONE)).toBeUndefined()
    expect(dsOfReply(read(replyOf([], { flags: AUTHORITATIVE | 2 })), ZONE)).toBeUndefined()
    expect(dsOfReply(read(replyOf([ds(2)], { flags: 0 })), ZONE)).toBeUndefined()
  })
})

describe('a reply', () => {
  test('to another question is not ours: another id, or letters in another case', () => {
    expect(readReply(replyOf([], { id: 78 }), asked)).toEqual({ ok: false, error: 'not-ours' })
    const other = replyOf([])
    other.set(wire.ok ? wire.value : name, 12)
    expect(readReply(other, asked)).toEqual({ ok: false, error: 'not-ours' })
    expect(readReply(questionBytes(asked), asked)).toEqual({ ok: false, error: 'not-ours' })
  })

  test('with octets bent or cut anywhere is read or refused, and never throws', () => {
    const whole = replyOf([ds(2), ds(4)])
    const random = seededRandom(1)
    for (let length = 0; length < whole.length; length++)
      expect(() => readReply(whole.subarray(0, length), asked)).not.toThrow()
    for (let turn = 0; turn < 5_000; turn++) {
      const bent = whole.slice()
      for (let bend = 0; bend < 3; bend++) bent[random.below(bent.length)] = random.below(256)
      expect(() => readReply(bent, asked)).not.toThrow()
    }
  })

  test('whose names point in a circle is refused', () => {
    const whole = replyOf([ds(2)])
    // The owner of the answer points at itself.
    const at = 12 + name.length + 4
    const looped = whole.slice()
    looped.set([0xc0, at], at)
    expect(readReply(looped, asked)).toEqual({ ok: false, error: 'malformed' })
  })
})
