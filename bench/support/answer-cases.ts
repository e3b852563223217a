/**
 * The cases of the answer bench: an authority, a slab of queries, and a loop over them.
 */
import { DnsMeters } from '../../src/actors/dns/metrics.ts'
import type { AuthoritySettings } from '../../src/core/dns/authority.ts'
import type { ServingPool } from '../../src/core/steer/snapshot.ts'
import { buildQuery, type EdnsParts } from '../../test/harness/dns-query.ts'
import { authorityOf, poolSpecOf, snapshotOf } from '../../test/harness/dns-world.ts'
import { fakeMetrics } from '../../test/harness/fake-metrics.ts'
import { UP } from '../../test/harness/pools.ts'

/** Room for one query in the slab: a cache line, as long as no query is longer. */
const STRIDE = 64
const NOW_MS = 1_800_000_000_000
/** Client networks that ask in turn. */
const NETWORKS = 4_096

export interface Case {
  readonly name: string
  /** Asks so many queries. */
  readonly run: (queries: number) => void
}

export interface World {
  readonly pools?: number
  readonly backends?: number
  readonly spec?: Partial<ServingPool>
  /** Static A records h0, h1, … of the zone. */
  readonly statics?: number
}

export interface Guards {
  readonly cookies?: boolean
  readonly rateLimit?: boolean
  readonly meters?: boolean
}

export const everything: Guards = { cookies: true, rateLimit: true, meters: true }

const ZONE = '@ NS ns1\nns1 A 192.0.2.53\nwww A 192.0.2.1\ntext TXT "hello"'

const addressOf = (index: number): string =>
  `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`

export const ask = (name: string, type = 'A', edns?: EdnsParts): Uint8Array =>
  buildQuery(edns === undefined ? { name, type } : { name, type, edns })

export const ecs: EdnsParts = { options: [[8, [0, 1, 24, 0, 192, 0, 2]]] }
const CLIENT_COOKIE = [1, 2, 3, 4, 5, 6, 7, 8]
export const cookied: EdnsParts = { options: [[10, CLIENT_COOKIE]] }

function settingsOf(guards: Guards): Partial<AuthoritySettings> {
  return {
    ...(guards.cookies === true
      ? {
          cookies: {
            secret: new Uint8Array(16).fill(7),
            previousSecret: new Uint8Array(0),
            require: false,
          },
        }
      : {}),
    ...(guards.rateLimit === true
      ? {
          rateLimit: {
            responsesPerSecond: 1_000_000,
            slip: 2,
            windowSeconds: 15,
            ipv4PrefixBits: 24,
            ipv6PrefixBits: 56,
            exemptNetworks: [],
          },
        }
      : {}),
  }
}

/** An authority that serves the world. */
export function authorityFor(world: World, guards: Guards = {}) {
  const { pools = 0, backends = 3, spec = {}, statics = 0 } = world
  const list = Array.from({ length: backends }, (_, index) => addressOf(index))
  const specs = Array.from({ length: pools }, (_, slot) =>
    poolSpecOf(
      { name: `app${slot}.example.com`, zone: 'example.com', addresses: list, spec },
      slot,
    ),
  )
  const snapshot = snapshotOf({ zones: { 'example.com': ZONE } })
  const [zone] = snapshot.zones
  const records = Array.from({ length: statics }, (_, index) => ({
    name: `h${index}.example.com`,
    type: 1,
    ttlSeconds: 60,
    rdata: Uint8Array.of(10, index >> 16, index >> 8, index),
  }))
  const authority = authorityOf(settingsOf(guards), Math.max(1, pools), undefined, 131_072 * 9)
  authority.tick(NOW_MS)
  authority.applySnapshot({
    ...snapshot,
    zones: [{ ...zone!, records: [...zone!.records, ...records] }],
    pools: specs,
    words: specs.map(() => list.map(() => UP)),
  })
  return authority
}

/** Asks the queries in turn, from many networks. */
export function caseOf(
  name: string,
  authority: ReturnType<typeof authorityFor>,
  asked: readonly Uint8Array[],
  guards: Guards = {},
): Case {
  const out = new Uint8Array(4096)
  // Queries lie in one slab, as a batch front hands them over.
  const stride = Math.max(STRIDE, ...asked.slice(0, 16).map((query) => query.length))
  const slab = new Uint8Array(asked.length * stride)
  for (const [index, query] of asked.entries()) slab.set(query, index * stride)
  const lengths = Uint8Array.from(asked, (query) => query.length)
  const client = { bytes: Uint8Array.of(198, 18, 0, 7), transport: 'udp' } as const
  const meters = new DnsMeters(fakeMetrics(), () => () => {})
  meters.rename(authority.serving!)
  const counts = guards.meters === true
  let next = 0
  let network = 0
  // A number that is no small integer would be allocated with each step.
  const nowMs = Float64Array.of(NOW_MS)
  const run = (queries: number) => {
    for (let index = 0; index < queries; index++) {
      network = (network + 1) % NETWORKS
      client.bytes[1] = 18 + (network >> 8)
      client.bytes[2] = network
      // As the actor does: with every 64th query.
      if ((index & 63) === 0) {
        nowMs[0]! += 0.2
        authority.tick(nowMs[0]!)
      }
      const length = lengths[next]!
      const written = authority.answer(slab, next * stride, length, out, 0, client)
      if (counts) meters.count(authority.last, written)
      next = next + 1 === asked.length ? 0 : next + 1
      if (written === 0) throw new Error(name)
    }
  }
  return { name, run }
}
