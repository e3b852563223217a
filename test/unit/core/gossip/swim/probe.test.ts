/**
 * Probes from both ends and the middle: who asks whom, when, and what follows from the answers.
 */
import { describe, expect, test } from 'vitest'
import type { Ack, IndirectPing, Nack, Ping } from '../../../../../src/core/gossip/messages.ts'
import type { PacketOutput } from '../../../../../src/core/gossip/swim/outputs.ts'
import { alive, at, dead, Lab, type LabOptions, suspect } from './lab.ts'

const ack = (seqNo: number): Ack => ({ type: 'ack', seqNo, payload: new Uint8Array() })
const nack = (seqNo: number): Nack => ({ type: 'nack', seqNo })
const pingIn = ({ messages: [first] }: PacketOutput): Ping | undefined =>
  first?.type === 'ping' ? first : undefined
const nameIn = ({ to }: PacketOutput) => String.fromCharCode(to.addr[3]!)

/** A node that knows some others and has just sent a ping. */
function probing(names: string, options: LabOptions = {}) {
  const lab = new Lab(options).hear([...names].map((name) => alive(name)))
  for (let turn = 0; turn < 200; turn++) {
    lab.pass(10)
    const packet = lab.packets().find((one) => pingIn(one) !== undefined)
    if (packet !== undefined) return { lab, target: nameIn(packet), ping: pingIn(packet)! }
  }
  throw new Error('no ping in two seconds')
}

const indirect = (packets: PacketOutput[]) =>
  packets.flatMap(({ messages }) =>
    messages.filter((message): message is IndirectPing => message.type === 'indirect-ping'),
  )

describe('a round', () => {
  test('visits every member once before any twice, and skips the dead and the left', () => {
    const lab = new Lab().hear([...'bcdefgh'].map((name) => alive(name)))
    lab.hear([dead('c', 1, 'b'), dead('d', 1, 'd')])
    const visited: string[] = []
    for (let turn = 0; turn < 2_500; turn++) {
      lab.pass(10)
      for (const packet of lab.packets()) {
        const ping = pingIn(packet)
        if (ping === undefined) continue
        visited.push(nameIn(packet))
        lab.hear(ack(ping.seqNo), nameIn(packet))
      }
    }
    expect(visited.length).toBeGreaterThanOrEqual(24)
    // The end of the first round is where the order is drawn anew: rounds of five from there.
    const rounds = [5, 10, 15].map((from) => visited.slice(from, from + 5))
    expect(new Set(rounds.map((round) => round.join(''))).size).toBeGreaterThan(1)
    expect(rounds.map((round) => round.sort().join(''))).toEqual(['befgh', 'befgh', 'befgh'])
  })

  test('an ack in time ends it, and makes us surer of ourselves', () => {
    const { lab, target, ping } = probing('bcde')
    lab.hear(suspect('a', 1, 'x'))
    expect(lab.membership.counts.awareness).toBe(1)
    lab.hear(ack(ping.seqNo), target)
    expect(lab.membership.counts.awareness).toBe(0)
    lab.pass(600)
    expect(indirect(lab.packets())).toEqual([])
  })

  test('without ack others are asked after the probe timeout, and a stream is tried', () => {
    const { lab, target, ping } = probing('bcdef')
    lab.pass(480)
    expect(indirect(lab.packets())).toEqual([])
    lab.pass(30)
    const asked = indirect(lab.packets())
    expect(asked).toHaveLength(3)
    expect(asked[0]).toMatchObject({ seqNo: ping.seqNo, node: target, nack: true, port: 7946 })
    expect(asked[0]?.target).toEqual(at(target).addr)
    const stream = lab.outputs.find(({ kind }) => kind === 'stream-ping')
    expect(stream).toMatchObject({ to: at(target), node: target, seqNo: ping.seqNo })
    lab.hear(ack(ping.seqNo), 'f').pass(1_000)
    expect(lab.state(target)).toBe('alive 1')
  })

  test.each([
    ['no helper said no: our hearing is bad', 0, 3],
    ['one of three said no', 1, 2],
    ['all said no: the target is at fault', 3, 0],
    ['more nacks than were asked count no further', 9, 0],
  ])('a failed probe suspects; %s', (_title, nacks, awareness) => {
    const { lab, target, ping } = probing('bcdef')
    lab.pass(600)
    for (let turn = 0; turn < nacks; turn++) lab.hear(nack(ping.seqNo))
    lab.pass(450)
    expect(lab.state(target)).toBe('suspect 1')
    expect(lab.events()).toContain(`suspected ${target}`)
    expect(lab.membership.counts.awareness).toBe(awareness)
  })

  test('without helpers a failure costs one', () => {
    const { lab } = probing('b')
    lab.pass(1_010)
    expect([lab.state('b'), lab.membership.counts.awareness]).toEqual(['suspect 1', 1])
  })

  test('old members are asked for no nack and get no stream', () => {
    const lab = new Lab().hear(
      [...'bcde'].map((name) => alive(name, 1, { vsn: [1, 2, 2, 0, 0, 0] })),
    )
    lab.pass(2_000)
    const asked = indirect(lab.packets())
    expect(asked.length).toBeGreaterThan(0)
    expect(asked.every((request) => !request.nack)).toBe(true)
    expect(lab.outputs.some(({ kind }) => kind === 'stream-ping')).toBe(false)
    expect(lab.membership.counts.awareness).toBeGreaterThan(0)
  })

  test('a stream that answers saves the member, with a warning', () => {
    const { lab, target, ping } = probing('bc')
    lab.pass(600)
    lab.act((membership) => membership.streamOutcome('stream-ping', ping.seqNo, 'acked'))
    lab.pass(500)
    expect(lab.state(target)).toBe('alive 1')
    expect(lab.events()).toContain(`stream-only ${target}`)
  })

  test('a late or foreign ack is nothing', () => {
    const { lab, target, ping } = probing('bc')
    lab
      .hear(ack(ping.seqNo + 5))
      .pass(1_010)
      .hear(ack(ping.seqNo))
    expect(lab.state(target)).toBe('suspect 1')
  })

  test('awareness stretches the deadline of a round, not the timeout of its ping', () => {
    const lab = new Lab({ settings: { streamPing: false } })
    lab.hear([...'bcdef'].map((name) => alive(name)))
    lab.hear([suspect('a', 1, 'x'), suspect('a', 2, 'x')])
    expect(lab.membership.counts.awareness).toBe(2)
    const { sentMs, target } = nextPing(lab)
    lab.pass(510)
    expect(indirect(lab.packets())).toHaveLength(3)
    lab.pass(sentMs + 2_990 - lab.nowMs)
    expect(lab.state(target)).toBe('alive 1')
    lab.pass(20)
    expect(lab.state(target)).toBe('suspect 1')
  })

  test('a suspected target hears of the suspicion with the ping', () => {
    const lab = new Lab().hear([alive('b'), suspect('b', 1, 'c')])
    lab.pass(1_000)
    const packet = lab.packets().find((one) => pingIn(one) !== undefined)
    expect(packet?.messages[1]).toEqual(suspect('b', 1, 'a'))
  })

  test('sequence numbers are 32 bits', () => {
    for (let seed = 1; seed < 20; seed++) {
      const { ping } = probing('b', { seed })
      expect(ping.seqNo).toBe(ping.seqNo >>> 0)
    }
  })
})

function nextPing(lab: Lab): { sentMs: number; target: string } {
  for (;;) {
    lab.pass(10)
    const packet = lab.packets().find((one) => pingIn(one) !== undefined)
    if (packet !== undefined) return { sentMs: lab.nowMs, target: nameIn(packet) }
  }
}

describe('a relay', () => {
  const request = (more: Partial<IndirectPing> = {}): IndirectPing => ({
    type: 'indirect-ping',
    seqNo: 77,
    target: at('t').addr,
    port: 7946,
    node: 't',
    nack: true,
    sourceAddr: at('s').addr,
    sourcePort: 7946,
    sourceNode: 's',
    ...more,
  })

  test('pings under its own number and passes the ack back under the asker’s', () => {
    const lab = new Lab().hear(request(), 's')
    const [packet] = lab.packets()
    const ping = pingIn(packet!)!
    expect([nameIn(packet!), ping.node, ping.sourceNode]).toEqual(['t', 't', 'a'])
    lab.hear(ack(ping.seqNo), 't')
    expect(lab.saidTo('s')[0]).toEqual(ack(77))
    lab.hear(ack(ping.seqNo), 't').pass(1_000)
    expect(lab.saidTo('s')).toEqual([])
  })

  test('sends a nack after the probe timeout, where one was asked for', () => {
    const lab = new Lab().hear([request(), request({ seqNo: 78, nack: false })], 's')
    lab.packets()
    lab.pass(499)
    expect(lab.saidTo('s')).toEqual([])
    lab.pass(2)
    expect(lab.packets().map(({ messages }) => messages[0])).toEqual([nack(77)])
  })

  test('answers where the request came from when it names no source', () => {
    const lab = new Lab().hear(request({ sourceAddr: new Uint8Array(), sourcePort: 0 }), 'q')
    lab.pass(501)
    expect(lab.saidTo('q')[0]).toEqual(nack(77))
  })

  test('takes no more than so many at once, nor a target that is no address', () => {
    const lab = new Lab().hear(request({ target: new Uint8Array(3) })).hear(request({ port: 0 }))
    expect(lab.packets()).toEqual([])
    for (let seqNo = 0; seqNo < 3_000; seqNo++) lab.hear(request({ seqNo }), 's')
    expect(lab.packets()).toHaveLength(1_024)
  })
})

describe('standing still', () => {
  test('puts judgement off until the answers that wait can be read', () => {
    const { lab, target, ping } = probing('bcdef')
    lab.stand(5_000)
    expect(lab.events()).toContain('stalled')
    expect(lab.state(target)).toBe('alive 1')
    lab.hear(ack(ping.seqNo), target).pass(400)
    expect(lab.state(target)).toBe('alive 1')
  })

  test('does not put it off twice for one probe', () => {
    const { lab, target } = probing('bcdef')
    lab.stand(5_000).stand(5_000)
    expect(lab.state(target)).toBe('suspect 1')
  })

  test('spares the suspected whose refutation waits unread', () => {
    const lab = new Lab().hear([alive('b'), alive('c'), suspect('b', 1, 'c')])
    lab.stand(30_000)
    expect(lab.state('b')).toBe('suspect 1')
    lab.hear(alive('b', 2)).pass(400)
    expect(lab.state('b')).toBe('alive 2')
    expect(lab.events()).not.toContain('failed b')
  })

  test('a call in time is no stall, nor is silence while nothing was due', () => {
    const lab = new Lab().hear(alive('b'))
    lab.pass(60_000)
    expect(lab.events()).not.toContain('stalled')
  })
})
