// Goal: rate limiting holds back what a plain model of credit says, whoever asks what and when.
// Method: random sequences of queries against a model with one exact account for each network and
// name; then the same with a table so small that accounts merge, which may only hold back more.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rateMemoryBytes, type RateSettings } from '../../src/core/dns/response-rate.ts'
import { buildQuery } from '../harness/dns-query.ts'
import { authorityOf, snapshotOf } from '../harness/dns-world.ts'

interface Ask {
  readonly waitMs: number
  readonly network: number
  readonly host: number
  readonly name: number
}

const asks = fc.array(
  fc.record({
    waitMs: fc.constantFrom(0, 0, 0, 10, 250, 1_000, 4_000),
    network: fc.nat(3),
    host: fc.nat(255),
    name: fc.nat(2),
  }),
  { minLength: 1, maxLength: 200 },
)

const settings = fc.record({
  // Parts of a second that binary fractions hold exactly, so that model and code agree to the bit.
  responsesPerSecond: fc.constantFrom(1, 2, 4, 8, 125),
  slip: fc.nat(3),
  windowSeconds: fc.constantFrom(1, 3, 15),
})

const QUERIES = [0, 1, 2].map((name) => buildQuery({ name: `n${name}.example.com`, type: 'A' }))
const SNAPSHOT = snapshotOf({
  zones: { 'example.com': 'n0 A 192.0.2.1\nn1 A 192.0.2.2\nn2 A 192.0.2.3' },
})

type Fate = 'sent' | 'slipped' | 'dropped'

function played(rate: Partial<RateSettings>, buckets: number, sequence: readonly Ask[]): Fate[] {
  const rateLimit: RateSettings = {
    responsesPerSecond: 1,
    slip: 0,
    windowSeconds: 1,
    ipv4PrefixBits: 24,
    ipv6PrefixBits: 56,
    exemptNetworks: [],
    ...rate,
  }
  const authority = authorityOf({ rateLimit }, 64, undefined, rateMemoryBytes(buckets))
  authority.applySnapshot(SNAPSHOT)
  const out = new Uint8Array(512)
  let nowMs = 1e12
  return sequence.map(({ waitMs, network, host, name }) => {
    nowMs += waitMs
    authority.tick(nowMs)
    const client = { bytes: Uint8Array.of(198, 51, network, host), transport: 'udp' } as const
    const query = QUERIES[name]!
    const written = authority.answer(query, 0, query.length, out, 0, client)
    if (written === 0) return 'dropped'
    return (out[2]! & 2) === 0 ? 'sent' : 'slipped'
  })
}

function model(rate: Partial<RateSettings>, sequence: readonly Ask[]): Fate[] {
  const { responsesPerSecond = 1, slip = 0, windowSeconds = 1 } = rate
  const accounts = new Map<string, { credit: number; atMs: number; held: number }>()
  let nowMs = 0
  return sequence.map(({ waitMs, network, name }) => {
    nowMs += waitMs
    const key = `${network}/${name}`
    const account = accounts.get(key) ?? { credit: responsesPerSecond, atMs: nowMs, held: 0 }
    accounts.set(key, account)
    const earned = ((nowMs - account.atMs) * responsesPerSecond) / 1_000
    account.credit = Math.min(responsesPerSecond, account.credit + earned) - 1
    account.atMs = nowMs
    const sent = account.credit >= 0
    const least = responsesPerSecond * (1 - windowSeconds)
    account.credit = Math.max(account.credit, least)
    if (sent) return 'sent'
    account.held++
    return slip > 0 && account.held % slip === 0 ? 'slipped' : 'dropped'
  })
}

test('replies are sent, truncated and dropped as the model says', () => {
  fc.assert(
    fc.property(settings, asks, (rate, sequence) => {
      expect(played(rate, 131_072, sequence)).toEqual(model(rate, sequence))
    }),
    { numRuns: 500 },
  )
})

test('accounts that share a count are only held back more', () => {
  fc.assert(
    fc.property(settings, asks, (rate, sequence) => {
      const apart = model(rate, sequence)
      for (const [turn, fate] of played(rate, 1, sequence).entries())
        if (fate === 'sent') expect(apart[turn]).toBe('sent')
    }),
    { numRuns: 300 },
  )
})
