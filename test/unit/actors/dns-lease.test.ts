// Goal: in cluster mode each query is answered or refused by the lease of that very moment.
// Method: the real authority behind `answering`, a clock that moves between two queries.
import { describe, expect, test } from 'vitest'
import { answering } from '../../../src/actors/dns/answering.ts'
import { DnsMeters } from '../../../src/actors/dns/metrics.ts'
import { Lease, leaseMemory } from '../../../src/core/cluster/lease.ts'
import { AskerCounts } from '../../../src/core/dns/askers.ts'
import { Authority } from '../../../src/core/dns/authority.ts'
import { SampleRing } from '../../../src/core/dns/samples.ts'
import { outcomeOf, outcomes } from '../../../src/core/dns/outcomes.ts'
import { fakeCtx } from '../../harness/ctx.ts'
import { decodeReply } from '../../harness/dns-decode.ts'
import { buildQuery } from '../../harness/dns-query.ts'
import { servingSetOf } from '../../harness/dns-world.ts'

const PARTS = {
  zones: { 'example.com': '@ NS ns1\nns1 A 192.0.2.53' },
  pools: [{ name: 'app.example.com', zone: 'example.com', addresses: ['192.0.2.1'] }],
}

function node(isClustered = true) {
  const { ctx, clock } = fakeCtx('dns')
  const turns = new Uint32Array(new SharedArrayBuffer(64))
  const authority = new Authority({
    ...{ udpPayloadSize: 1232, nsid: 'one', versionString: '', tcpIdleTimeoutMs: 0 },
    ...{ turns, hashSeed: 77 },
  })
  const { epoch, version, parts, words } = servingSetOf(PARTS, 77)
  const copy = Uint8Array.prototype.slice.call(words)
  authority.applyServing(epoch, version, parts, new Uint32Array(copy.buffer))
  const memory = leaseMemory()
  const samples = new SampleRing(0)
  const meters = new DnsMeters(ctx.metrics, () => () => {})
  meters.rename(authority.serving!)
  const answer = answering({
    ...{ authority, samples, clock, tick: () => {} },
    ...{ meters, askers: new AskerCounts() },
    lease: isClustered ? new Lease(memory) : undefined,
  })
  const out = new Uint8Array(1232)
  const client = { bytes: Uint8Array.of(192, 0, 2, 9), transport: 'udp' } as const
  const ask = (name = 'app.example.com', qclass = 1, type = 'A') => {
    const query = buildQuery({ name, type, qclass, edns: {} })
    const written = answer(query, 0, query.length, out, 0, client)
    return decodeReply(out.slice(0, written))
  }
  /** Octets of the reply; 0: none. */
  const replied = (name = 'app.example.com', qclass = 1, type = 'A') => {
    const query = buildQuery({ name, type, qclass, edns: {} })
    return answer(query, 0, query.length, out, 0, client)
  }
  const outcome = () => outcomes[outcomeOf(authority.last)]
  return { ask, replied, outcome, clock, lease: new Lease(memory) }
}

describe('a node of a cluster', () => {
  test('refuses before it was ever given leave, and says why', () => {
    const { ask, outcome } = node()
    const reply = ask()
    expect([reply.rcode, outcome()]).toEqual(['REFUSED', 'not-leader'])
  })

  test('answers until the deadline and refuses from it on, query by query', () => {
    const { ask, clock, lease } = node()
    lease.grant(clock.monotonicMs() + 350)
    const seen = [349, 1, 1].map((ms) => {
      clock.advance(ms)
      return ask().rcode
    })
    expect(seen).toEqual(['NOERROR', 'REFUSED', 'REFUSED'])
  })

  test('gives no reply while it is silent, refuses after that, and answers with a lease', () => {
    const { ask, replied, outcome, clock, lease } = node()
    lease.hush(clock.monotonicMs() + 100)
    expect([replied(), outcome()]).toEqual([0, 'no-leader'])
    lease.grant(clock.monotonicMs() + 50)
    expect(ask().rcode).toBe('NOERROR')
    clock.advance(60)
    expect(replied()).toBe(0)
    clock.advance(60)
    expect(ask().rcode).toBe('REFUSED')
  })

  test('has a refusal wait where the same is asked again at once while a leader is heard', () => {
    const { replied, clock, lease } = node()
    expect([replied(), replied()].map(Math.sign)).toEqual([1, 1])
    lease.hear()
    clock.advance(1_000)
    const written = replied()
    expect(written).toBeGreaterThan(0)
    expect(replied()).toBe(-written)
    expect(Math.sign(replied('api.example.com'))).toBe(1)
    lease.grant(clock.monotonicMs() + 50)
    expect(Math.sign(replied())).toBe(1)
    lease.revoke()
    lease.deafen()
    expect(Math.sign(replied())).toBe(1)
  })

  test('has no refusal wait that has another reason', () => {
    const { replied, lease } = node()
    lease.hear()
    const chaos = () => replied('no.server', 3, 'TXT')
    expect([chaos(), chaos()].map(Math.sign)).toEqual([1, 1])
  })

  test('still tells its name while it is silent', () => {
    const { ask, clock, lease } = node()
    lease.hush(clock.monotonicMs() + 100)
    expect(ask('id.server', 3, 'TXT').rcode).toBe('NOERROR')
  })

  test('answers again once the lease is renewed', () => {
    const { ask, clock, lease } = node()
    lease.grant(clock.monotonicMs() + 10)
    clock.advance(20)
    expect(ask().rcode).toBe('REFUSED')
    lease.grant(clock.monotonicMs() + 10)
    expect(ask().rcode).toBe('NOERROR')
  })

  test('still tells those who look at it what it is called', () => {
    const { ask } = node()
    expect(ask('id.server', 3, 'TXT').rcode).toBe('NOERROR')
  })
})

test('a node that is alone asks no lease', () => {
  expect(node(false).ask().rcode).toBe('NOERROR')
})
