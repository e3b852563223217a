// Goal: an agent says what changed at once, again until it is confirmed, in the pace that was
// promised, to overwatches of both programs; and it copes with overwatches that restart or refuse.
// Method: a virtual time; overwatches are real receivers or silence.
import { describe, expect, test } from 'vitest'
import { octetsOf } from '../../../../../src/core/gossip/app/crypto.ts'
import { parseEnvelope } from '../../../../../src/core/gossip/app/envelope.ts'
import { writeReply } from '../../../../../src/core/gossip/app/replies.ts'
import type { Reporter, ReporterOutput } from '../../../../../src/core/gossip/app/reporter.ts'
import { agentIdOf } from '../../../../../src/core/gossip/app/certificate.ts'
import type { Vitals } from '../../../../../src/core/health/report.ts'
import {
  backend,
  converse,
  keyOf,
  kindsOf,
  receiverOf,
  reporterOf,
  sends,
  START,
  textOf,
} from '../../../../harness/agents.ts'

const key = keyOf()
const agentId = agentIdOf('eu', key.fingerprint)
const ours = { node: 'ow1', acks: true, boot: START - 50 }
const go = { node: 'go1', acks: false }

interface Said {
  readonly ms: number
  readonly to: string
  readonly type: string
  readonly text: string
}

/** All that is sent until so many milliseconds from `fromMs`, with when. */
function watch(reporter: Reporter, fromMs: number, forMs: number): Said[] {
  const said: Said[] = []
  for (let nowMs = fromMs; nowMs <= fromMs + forMs; ) {
    for (const output of reporter.tick(nowMs)) said.push(...saidBy(output, nowMs - fromMs))
    const next = reporter.nextDueMs()
    nowMs = Math.max(nowMs + 1, Math.min(next, fromMs + forMs + 1))
  }
  return said
}

function saidBy(output: ReporterOutput, ms: number): Said[] {
  if (output.kind !== 'send') return []
  const text = textOf(output.bytes)
  const { type, payload } = JSON.parse(text)
  const isBare = type === 'heartbeat' && payload.backends === null
  return [{ ms: Math.round(ms), to: output.to, type: isBare ? 'beat' : type, text }]
}

const vitals: Vitals = {
  atMs: START,
  cpuPercent: 5,
  signal: 'none',
  reason: '',
  sinceMs: START,
  share: 1_000,
}

function joined(content = { backends: [backend()] }) {
  const receiver = receiverOf()
  const reporter = reporterOf({ key })
  reporter.setOverwatches([ours], START)
  reporter.set(content, START)
  converse(reporter, receiver, START)
  return { receiver, reporter }
}

describe('to overwatches that confirm', () => {
  test('a change that nobody confirms is sent at once, then from 100 ms up to every 2 s', () => {
    const reporter = reporterOf({ key, intervalMs: 3_600_000 })
    reporter.setOverwatches([ours], START)
    reporter.set({ backends: [backend()] }, START)
    const times = watch(reporter, START, 9_000).map(({ ms }) => ms)
    const gaps = times.slice(1).map((ms, index) => ms - times[index]!)
    expect(times[0]).toBe(0)
    const bounds = [100, 200, 400, 800, 1_600, 2_000, 2_000, 2_000]
    for (const [index, gap] of gaps.entries()) {
      expect(gap).toBeLessThanOrEqual(bounds[index]! + 1)
      expect(gap).toBeGreaterThanOrEqual(bounds[index]! * 0.75 - 1)
    }
    expect(gaps.length).toBeGreaterThanOrEqual(7)
  })

  test('confirmed once, only heartbeats follow, one an interval', () => {
    const { reporter, receiver } = joined()
    const said = watch(reporter, START + 1, 30_000)
    expect(said.map(({ type }) => type)).toEqual(['heartbeat', 'heartbeat', 'heartbeat'])
    const gaps = said.slice(1).map(({ ms }, index) => ms - said[index]!.ms)
    for (const gap of gaps) expect(Math.abs(gap - 10_000)).toBeLessThanOrEqual(1)
    for (const { text } of said)
      expect(kindsOf(receiver.receive(octetsOf(text), 'a', START + 1))).toContain('seen')
  })

  test('a report too long for a packet is not repeated by heartbeats', () => {
    const backends = Array.from({ length: 50 }, (_item, port) => backend({ port: port + 1 }))
    const { reporter, receiver } = joined({ backends })
    const said = watch(reporter, START + 1, 10_000)
    expect(said.map(({ type }) => type)).toEqual(['beat'])
    expect(kindsOf(receiver.receive(octetsOf(said[0]!.text), 'a', START))).toEqual([
      'seen',
      'reply',
    ])
    // An overwatch that forgot it says so, and hears everything.
    receiver.forget(agentId, START)
    const outputs = receiver.receive(sends(reporter.tick(START + 20_000))[0]!, 'a', START + 20_000)
    const [reply] = outputs
    reporter.onMessage(reply?.kind === 'reply' ? reply.bytes : new Uint8Array(), START + 20_000)
    expect(kindsOf(converse(reporter, receiver, START + 20_000))).toContain('report')
  })

  test('content that says nothing new keeps its sequence; figures wait for the heartbeat', () => {
    const { reporter } = joined()
    const set = (over: Partial<Vitals>, ms: number) =>
      reporter.set({ backends: [backend()], vitals: { ...vitals, ...over } }, START + ms)
    expect(reporter.set({ backends: [backend()] }, START + 1)).toBe(1)
    expect(set({}, 2)).toBe(2)
    expect(reporter.tick(START + 2)).toHaveLength(1)
    const { reporter: calm } = joined()
    calm.set({ backends: [backend()], vitals }, START)
    converse(calm, joined().receiver, START)
    const quiet = joined()
    quiet.reporter.set({ backends: [backend()], vitals }, START)
    converse(quiet.reporter, quiet.receiver, START)
    quiet.reporter.set({ backends: [backend()], vitals: { ...vitals, cpuPercent: 6 } }, START + 1)
    expect(quiet.reporter.tick(START + 1)).toEqual([])
    quiet.reporter.set({ backends: [backend()], vitals: { ...vitals, share: 900 } }, START + 2)
    expect(quiet.reporter.tick(START + 2)).toHaveLength(1)
  })

  test('counts of connections are told once a second while they change', () => {
    const { reporter, receiver } = joined()
    const told: number[] = []
    for (let ms = 0; ms <= 5_000; ms += 100) {
      const connections = {
        atMs: START + ms,
        remaining: ms,
        arrived: ms,
        quietSinceMs: 0,
        networks: [],
      }
      reporter.set({ backends: [backend({ connections })] }, START + ms)
      const outputs = converse(reporter, receiver, START + ms)
      if (kindsOf(outputs).includes('report')) told.push(ms)
    }
    expect(told.length).toBeGreaterThanOrEqual(5)
    expect(told.length).toBeLessThanOrEqual(7)
  })

  test('since when everyone holds a change is known, and only once everyone does', () => {
    const two = receiverOf({}, 'ow2')
    const { reporter, receiver } = joined()
    reporter.setOverwatches([ours, { ...ours, node: 'ow2' }], START)
    const seq = reporter.set({ backends: [backend({ healthy: false })] }, START + 10)
    converse(reporter, receiver, START + 20)
    expect(reporter.acknowledgedMs(seq)).toBeUndefined()
    for (let ms = 30; ms < 400; ms += 10) converse(reporter, two, START + ms, 'ow2')
    expect(reporter.acknowledgedMs(seq)).toBeGreaterThan(START + 20)
    expect(reporter.acknowledgedMs(seq + 1)).toBeUndefined()
  })
})

describe('an overwatch that restarted', () => {
  test.each([
    ['is seen by its metadata', true],
    ['is seen by its next answer', false],
  ])('%s and told everything within two seconds', (_what, byMeta) => {
    const { reporter } = joined()
    const fresh = receiverOf({}, 'ow1', START + 1_000)
    if (byMeta) reporter.setOverwatches([{ ...ours, boot: START + 1_000 }], START + 1_000)
    else {
      const beat = reporter.nextDueMs()
      for (const bytes of sends(reporter.tick(beat))) {
        const [reply] = fresh.receive(bytes, 'a', beat)
        const heard = reporter.onMessage(
          reply?.kind === 'reply' ? reply.bytes : new Uint8Array(),
          beat,
        )
        expect(kindsOf(heard)[0]).toBe('restarted')
        // It answers the challenge at once.
        for (const proof of sends(heard)) fresh.receive(proof, 'a', beat)
      }
    }
    const from = reporter.nextDueMs()
    expect(from - START).toBeLessThan(byMeta ? 1_501 : 10_600)
    let reported = false
    for (let ms = 0; ms <= 500 && !reported; ms += 10)
      reported = kindsOf(converse(reporter, fresh, from + ms)).includes('report')
    expect(reported).toBe(true)
  })

  test('an answer of the process before it counts for nothing', () => {
    const { reporter } = joined()
    reporter.setOverwatches([{ ...ours, boot: START + 1_000 }], START + 1_000)
    const late = writeReply({
      type: 'ack',
      overwatch: 'ow1',
      overwatchBoot: START - 50,
      agentId,
      beat: 2,
      boot: START - 100,
      seq: 1,
      refused: [],
    })
    expect(reporter.onMessage(late, START + 1_001)).toEqual([])
    expect(reporter.status()[0]?.heldSeq).toBe(0)
  })

  test('an answer overtaken by a later one counts for nothing', () => {
    const { reporter } = joined()
    const ack = (beat: number, seq: number) =>
      writeReply({
        type: 'ack',
        overwatch: 'ow1',
        overwatchBoot: START - 50,
        agentId,
        beat,
        boot: START - 100,
        seq,
        refused: [],
      })
    reporter.onMessage(ack(1, 0), START + 1)
    expect(reporter.status()[0]).toMatchObject({ heldSeq: 1, current: true })
    expect(reporter.tick(START + 1)).toEqual([])
  })

  test('metadata that names a start before the last one counts once', () => {
    const { reporter } = joined()
    const back = { ...ours, boot: START - 90_000 }
    reporter.setOverwatches([back], START + 1)
    expect(reporter.status()[0]?.heldSeq).toBe(0)
    converse(reporter, receiverOf({}, 'ow1', START - 90_000), START + 600)
    reporter.setOverwatches([back], START + 700)
    expect(reporter.status()[0]?.heldSeq).toBe(1)
  })
})

describe('an overwatch that refuses', () => {
  test('is asked again every ten seconds, and the log hears of it once', () => {
    const reporter = reporterOf({ key, intervalMs: 3_600_000 })
    const receiver = receiverOf({ agentTokens: {} })
    reporter.setOverwatches([ours], START)
    reporter.set({ backends: [backend()] }, START)
    let refused = 0
    let sent = 0
    for (let ms = 0; ms <= 60_000; ms += 50)
      for (const bytes of sends(reporter.tick(START + ms))) {
        sent++
        for (const output of receiver.receive(bytes, 'a', START + ms))
          if (output.kind === 'reply')
            refused += reporter
              .onMessage(output.bytes, START + ms)
              .filter(({ kind }) => kind === 'refused').length
      }
    expect([refused, sent]).toEqual([1, 7])
    expect(reporter.status()[0]?.refused).toMatchObject({ code: 'unknown-service' })
    receiver.configure({ ...settings, agentTokens: { web: 'a-token-of-the-web-service' } }, START)
    expect(kindsOf(converse(reporter, receiver, START + 70_000))).toContain('report')
    expect(reporter.status()[0]?.refused).toBeUndefined()
  })

  test('challenges are answered ten times in ten seconds at most', () => {
    const { reporter } = joined()
    const challenge = writeReply({
      type: 'challenge',
      overwatch: 'ow1',
      overwatchBoot: START - 50,
      agentId,
      beat: 1,
      boot: 0,
      seq: 0,
      nonce: 'ab',
      fingerprint: key.fingerprint,
    })
    let answers = 0
    for (let ms = 1; ms <= 9_000; ms += 10)
      answers += sends(reporter.onMessage(challenge, START + ms)).length
    // One was spent on joining.
    expect(answers).toBe(9)
    expect(sends(reporter.onMessage(challenge, START + 10_001))).toHaveLength(1)
  })

  test('a start before one that was heard is moved past it, three times at most', () => {
    const { receiver } = joined()
    const again = reporterOf({ key, boot: START - 5_000_000 })
    again.setOverwatches([ours], START)
    again.set({ backends: [backend({ healthy: false })] }, START)
    expect(kindsOf(converse(again, receiver, START))).toContain('report')
    expect(again.boot).toBe(START - 99)
    for (let times = 0; times < 9; times++)
      again.onMessage(
        writeReply({
          type: 'refused',
          overwatch: 'ow1',
          overwatchBoot: START - 50,
          agentId,
          beat: 1,
          boot: again.boot,
          seq: 0,
          code: 'stale-boot',
          message: '',
          fingerprint: '',
        }),
        START,
      )
    expect(again.boot).toBe(START - 97)
  })
})

describe('to overwatches of the Go program', () => {
  test('a change is told three times, and everything at every interval', () => {
    const reporter = reporterOf({ key })
    reporter.setOverwatches([go], START)
    reporter.set({ backends: [backend()] }, START)
    const said = watch(reporter, START, 9_000).filter(({ ms }) => ms < 1_000)
    expect(said.slice(0, 3).map(({ ms }) => ms)).toEqual([0, 200, 400])
    const beats = watch(reporter, START + 10_000, 20_000)
    expect(beats.length).toBeGreaterThanOrEqual(2)
    for (const { text } of [...said, ...beats])
      expect(JSON.parse(text).payload.backends).toHaveLength(1)
  })

  test('a backend that is announced no more is taken out by name, and so is all at the end', () => {
    const reporter = reporterOf({ key })
    reporter.setOverwatches([go], START)
    reporter.set({ backends: [backend(), backend({ port: 81 })] }, START)
    watch(reporter, START, 1_000)
    reporter.set({ backends: [backend()] }, START + 1_000)
    const gone = watch(reporter, START + 1_000, 1_000).filter(({ type }) => type === 'deregister')
    expect(gone.map(({ text }) => JSON.parse(text).payload)).toEqual(
      Array(3).fill({ service: 'web', address: '10.0.0.1', port: 81 }),
    )
    reporter.leave('stop', START + 3_000)
    const left = watch(reporter, START + 3_000, 1_000)
    expect(left.map(({ type }) => type)).toEqual(Array(3).fill('deregister'))
    expect(reporter.hasLeft(START + 3_600)).toBe(true)
  })
})

describe('leaving', () => {
  test('ends as soon as it is confirmed', () => {
    const { reporter, receiver } = joined()
    reporter.leave('stop', START + 5)
    expect(reporter.hasLeft(START + 5)).toBe(false)
    const outputs = converse(reporter, receiver, START + 5)
    expect(outputs[0]).toEqual({ kind: 'left', agentId, reason: 'stop' })
    expect(reporter.hasLeft(START + 5)).toBe(true)
    expect(watch(reporter, START + 6, 30_000)).toEqual([])
  })

  test('is repeated for a second when nobody confirms it', () => {
    const { reporter } = joined()
    reporter.leave('stop', START + 5)
    const said = watch(reporter, START + 5, 990)
    expect(said.length).toBeGreaterThanOrEqual(3)
    expect(said.every(({ type }) => type === 'deregister')).toBe(true)
    expect(reporter.hasLeft(START + 1_004)).toBe(false)
    expect(reporter.hasLeft(START + 1_005)).toBe(true)
  })
})

test('heartbeats to several overwatches have phases of their own', () => {
  const reporter = reporterOf({ key })
  const members = Array.from({ length: 8 }, (_item, index) => ({ node: `go${index}`, acks: false }))
  reporter.setOverwatches(members, START)
  reporter.set({ backends: [backend()] }, START)
  watch(reporter, START, 10_000)
  const said = watch(reporter, START + 10_001, 9_998)
  expect(new Set(said.map(({ to }) => to)).size).toBe(8)
  expect(new Set(said.map(({ ms }) => ms)).size).toBeGreaterThan(6)
})

test('nothing is said before there is anything to say', () => {
  const reporter = reporterOf({ key })
  reporter.setOverwatches([ours, go], START)
  expect(watch(reporter, START, 60_000)).toEqual([])
})

test('latencies go to everyone, in messages that each can be read', () => {
  const reporter = reporterOf({ key })
  reporter.setOverwatches([ours, go], START)
  const rows = Array.from({ length: 2_000 }, (_item, index) => ({
    subnet: `10.${index >> 8}.${index & 255}.0/24`,
    rttMs: 12.345678,
    samples: 50,
    lastSeenMs: START,
  }))
  const bytes = sends(reporter.latency('web', rows, START))
  const counts = bytes.map((one) => {
    const parsed = parseEnvelope(one)
    return parsed.ok && parsed.value.body.type === 'latency' ? parsed.value.body.rows.length : 0
  })
  expect(counts.reduce((a, b) => a + b)).toBe(4_000)
})

const settings = { zones: [], allowedBackends: [], allowUnsigned: false, silentMs: 30_000 }
