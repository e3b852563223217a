// Goal: nothing in a capsule's file, and no message, can make reading it throw or hang. Method:
// random bytes, random JSON, and a whole capsule with random values put anywhere in it.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  capsuleOf,
  capsuleText,
  parseCapsule,
  replayCapsule,
} from '../../src/core/replay/capsule.ts'
import { decodeMessage, messageLines } from '../../src/core/replay/decode.ts'
import { foldHistory, parseHistory } from '../../src/core/replay/history.ts'
import { readSamples } from '../../src/core/replay/sample.ts'
import { bytesToBase64 } from '../../src/core/zone/rdata-text.ts'
import { buildQuery } from '../harness/dns-query.ts'
import { poolSpecOf } from '../harness/dns-world.ts'
import { UP } from '../harness/pools.ts'

const runs = process.env['OPENGSLB_FULL'] === '1' ? 20_000 : 1_500
const encode = (text: string) => new TextEncoder().encode(text)

const pool = poolSpecOf(
  { name: 'app.example.com', zone: 'example.com', addresses: ['192.0.2.1', '192.0.2.2'] },
  0,
)
const sample = {
  at_ms: 1,
  version: 2,
  turn: 3,
  pool: pool.name,
  state: 0,
  transport: 'udp' as const,
  client: bytesToBase64(Uint8Array.of(192, 0, 2, 9)),
  query: bytesToBase64(buildQuery({ name: 'app.example.com', type: 'A' })),
  fate: 0,
  cookie_state: 0,
  cookie: '',
  stands_for: 1,
  check: { bytes: 49, crc32: 0 },
}
const whole = capsuleOf({
  made_at_ms: 1,
  node: 'n',
  software: '2',
  configuration:
    'dns: { zones: [example.com] }\ndomains: [{ name: app.example.com, regions: [r] }]\nregions: [{ name: r, servers: [{ address: 192.0.2.1, service: app.example.com }, { address: 192.0.2.2, service: app.example.com }] }]\noverwatch: { geolocation: { database_path: /x.mmdb } }',
  files: {},
  serials: { 'example.com': 7 },
  settings: {
    udpPayloadSize: 1_232,
    nsid: '',
    versionString: '',
    tcpIdleTimeoutMs: 0,
    cookies: 'off',
  },
  places: {
    regions: ['r', 's'],
    classes: [
      { ranking: [], match: 'none', country: '', continent: '' },
      { ranking: [1, 0], match: 'geoip', country: 'DE', continent: 'EU' },
    ],
    v4: { starts: [0, 3_221_225_984, 3_221_226_240], values: [0, 1, 0] },
    v6: { starts: [0, 0, 0, 0], values: [0] },
  },
  epoch: 1,
  pools: [pool],
  declared: [pool],
  states: [[UP, UP]],
  samples: [sample, { ...sample, turn: 4 }],
  events: [],
})

/** Every place of a value, as the keys that lead to it. */
function placesOf(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path]
  const inner = Object.entries(value).flatMap(([key, one]) => placesOf(one, [...path, key]))
  return [path, ...inner]
}

function withValue(value: unknown, path: readonly string[], put: unknown): unknown {
  const [key, ...rest] = path
  if (key === undefined) return put
  const copy: Record<string, unknown> = Array.isArray(value)
    ? ([...value] as unknown as Record<string, unknown>)
    : { ...(value as Record<string, unknown>) }
  copy[key] = withValue(copy[key], rest, put)
  return copy
}

describe('a capsule', () => {
  test('that is whole replays, one answer for each question', () => {
    const read = parseCapsule(encode(JSON.stringify(whole)))
    if (!read.ok) throw new Error(read.error)
    const replayed = replayCapsule(read.value)
    if (!replayed.ok) throw new Error(replayed.error)
    expect(replayed.value.replayed.map(({ answer }) => answer[1])).toEqual([
      'app.example.com. 60 IN A 192.0.2.2',
      'app.example.com. 60 IN A 192.0.2.1',
    ])
  })

  test('with anything anywhere in it is refused or replayed, and nothing is thrown', () => {
    const places = placesOf(whole)
    const hostile = fc.oneof(
      fc.anything({ maxDepth: 2 }),
      fc.constantFrom<unknown>(-1, 2 ** 40, 1e308, 0.5, '', '__proto__', 'x'.repeat(5_000)),
      fc.constantFrom<unknown>([], {}, null, true, ['a'], [[-1]], [[2 ** 50]]),
    )
    let replayed = 0
    fc.assert(
      fc.property(fc.constantFrom(...places), hostile, (path, put) => {
        let text: string | undefined
        try {
          text = JSON.stringify(withValue(whole, path, put))
        } catch {
          return
        }
        const read = parseCapsule(encode(text ?? ''))
        if (read.ok && replayCapsule(read.value).ok) replayed++
      }),
      { numRuns: runs, seed: 7 },
    )
    expect(replayed).toBeGreaterThan(runs / 100)
  })

  test('is cut, oldest questions first, until it fits', () => {
    const many = {
      ...whole,
      samples: Array.from({ length: 400 }, (_, at) => ({ ...sample, turn: at })),
    }
    const text = capsuleText(many, 40_000)
    expect(text.length).toBeLessThanOrEqual(40_000)
    const left = JSON.parse(text).samples as { turn: number }[]
    expect(left.length).toBeGreaterThan(50)
    expect(left.at(-1)?.turn).toBe(399)
  })
})

describe('bytes', () => {
  test('are read as messages and samples without a throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        decodeMessage(bytes)
        messageLines(bytes)
        readSamples(bytes)
        parseCapsule(bytes)
      }),
      { numRuns: runs, seed: 8 },
    )
  })

  test('of any shape are history or nothing', () => {
    fc.assert(
      fc.property(fc.anything({ maxDepth: 4 }), (value) => {
        const record = parseHistory(value)
        if (record !== undefined) foldHistory([record], Number.MAX_SAFE_INTEGER)
      }),
      { numRuns: runs, seed: 9 },
    )
  })
})
