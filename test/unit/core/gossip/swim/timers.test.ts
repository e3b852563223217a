/**
 * The formulas of the protocol, and the timers that follow them.
 */
import { describe, expect, test } from 'vitest'
import { Awareness } from '../../../../../src/core/gossip/swim/awareness.ts'
import {
  confirmationsWanted,
  exchangeIntervalMs,
  profiles,
  suspicionBounds,
  suspicionMs,
  transmissionsWanted,
} from '../../../../../src/core/gossip/swim/settings.ts'
import { alive, at, Lab, suspect } from './lab.ts'

const { lan, wan, local } = profiles

describe('formulas', () => {
  test.each([
    [lan, 1, 4_000, 24_000],
    [lan, 10, 4_000, 24_000],
    // log10(50) is 1.69897, cut to 1.698.
    [lan, 50, 6_792, 40_752],
    [lan, 1_000, 12_000, 72_000],
    [wan, 100, 60_000, 360_000],
    [local, 3, 3_000, 18_000],
  ])('suspicion of profile %# lasts within bounds', (settings, n, minMs, maxMs) => {
    expect(suspicionBounds(settings, n)).toEqual({ minMs, maxMs })
  })

  test.each([
    [lan, 3, 0],
    [lan, 4, 2],
    [lan, 1_000, 2],
    [wan, 5, 0],
    [wan, 6, 4],
    [local, 2, 0],
    [local, 3, 1],
  ])('confirmations of profile %# in a cluster', (settings, n, wanted) => {
    expect(confirmationsWanted(settings, n)).toBe(wanted)
  })

  // The table of Lifeguard's logarithm for bounds of 2 s and 30 s and three confirmations.
  test.each([
    [0, 30_000],
    [1, 16_000],
    [2, 7_810],
    [3, 2_000],
    [4, 2_000],
  ])('%i confirmations of 3 leave %i ms', (confirmed, expected) => {
    expect(suspicionMs({ minMs: 2_000, maxMs: 30_000 }, confirmed, 3)).toBe(expected)
  })

  test.each([
    [1, 4],
    [9, 4],
    [10, 8],
    [99, 8],
    [100, 12],
    [1_000, 16],
  ])('%i members send each news %i times', (n, times) => {
    expect(transmissionsWanted(lan, n)).toBe(times)
  })

  test.each([
    [1, 30_000],
    [32, 30_000],
    [33, 60_000],
    [64, 60_000],
    [65, 90_000],
    [1_000, 180_000],
  ])('%i members exchange every %i ms', (n, ms) => {
    expect(exchangeIntervalMs(lan, n)).toBe(ms)
  })

  test('awareness stays within its bounds and stretches times', () => {
    const awareness = new Awareness(8)
    awareness.apply(-3)
    expect(awareness.score).toBe(0)
    awareness.apply(2)
    expect(awareness.scaleMs(1_000)).toBe(3_000)
    awareness.apply(100)
    expect(awareness.score).toBe(7)
  })
})

describe('a suspicion', () => {
  const cluster = () => {
    const lab = new Lab()
    lab.hear(['b', 'c', 'd', 'e', 'f'].map((name) => alive(name)))
    lab.hear(suspect('b', 1, 'c'))
    lab.events()
    return lab
  }
  /** When `b` fails, in ms from the start. It answers our pings, which clears nobody. */
  const failsAt = (lab: Lab): number => {
    for (let ms = 0; ms < 40_000; ms += 10) {
      if (lab.state('b').startsWith('dead')) return lab.nowMs
      answerPings(lab)
      lab.pass(10)
    }
    return Number.POSITIVE_INFINITY
  }

  test.each([
    ['lasts longest without confirmation', [], 24_000],
    ['is not confirmed by its accuser', ['c', 'c'], 24_000],
    ['is confirmed once by one other', ['d', 'd', 'd'], 11_382],
    ['is shortest with as many as are wanted', ['d', 'e'], 4_000],
    ['counts no more than that', ['d', 'e', 'f'], 4_000],
  ] as const)('%s', (_title, accusers, expected) => {
    const lab = cluster()
    for (const from of accusers) lab.hear(suspect('b', 1, from))
    const failedMs = failsAt(lab)
    expect(failedMs).toBeGreaterThanOrEqual(expected)
    expect(failedMs).toBeLessThanOrEqual(expected + 10)
  })

  test('of a newer incarnation starts anew: its refutation of the older one was only missed', () => {
    const lab = cluster()
    lab.hear([suspect('b', 1, 'd'), suspect('b', 1, 'e')]).pass(3_500)
    lab.hear([suspect('b', 2, 'd'), suspect('b', 2, 'e'), suspect('b', 2, 'f')])
    expect(lab.pass(3_900).state('b')).toBe('suspect 2')
    expect(lab.pass(200).state('b')).toBe('dead 2')
    expect(lab.events().filter((event) => event.endsWith(' b'))).toEqual(['failed b'])
  })

  test('is told on when an accuser is new, and only then', () => {
    const lab = cluster()
    lab.pass(3_000)
    const waiting = () => lab.membership.counts.newsWaiting
    expect(waiting()).toBe(0)
    expect(lab.hear(suspect('b', 1, 'c')) && waiting()).toBe(0)
    expect(lab.hear(suspect('b', 1, 'd')) && waiting()).toBe(1)
    lab.pass(3_000)
    expect(lab.hear(suspect('b', 1, 'd')) && waiting()).toBe(0)
  })

  test('ends a probe timeout after a confirmation that comes after its shortest time', () => {
    const lab = cluster()
    for (let ms = 0; ms < 6_000; ms += 10) {
      answerPings(lab)
      lab.pass(10)
    }
    expect(lab.state('b')).toBe('suspect 1')
    lab.packets()
    lab.hear([suspect('b', 1, 'd'), suspect('b', 1, 'e')]).pass(0)
    // Others are asked before it is declared dead: one may have heard a refutation.
    const asked = lab
      .packets()
      .filter(({ messages: [first] }) => first?.type === 'suspect' && first.from === 'c')
    expect(asked.map(({ messages }) => messages[0])).toEqual(Array(3).fill(suspect('b', 1, 'c')))
    expect(lab.pass(490).state('b')).toBe('suspect 1')
    expect(lab.pass(20).state('b')).toBe('dead 1')
  })

  test('that few share is told to the accused again before it ends', () => {
    const lab = cluster()
    let warnings = 0
    for (let ms = 0; ms < 24_500; ms += 10) {
      warnings += answerPings(lab)
      lab.pass(10)
    }
    expect(lab.state('b')).toBe('dead 1')
    expect(warnings).toBeGreaterThanOrEqual(3)
    expect(warnings).toBeLessThanOrEqual(7)
  })
})

/**
 * Answers the pings that wait, so that our own probes accuse nobody, and returns how often the
 * accused was told to its face.
 */
function answerPings(lab: Lab): number {
  let warnings = 0
  for (const { to, messages } of lab.packets()) {
    const [first] = messages
    if (first?.type === 'suspect' && to.addr[3] === at('b').addr[3]) warnings++
    if (first?.type !== 'ping') continue
    const acked = { type: 'ack', seqNo: first.seqNo, payload: new Uint8Array() } as const
    lab.hear(acked, String.fromCharCode(to.addr[3]!))
  }
  return warnings
}
