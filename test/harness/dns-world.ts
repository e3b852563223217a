/**
 * A small world to ask questions of: zones in zone-file notation, pools by lines of addresses.
 *
 *     const world = dnsWorld({ zones: { 'example.com': 'www 60 A 192.0.2.1' }, pools: [...] })
 *     const reply = world.ask('www.example.com', 'A')
 */
import { Authority, type AuthoritySettings } from '../../src/core/dns/authority.ts'
import { rateMemoryBytes } from '../../src/core/dns/response-rate.ts'
import { servingOf, wordsOf } from '../../src/core/dns/serving.ts'
import type { ServingPool, Snapshot } from '../../src/core/steer/snapshot.ts'
import type { SoaSpec, ZoneSpec } from '../../src/core/steer/topology.ts'
import { parseZoneFile } from '../../src/core/zone/zonefile.ts'
import { decodeReply, type Reply } from './dns-decode.ts'
import { buildQuery, type QueryParts } from './dns-query.ts'
import { UP } from './pools.ts'

export interface PoolLine {
  readonly name: string
  readonly zone: string
  readonly addresses: readonly string[]
  readonly words?: readonly number[]
  readonly spec?: Partial<ServingPool>
}

export interface WorldParts {
  readonly zones: Readonly<Record<string, string>>
  readonly pools?: readonly PoolLine[]
  readonly settings?: Partial<AuthoritySettings>
  readonly epoch?: number
  readonly version?: number
}

const SOA: SoaSpec = {
  primary: 'ns1.example.com',
  contact: 'hostmaster.example.com',
  serial: 7,
  refreshSeconds: 3600,
  retrySeconds: 600,
  expireSeconds: 86_400,
  minimumSeconds: 60,
  ttlSeconds: 300,
}

export function zoneOf(apex: string, text: string): ZoneSpec {
  const read = parseZoneFile(text, { origin: apex, file: apex, defaultTtlSeconds: 300 })
  if (!read.ok) throw new Error(JSON.stringify(read.error))
  return { apex, soa: read.value.soa ?? SOA, records: read.value.records }
}

export function poolSpecOf(line: PoolLine, slot: number): ServingPool {
  return {
    name: line.name,
    zone: line.zone,
    ttlSeconds: 30,
    policy: 'round-robin',
    answers: 1,
    whenAllDown: 'servfail',
    fallback: [],
    slot,
    ...line.spec,
    members: line.addresses.map((address) => ({
      key: `${line.name}:${address}:80`,
      address,
      port: 80,
      region: 'r1',
      weight: 100,
    })),
  }
}

export function snapshotOf(parts: WorldParts): Snapshot {
  const pools = parts.pools ?? []
  return {
    epoch: parts.epoch ?? 1,
    version: parts.version ?? 1,
    zones: Object.entries(parts.zones).map(([apex, text]) => zoneOf(apex, text)),
    pools: pools.map(poolSpecOf),
    words: pools.map((pool) => pool.addresses.map((_, index) => pool.words?.[index] ?? UP)),
  }
}

/** What the registry tells those who answer. */
export const servingSetOf = (parts: WorldParts, hashSeed: number) =>
  servingSetFrom(snapshotOf(parts), hashSeed)

export function servingSetFrom(snapshot: Snapshot, hashSeed: number) {
  const { epoch, version } = snapshot
  const words = new Uint8Array(wordsOf(snapshot).buffer)
  return { epoch, version, words, parts: servingOf(snapshot, hashSeed).parts }
}

export function authorityOf(
  settings: Partial<AuthoritySettings> = {},
  turnSlots = 64,
  turns = new Uint32Array(new SharedArrayBuffer(turnSlots * 8)),
  rateBytes = rateMemoryBytes(4_096),
): Authority {
  return new Authority({
    udpPayloadSize: 1232,
    nsid: '',
    versionString: '',
    tcpIdleTimeoutMs: 0,
    ...settings,
    turns,
    hashSeed: 0x5eed,
    rateMemory: new ArrayBuffer(rateBytes),
  })
}

export interface AskOptions extends Partial<QueryParts> {
  readonly transport?: 'udp' | 'tcp'
}

/** A client of documentation (RFC 5737). */
export const CLIENT = Uint8Array.of(198, 51, 100, 7)

/** Sends bytes as they are; undefined when nothing is sent back. */
export function sendTo(
  authority: Authority,
  query: Uint8Array,
  transport: 'udp' | 'tcp' = 'udp',
  bytes = CLIENT,
): Uint8Array | undefined {
  const out = new Uint8Array(65_535)
  const client = { bytes, transport }
  const written = authority.answer(query, 0, query.length, out, 0, client)
  return written === 0 ? undefined : out.slice(0, written)
}

export function dnsWorld(parts: WorldParts) {
  const authority = authorityOf(parts.settings)
  authority.applySnapshot(snapshotOf(parts))
  const ask = (name: string, type: string, options: AskOptions = {}): Reply => {
    const query = buildQuery({ name, type, ...options })
    const reply = sendTo(authority, query, options.transport)
    if (reply === undefined) throw new Error('nothing was sent back')
    return decodeReply(reply)
  }
  return { authority, ask }
}
