// Goal: a node refuses only while it knows that another one answers; else it is silent, and not for
// ever.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Lease, leaseMemory } from '../../../../src/core/cluster/lease.ts'
import type { Led } from '../../../../src/core/cluster/silence.ts'
import { Silence } from '../../../../src/core/cluster/silence.ts'

const LONGEST_MS = 10_000
const follows: Led = { role: 'follower', leave: 'none', isSuspect: false }
const suspects: Led = { ...follows, isSuspect: true }
const elects: Led = { role: 'candidate', leave: 'none', isSuspect: false }
const leads = (untilMs: number): Led => ({ role: 'leader', leave: untilMs, isSuspect: false })

describe('queries that may not be answered', () => {
  test('are refused before a leader was ever known: there is nothing to wait for', () => {
    const silence = new Silence(LONGEST_MS)
    expect(silence.until(elects, 100)).toBe(0)
    expect(silence.until(elects, 200)).toBe(0)
  })

  test('get no reply from the first word of a leader on that is not heard itself yet', () => {
    const silence = new Silence(LONGEST_MS)
    expect(silence.until(elects, 100)).toBe(0)
    expect(silence.until(suspects, 200)).toBe(200 + LONGEST_MS)
    expect(silence.until(elects, 300)).toBe(200 + LONGEST_MS)
  })

  test('are refused while another answers', () => {
    expect(new Silence(LONGEST_MS).until(follows, 100)).toBe(0)
  })

  test('get no reply from the suspicion on, counted from its beginning', () => {
    const silence = new Silence(LONGEST_MS)
    silence.until(follows, 100)
    expect(silence.until(suspects, 200)).toBe(200 + LONGEST_MS)
    expect(silence.until(elects, 900)).toBe(200 + LONGEST_MS)
  })

  test('are refused once it has lasted, and for good: moments come round after 25 days', () => {
    const silence = new Silence(LONGEST_MS)
    const lease = new Lease(leaseMemory())
    const isSilent = (nowMs: number) => {
      lease.hush(silence.until(suspects, nowMs))
      return lease.isSilent(nowMs)
    }
    expect(isSilent(200)).toBe(true)
    for (const day of [1, 24, 25, 49, 50]) expect(isSilent(day * 86_400_000)).toBe(false)
  })

  test('are refused again once the next leader is known, and the count begins anew', () => {
    const silence = new Silence(LONGEST_MS)
    silence.until(follows, 0)
    silence.until(suspects, 200)
    expect(silence.until(follows, 900)).toBe(0)
    expect(silence.until(suspects, 5_000)).toBe(5_000 + LONGEST_MS)
  })

  test('get no reply past the end of a lease, also when nobody says that it ended', () => {
    const silence = new Silence(LONGEST_MS)
    expect(silence.until(leads(350), 0)).toBe(350 + LONGEST_MS)
    expect(silence.until(elects, 350)).toBe(350 + LONGEST_MS)
  })

  test('are always refused where silence is set to 0', () => {
    const silence = new Silence(0)
    for (const led of [leads(350), follows, suspects, elects])
      expect(silence.until(led, 100)).toBe(0)
  })
})

test('a node that knew a leader is silent or refuses with a leader known, whatever came before', () => {
  const step = fc.record({
    led: fc.constantFrom(follows, suspects, elects, leads(1_000_000)),
    waitMs: fc.nat(3_000),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const silence = new Silence(LONGEST_MS)
      let [nowMs, lostMs] = [1, Number.NaN]
      silence.until(follows, nowMs)
      for (const { led, waitMs } of steps) {
        nowMs += waitMs
        const isLed = led === follows || led.role === 'leader'
        if (isLed) lostMs = Number.NaN
        else if (Number.isNaN(lostMs)) lostMs = nowMs
        const isSilent = silence.until(led, nowMs) > nowMs
        if (led.role === 'leader') expect(isSilent).toBe(true)
        else expect(isSilent).toBe(!isLed && nowMs < lostMs + LONGEST_MS)
      }
    }),
  )
})
