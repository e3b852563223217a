/**
 * Goal: a node that lives and serves a zone no more holds up nothing of it, whether it led its keys
 * or not, and is a node of the zone again once it serves it.
 */
import { describe, expect, test } from 'vitest'
import { KeyRing } from '../../../../src/core/dnssec/sync/ring.ts'
import { crypto } from '../../../harness/dnssec.ts'
import { plainPolicy, ZONE } from '../../../harness/dnssec-roll-world.ts'

const START = 1_800_000_000
const OTHER = 'another.example'

let drawn = 0

function ringOf(node: string): KeyRing {
  const newLineage = () => (++drawn).toString(16).padStart(32, '0')
  const ring = new KeyRing({ node, crypto, rsaBits: 2_048, newLineage })
  serve(ring, ZONE, OTHER)
  return ring
}

const serve = (ring: KeyRing, ...zones: readonly string[]) =>
  ring.setZones(zones.map((zone) => ({ zone, policy: plainPolicy })))

function talk(a: KeyRing, b: KeyRing, nowSeconds: number): void {
  let message = a.request('', nowSeconds)
  for (let round = 0; round < 6; round++) {
    const { reply } = b.exchange(message, nowSeconds)
    const next = a.exchange(reply, nowSeconds)
    if (next.isDone) return
    message = next.reply
  }
}

const stateOf = (ring: KeyRing, zone = ZONE) => ring.zone(zone)!.bundle!.state

/** Two nodes, the first of whom leads, over some time. */
class Pair {
  readonly a = ringOf('a')
  readonly b = ringOf('b')
  nowSeconds = START

  constructor() {
    for (const zone of [ZONE, OTHER]) this.a.begin(zone, START, { isProvisional: false })
    this.pass(300)
    expect(stateOf(this.a).members).toEqual(['a', 'b'])
  }

  pass(seconds: number): void {
    for (const end = this.nowSeconds + seconds; this.nowSeconds < end; this.nowSeconds += 60) {
      for (const ring of [this.a, this.b]) {
        for (const zone of ring.names()) {
          const state = ring.zone(zone)?.bundle?.state
          if (state !== undefined) ring.zone(zone)!.served(state.lineage, state.version)
        }
        talk(ring, ring === this.a ? this.b : this.a, this.nowSeconds)
        const times = { takeoverSeconds: 600, patienceSeconds: 14 * 86_400 }
        ring.turn({ nowSeconds: this.nowSeconds, startedSeconds: START, ...times })
      }
    }
  }
}

describe('a node that lives and serves a zone no more', () => {
  test('holds no rollover up', () => {
    const pair = new Pair()
    serve(pair.b, OTHER)
    pair.a.command(ZONE, { isEmergency: false }, pair.nowSeconds)
    pair.pass(300)
    expect(stateOf(pair.a).members).toEqual(['a', 'b'])
    pair.pass(600)
    expect([stateOf(pair.a), stateOf(pair.a, OTHER)].map(({ members }) => members)).toEqual([
      ['a'],
      ['a', 'b'],
    ])
    // The new key works beside the old one, which takes all nodes of the zone.
    pair.pass(4 * 3_600)
    expect(stateOf(pair.a).keys.filter((key) => key.signsZone && key.isPublished)).toHaveLength(1)
    expect(stateOf(pair.a).keys.at(-1)).toMatchObject({ signsKeys: true, isPublished: true })
  })

  test('leads it no more', () => {
    const pair = new Pair()
    serve(pair.a, OTHER)
    pair.pass(1_200)
    expect(pair.b.zone(ZONE)!.isLed).toBe(true)
    expect(stateOf(pair.b).members).toEqual(['b'])
    expect(pair.a.zone(OTHER)!.isLed).toBe(true)
  })

  test('is a node of it again once it serves it, with the keys of then', () => {
    const pair = new Pair()
    serve(pair.a, OTHER)
    pair.pass(1_200)
    pair.b.command(ZONE, { isEmergency: false }, pair.nowSeconds)
    serve(pair.a, OTHER, ZONE)
    pair.pass(600)
    expect(stateOf(pair.b).members).toEqual(['b', 'a'])
    expect(stateOf(pair.a)).toEqual(stateOf(pair.b))
  })

  test('may have made a mistake: a short one changes nothing', () => {
    const pair = new Pair()
    serve(pair.a, OTHER)
    pair.pass(300)
    serve(pair.a, OTHER, ZONE)
    pair.pass(1_200)
    expect(pair.a.zone(ZONE)!.isLed).toBe(true)
    expect(stateOf(pair.b).members).toEqual(['a', 'b'])
  })
})
