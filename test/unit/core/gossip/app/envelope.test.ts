// Goal: messages of the Go program's agents are read as they are, ours are read back as they
// were meant, and each bound refuses what lies outside it, by name.
// Method: messages the Go program sent (taken from captured frames), round trips, and a table of
// faults.
import { describe, expect, test } from 'vitest'
import { octetsOf } from '../../../../../src/core/gossip/app/crypto.ts'
import { parseEnvelope } from '../../../../../src/core/gossip/app/envelope.ts'
import { AgentMessages, prepareReport } from '../../../../../src/core/gossip/app/messages.ts'
import { cutPages } from '../../../../../src/core/gossip/app/pages.ts'
import { parseReply, writeReply } from '../../../../../src/core/gossip/app/replies.ts'
import { splitSignature } from '../../../../../src/core/gossip/app/sign.ts'
import type { ReportedBackend, Vitals } from '../../../../../src/core/health/report.ts'
import { backend, crypto, keyOf, START, textOf, TOKEN } from '../../../../harness/agents.ts'

const HEAD = '"agent_id":"us-east-6ca5f88d2d98","region":"us-east"'
const GO = {
  bare: `{"type":"heartbeat",${HEAD},"timestamp":"2026-11-20T23:54:02.641013448Z","payload":{"backends":null,"fingerprint":""}}`,
  full: `{"type":"heartbeat",${HEAD},"timestamp":"2026-11-20T23:54:02.641563979Z","payload":{"backends":[{"service":"agentapp.gslb.test","address":"10.99.0.2","port":18001,"weight":100,"healthy":true}],"fingerprint":"","predictive":{"bleeding":false,"bleeding_at":"0001-01-01T00:00:00Z","cpu_percent":0,"mem_percent":3.7526679125973113,"error_rate":0}}}`,
  latency: `{"type":"latency_report",${HEAD},"timestamp":"2026-11-20T23:54:17.653439142Z","payload":{"backend":"agentapp.gslb.test","subnets":[{"subnet":"10.99.0.0/24","ewma_ns":17000,"sample_count":1,"last_seen":"2026-11-20T23:54:16.643636133Z"}]}}`,
}

const read = (text: string) => parseEnvelope(octetsOf(text))
const bodyOf = (text: string) => {
  const parsed = read(text)
  return parsed.ok ? parsed.value.body : parsed.error
}

describe('messages of the Go program', () => {
  test('a sign of life', () => {
    expect(read(GO.bare)).toEqual({
      ok: true,
      value: {
        agentId: 'us-east-6ca5f88d2d98',
        region: 'us-east',
        timeUs: Date.UTC(2026, 10, 20, 23, 54, 2, 641) * 1_000 + 13,
        head: undefined,
        body: { type: 'heartbeat', backends: undefined, vitals: undefined, page: 0, pages: 1 },
      },
    })
  })

  test('a heartbeat with its backends and what it measured', () => {
    expect(bodyOf(GO.full)).toMatchObject({
      backends: [
        {
          service: 'agentapp.gslb.test',
          address: '10.99.0.2',
          port: 18_001,
          weight: 100,
          healthy: true,
          reason: '',
        },
      ],
      vitals: { cpuPercent: 0, memoryPercent: 3.7526679125973113, signal: 'none', share: 1_000 },
    })
  })

  test('learned latencies', () => {
    const lastSeenMs = Date.UTC(2026, 10, 20, 23, 54, 16, 643)
    expect(bodyOf(GO.latency)).toEqual({
      type: 'latency',
      service: 'agentapp.gslb.test',
      rows: [{ subnet: '10.99.0.0/24', rttMs: 0.017, samples: 1, lastSeenMs }],
    })
  })

  test.each([
    [
      'its bleeding is a drain of everything',
      '"type":"heartbeat","payload":{"backends":null,"predictive":{"bleeding":true,"bleed_reason":"cpu_threshold_exceeded","bleeding_at":"2026-11-20T00:00:00Z","cpu_percent":93}}',
      { vitals: { signal: 'drain', share: 0, reason: 'cpu_threshold_exceeded', cpuPercent: 93 } },
    ],
    [
      'register',
      '"type":"register","payload":{"service":"web","address":"10.0.0.1","port":80,"weight":7}',
      { type: 'register', backend: { service: 'web', weight: 7 } },
    ],
    [
      'deregister of a backend',
      '"type":"deregister","payload":{"service":"web","address":"10.0.0.1","port":80}',
      { type: 'deregister', backend: { service: 'web', address: '10.0.0.1', port: 80 } },
    ],
    [
      'deregister of an agent',
      '"type":"deregister","payload":{"agent_id":"us-east-6ca5f88d2d98","reason":"shutdown"}',
      { type: 'leave', reason: 'shutdown' },
    ],
    [
      'predictive',
      '"type":"predictive","payload":{"signal":"bleed","reason":"cpu_high","value":91.5,"threshold":90,"bleed_weight":40}',
      { type: 'predictive', vitals: { signal: 'bleed', reason: 'cpu_high', share: 400 } },
    ],
    [
      'the older form of latencies',
      '"type":"latency","entries":[{"subnet":"10.0.0.0/24","rtt_ms":12.5,"samples":3}]',
      { type: 'latency', service: undefined, rows: [{ rttMs: 12.5, samples: 3 }] },
    ],
    [
      'an IPv6 address in another spelling',
      '"type":"register","payload":{"service":"Web.","address":"2001:DB8:0:0::1","port":80,"weight":7}',
      { backend: { service: 'web', address: '2001:db8::1' } },
    ],
    [
      'a weight past ours',
      '"type":"register","payload":{"service":"web","address":"10.0.0.1","port":80,"weight":5000}',
      { backend: { weight: 1_000 } },
    ],
  ])('%s', (_what, rest, expected) => {
    expect(bodyOf(`{${HEAD},${rest}}`)).toMatchObject(expected)
  })
})

describe('our messages', () => {
  const vitals: Vitals = {
    atMs: START,
    cpuPercent: 91.5,
    memoryPercent: 40,
    errorPercent: 0.5,
    signal: 'bleed',
    reason: 'cpu_threshold_exceeded',
    sinceMs: START - 5_000,
    share: 400,
  }
  const rich: ReportedBackend = backend({
    service: 'web.example.com',
    address: '2001:db8::1',
    weight: 200,
    reason: 'it says "no" — 不',
    healthy: true,
    check: {
      type: 'https',
      intervalMs: 1_000,
      timeoutMs: 500,
      path: '/health',
      host: 'web',
      failureThreshold: 2,
      successThreshold: 1,
      expectedStatus: [
        [204, 204],
        [300, 302],
      ],
      bodyMatch: 'ready',
      serverName: 'own.example.com',
      verifyCertificate: false,
      asksMore: true,
    },
    drain: { id: 'd1', reason: 'deploy', by: 'file', sinceMs: START, untilMs: START + 60_000 },
    connections: {
      atMs: START,
      remaining: 3,
      arrived: 9,
      quietSinceMs: START - 5,
      networks: [{ network: '192.0.2.0/24', connections: 3 }],
      endsHeard: false,
      heardMs: START - 400,
    },
  })
  const { healthy: _, ...unknown } = backend({ port: 81 })
  const messages = () => {
    const key = keyOf()
    const self = { agentId: 'eu-1', region: 'eu', node: 'n1', serviceToken: TOKEN }
    const made = new AgentMessages(self, START, key, crypto)
    made.seq = 3
    return made
  }

  test('a report is read back as it was', () => {
    const prepared = prepareReport({ backends: [rich, unknown], vitals })
    const [message] = messages().report(prepared, START)
    const parsed = parseEnvelope(message!.bytes)
    expect(parsed.ok && parsed.value).toMatchObject({
      agentId: 'eu-1',
      timeUs: START * 1_000,
      head: { algorithm: 'ed25519', node: 'n1', boot: START, seq: 3, beat: 1 },
      body: { backends: [rich, unknown], vitals, page: 0, pages: 1 },
    })
  })

  test('a message says the time of day, by whatever clock it was planned', () => {
    const self = { agentId: 'eu-1', region: 'eu', node: 'n1', serviceToken: TOKEN }
    const timed = { ...self, timeOfDay: () => START + 7 }
    const parsed = parseEnvelope(
      new AgentMessages(timed, START, keyOf(), crypto).beatAlone(5).bytes,
    )
    expect(parsed.ok && parsed.value.timeUs).toBe((START + 7) * 1_000)
  })

  test('the Go program reads in it the nearest thing it can do', () => {
    const prepared = prepareReport({ backends: [rich, unknown], vitals })
    const json = JSON.parse(textOf(messages().report(prepared, START)[0]!.bytes))
    expect(Object.keys(json).slice(0, 5)).toEqual([
      'type',
      'agent_id',
      'region',
      'timestamp',
      'payload',
    ])
    expect(json.payload.backends).toMatchObject([
      // It drains, so it is unhealthy; 40 % of its weight is left.
      { service: 'web.example.com', address: '2001:db8::1', port: 80, weight: 80, healthy: false },
      { port: 81, weight: 40, healthy: false },
    ])
    expect(json.payload.predictive).toEqual({
      bleeding: false,
      bleeding_at: '0001-01-01T00:00:00Z',
      cpu_percent: 91.5,
      mem_percent: 40,
      error_rate: 0.5,
    })
    const drained = prepareReport({
      backends: [],
      vitals: { ...vitals, signal: 'drain', share: 0 },
    })
    expect(drained.predictive).toMatchObject({
      bleeding: true,
      bleed_reason: 'cpu_threshold_exceeded',
      bleeding_at: new Date(START - 5_000).toISOString(),
    })
  })

  test('texts that would be refused are cleaned before they are sent', () => {
    const reason = `${'x'.repeat(255)}\u{1f600} line\none`
    for (const text of [reason, 'a\nb\u0000c', '\ud800'] as const) {
      const prepared = prepareReport({ backends: [backend({ reason: text, healthy: false })] })
      expect(parseEnvelope(messages().report(prepared, START)[0]!.bytes).ok).toBe(true)
    }
  })

  test('fractions of clocks do not make a message unreadable', () => {
    const odd = {
      ...vitals,
      atMs: START + 0.25,
      sinceMs: 0.5,
      cpuPercent: 100.0001,
      share: 1_000.5,
    }
    const drain = { ...rich.drain!, sinceMs: START + 0.5 }
    const prepared = prepareReport({ backends: [{ ...rich, drain }], vitals: odd })
    expect(parseEnvelope(messages().report(prepared, START)[0]!.bytes).ok).toBe(true)
  })

  test('a small report is a packet, a thousand backends are pages within a stream message', () => {
    const small = messages().report(prepareReport({ backends: [rich], vitals }), START)
    expect(small[0]).toMatchObject({ via: 'stream' })
    const plain = messages().report(prepareReport({ backends: [backend()] }), START)
    expect(plain).toMatchObject([{ via: 'packet' }])
    expect(plain[0]!.bytes.length).toBeLessThanOrEqual(1_200)
    const many = Array.from({ length: 1_200 }, (_item, port) => ({ ...rich, port: port + 1 }))
    const pages = messages().report(prepareReport({ backends: many }), START)
    expect(pages.length).toBeGreaterThan(5)
    const read = pages.map(({ bytes }) => {
      expect(bytes.length).toBeLessThanOrEqual(65_536)
      const parsed = parseEnvelope(bytes)
      return parsed.ok && parsed.value.body.type === 'heartbeat' ? parsed.value.body : undefined
    })
    expect(read.map((page) => page?.page)).toEqual(pages.map((_page, index) => index))
    expect(read.flatMap((page) => page?.backends?.length ?? 0).reduce((a, b) => a + b)).toBe(1_000)
  })

  test('the signature is the last member and covers all before it', () => {
    const [{ bytes } = { bytes: new Uint8Array() }] = messages().report(
      prepareReport({ backends: [] }),
      START,
    )
    expect(textOf(bytes)).toMatch(/,"sig":"[A-Za-z0-9+/]{86}=="}$/)
    const parts = splitSignature(bytes)!
    expect(textOf(parts.signed)).toBe(
      `opengslb agent message 1\n${textOf(bytes).replace(/,"sig".*$/, '')}`,
    )
    expect(splitSignature(octetsOf(`${textOf(bytes)} `))).toBeUndefined()
    expect(splitSignature(octetsOf(textOf(bytes).replace(',"sig"', ' ,"sig"')))).toBeDefined()
    expect(splitSignature(octetsOf('{"sig":"a"}'))).toBeUndefined()
  })

  test('replies are read back, and a code of a later version too', () => {
    const base = { overwatch: 'ow1', overwatchBoot: 5, agentId: 'eu-1', beat: 3, boot: 1, seq: 2 }
    const ack = {
      ...base,
      type: 'ack',
      refused: [{ code: 'backend-owned', message: 'm' }],
    } as const
    const challenge = {
      ...base,
      type: 'challenge',
      nonce: 'n',
      fingerprint: 'a'.repeat(64),
    } as const
    const refused = {
      ...base,
      type: 'refused',
      code: 'revoked',
      message: 'm',
      fingerprint: '',
    } as const
    for (const reply of [ack, challenge, refused])
      expect(parseReply(writeReply(reply))).toEqual({ ok: true, value: reply })
    const later = octetsOf(textOf(writeReply(refused)).replace('revoked', 'of-the-future'))
    expect(parseReply(later)).toMatchObject({
      ok: true,
      value: { code: 'malformed', message: 'm' },
    })
    expect(parseEnvelope(writeReply(ack))).toMatchObject({ ok: false, error: { code: 'not-ours' } })
  })
})

describe('what is refused, with the place named', () => {
  const nest = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`
  const faults = [
    ['{', 'is not JSON in UTF-8'],
    ['[]', 'is not a JSON object'],
    ['null', 'is not a JSON object'],
    ['{}', 'type is missing'],
    [`{"type":"heartbeat","x":${nest(20)}}`, 'nests deeper than 12 levels'],
    [`{"type":"heartbeat","x":[${'0,'.repeat(20_000)}0]}`, 'holds more than 16384 values'],
    [`{"type":"heartbeat","x":"${'x'.repeat(70_000)}"}`, 'has 70027 bytes, over 65536'],
    ['{"type":"heartbeat"}', 'agent_id is missing'],
    ['{"type":"heartbeat","agent_id":"a b"}', 'agent_id is not an agent id'],
    ['{"type":"heartbeat","agent_id":"a\\nb"}', 'agent_id holds control characters'],
    ['{"type":"heartbeat","agent_id":7}', 'agent_id is not a text'],
    ['{"type":"heartbeat","agent_id":"a"}', 'payload is missing'],
    ['{"type":"heartbeat","agent_id":"a","timestamp":"yesterday"}', 'timestamp is not a time'],
    ['{"type":"heartbeat","agent_id":"a","sig":"x","payload":{}}', 'alg is missing'],
    [
      '{"type":"heartbeat","agent_id":"a","payload":{"backends":{}}}',
      'payload.backends is not a list',
    ],
    [
      '{"type":"heartbeat","agent_id":"a","payload":{"backends":[{"service":"a","address":"b","port":1},{"service":"a","address":"b","port":65536}]}}',
      'payload.backends[1].port is not a whole number in 1-65535',
    ],
    [
      `{"type":"heartbeat","agent_id":"a","payload":{"backends":[${'{},'.repeat(1_001)}{}]}}`,
      'payload.backends holds 1002 entries, over 1000',
    ],
    [
      '{"type":"heartbeat","agent_id":"a","payload":{"backends":[{"service":"a/b","address":"b","port":1}]}}',
      'payload.backends[0].service is not a name of a service',
    ],
    [
      '{"type":"heartbeat","agent_id":"a","payload":{"v2":{"page":3,"pages":3}}}',
      'payload.v2.page is not a whole number in 0-2',
    ],
    [
      '{"type":"heartbeat","agent_id":"a","payload":{"v2":{"vitals":{"share":-1}}}}',
      'payload.v2.vitals.share is not a whole number in 0-1000',
    ],
    [
      '{"type":"latency_report","agent_id":"a","payload":{"backend":"x","subnets":[{"subnet":"s","ewma_ns":-1}]}}',
      'payload.subnets[0].ewma_ns is not a number in 0-86400000000000',
    ],
  ] as const
  test.each(faults.map(([text, message]) => [message, text]))('%s', (message, text) => {
    expect(read(text)).toEqual({ ok: false, error: { code: 'malformed', message } })
  })

  test('octets that are not UTF-8', () => {
    expect(parseEnvelope(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)).ok).toBe(false)
  })

  test('a name of the prototype is not a field', () => {
    const text =
      '{"type":"heartbeat","agent_id":"a","__proto__":{"sig":"x"},"payload":{"backends":null}}'
    expect(read(text)).toMatchObject({ ok: true, value: { head: undefined } })
  })
})

test('pages are cut by octets, keep the order, and hold one item at least', () => {
  const items = ['a'.repeat(50), 'é'.repeat(50), 'b'.repeat(200), 'c']
  expect(cutPages(items, 160).map((page) => page.length)).toEqual([2, 1, 1])
  expect(cutPages(items, 150).map((page) => page.length)).toEqual([1, 1, 1, 1])
  expect(cutPages([], 150)).toEqual([[]])
})
