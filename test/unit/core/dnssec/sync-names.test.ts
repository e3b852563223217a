/**
 * Goal: a node that goes by another name holds up neither its own keys nor those of others, and
 * while a node of the old name lives nothing is taken from it.
 */
import { describe, expect, test } from 'vitest'
import { messageBytes, readMessage } from '../../../../src/core/dnssec/sync/codec.ts'
import { formerNames } from '../../../../src/core/dnssec/sync/names.ts'
import { KeyRing } from '../../../../src/core/dnssec/sync/ring.ts'
import type { Bundle, SyncMessage, TurnSettings } from '../../../../src/core/dnssec/sync/types.ts'
import { crypto } from '../../../harness/dnssec.ts'
import { plainPolicy, ZONE } from '../../../harness/dnssec-roll-world.ts'

const START = 1_800_000_000
const HOUR = 3_600

let drawn = 0

function ringOf(node: string, stored: readonly Bundle[] = [], writer = node): KeyRing {
  const newLineage = () => (++drawn).toString(16).padStart(32, '0')
  const holder = { node: writer, formerly: [] }
  const formerly = formerNames({ keys: [], rolls: stored.map(({ state }) => state), holder }, node)
  const ring = new KeyRing({ node, formerly, crypto, rsaBits: 2_048, newLineage }, stored)
  ring.setZones([{ zone: ZONE, policy: plainPolicy }])
  return ring
}

const turn = (ring: KeyRing, nowSeconds: number, more: Partial<TurnSettings> = {}) =>
  ring.turn({
    ...{ nowSeconds, startedSeconds: START, takeoverSeconds: 600, patienceSeconds: 14 * 86_400 },
    ...more,
  })

function copied(message: SyncMessage): SyncMessage {
  const read = readMessage(messageBytes(message))
  if (typeof read === 'string') throw new Error(read)
  return read
}

/** All that the two have to say to each other. */
function talk(a: KeyRing, b: KeyRing, nowSeconds: number): void {
  let message = a.request('', nowSeconds)
  for (let round = 0; round < 6; round++) {
    const { reply } = b.exchange(copied(message), nowSeconds)
    const next = a.exchange(copied(reply), nowSeconds)
    if (next.isDone) return
    message = next.reply
  }
}

const stateOf = (ring: KeyRing) => ring.zone(ZONE)!.bundle!.state
const bundleOf = (ring: KeyRing) => [ring.zone(ZONE)!.bundle!]

/** Nodes that serve a zone together, the first of whom leads. */
function together(...names: readonly string[]): KeyRing[] {
  const rings = names.map((name) => ringOf(name))
  const [first, ...others] = rings as [KeyRing, ...KeyRing[]]
  first.begin(ZONE, START - HOUR, { isProvisional: false })
  for (const ring of others) talk(ring, first, START - HOUR)
  turn(first, START - HOUR + 1)
  for (const ring of others) talk(ring, first, START - HOUR + 2)
  expect(stateOf(others.at(-1) ?? first).members).toEqual(names)
  return rings
}

describe('a node under another name', () => {
  test('leads what it led, when nobody else is configured', () => {
    const [one] = together('one')
    const again = ringOf('two', bundleOf(one!), 'one')
    const { events } = turn(again, START + 1, { isAlone: true, isTimeUnsure: true })
    expect(events.map(({ text }) => text)).toContain(
      'two leads the keys from now on: it was one before.',
    )
    turn(again, START + 2, { isAlone: true })
    expect(stateOf(again).members).toEqual(['two'])
  })

  test.each(['a-first', 'z-last'])('leads on among two, as %s', (name) => {
    const [lead, other] = together('lead', 'other')
    const again = ringOf(name, bundleOf(lead!), 'lead')
    for (let at = START; at < START + 1_200; at += 60) {
      talk(again, other!, at)
      turn(again, at)
      turn(other!, at)
    }
    expect([again, other!].map((ring) => ring.zone(ZONE)!.isLed)).toEqual([true, false])
    expect(stateOf(other!).members).toEqual(['other', name])
    expect(stateOf(other!).terms.at(-1)!.leader).toBe(name)
  })

  test('is waited for under that one alone', () => {
    const [lead, other] = together('lead', 'other')
    const again = ringOf('another', bundleOf(other!), 'other')
    for (let at = START; at < START + 1_200; at += 60) {
      talk(again, lead!, at)
      turn(lead!, at)
    }
    expect(stateOf(lead!).members).toEqual(['lead', 'another'])
  })

  test('leads nothing while a node of the old one is heard: its folder was copied', () => {
    const [lead] = together('lead')
    const copy = ringOf('copy', bundleOf(lead!), 'lead')
    for (let at = START; at < START + HOUR; at += 60) {
      talk(copy, lead!, at)
      turn(copy, at)
      turn(lead!, at)
    }
    expect([copy, lead!].map((ring) => ring.zone(ZONE)!.isLed)).toEqual([false, true])
    expect(stateOf(copy).members).toEqual(['lead', 'copy'])
  })

  test('that has its first one again is waited for under it, however long it is cut off', () => {
    const [lead, other] = together('lead', 'other')
    const renamed = ringOf('another', bundleOf(other!), 'other')
    talk(renamed, lead!, START)
    const back = ringOf('other', bundleOf(renamed), 'another')
    for (let at = START; at < START + 1_200; at += 60) {
      if (at === START + 60) talk(back, lead!, at)
      turn(lead!, at)
    }
    expect(stateOf(lead!).members).toEqual(['lead', 'other'])
  })

  test('does not lead without most of the others', () => {
    const [lead] = together('lead', 'b', 'c')
    const again = ringOf('new', bundleOf(lead!), 'lead')
    for (let at = START; at < START + HOUR; at += 60) turn(again, at, { isAlone: true })
    expect(again.zone(ZONE)!.isLed).toBe(false)
  })
})
