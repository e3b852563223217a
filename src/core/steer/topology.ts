/**
 * What the configuration and the API declare, in the form the actors work on.
 *
 * A topology is data without functions, so that it crosses threads as it is. Names are lower-case
 * presentation names without the final dot (`app.example.com`; the root is the empty string);
 * addresses are canonical text (core/net/address.ts).
 */
import type { Family } from '../net/address.ts'
import type { PolicyNode } from './policy-tree.ts'

export type Policy =
  | 'round-robin'
  | 'weighted'
  | 'failover'
  | 'geolocation'
  | 'latency'
  | 'learned_latency'
  | 'composed'

/** What a pool answers when none of its servers may be served. */
export type WhenAllDown = 'servfail' | 'last_healthy' | 'all' | 'nodata' | 'fallback'

export interface CheckSpec {
  readonly type: 'http' | 'https' | 'tcp'
  readonly intervalMs: number
  readonly timeoutMs: number
  readonly path: string
  /** Host header, and SNI and verification name for https; empty means the address. */
  readonly host: string
  /** SNI and verification name when it differs from `host`; empty means `host`. */
  readonly serverName: string
  /** Inclusive ranges of accepted statuses, by default 200-299. */
  readonly expectedStatus: readonly (readonly [number, number])[]
  /** A substring, or a `/regular expression/`, that the body must hold; empty means anything. */
  readonly bodyMatch: string
  /** False accepts any certificate. */
  readonly verifyCertificate: boolean
  /** Days before a certificate's end at which the check reports it; 0 never does. */
  readonly certificateWarnDays: number
  readonly failureThreshold: number
  readonly successThreshold: number
}

export interface MemberSpec {
  /** `service:address:port`, unique in a topology. */
  readonly key: string
  readonly service: string
  readonly address: string
  readonly family: Family
  readonly port: number
  readonly region: string
  /** 0 takes no traffic. */
  readonly weight: number
  readonly source: 'static' | 'agent' | 'api'
  readonly check: CheckSpec
}

/** Of the policies by latency. */
export interface LatencySpec {
  /** Weight of a new measurement, 0-1. */
  readonly smoothingFactor: number
  readonly maxLatencyMs: number
  readonly minSamples: number
}

/** Clients that keep to a server: how they are told apart, and how much it takes at most. */
export interface StickySpec {
  /** Bits of a client's address that tell it apart, 1-32 and 1-128. */
  readonly bits4: number
  readonly bits6: number
  /** A server takes at most so much of its fair share, above 1. */
  readonly balance: number
}

/** How shares follow the load of machines. */
export interface CapacitySpec {
  /** How far above the mean a machine may work, 0-1. */
  readonly band: number
  /** The most that a share moves at once, and the least it comes to; thousandths. */
  readonly step: number
  readonly least: number
}

export interface PoolSpec {
  /** The name served, which is also the service name. */
  readonly name: string
  /** Apex of the zone it lies in. */
  readonly zone: string
  readonly ttlSeconds: number
  readonly policy: Policy
  /** How many records an answer holds, best first. */
  readonly answers: number
  readonly whenAllDown: WhenAllDown
  /** Addresses of `whenAllDown: fallback`. */
  readonly fallback: readonly string[]
  /** For failover: how long a server must be healthy again before traffic returns to it. */
  readonly holdDownMs: number
  /** Least part of its weight, 0-1, that a pool keeps however much its servers bleed. */
  readonly bleedFloor?: number
  readonly latency?: LatencySpec
  /** Under geolocation, that clients never leave their region; absent: they do when it is down. */
  readonly geofence?: 'strict'
  /** Absent where shares leave the load of machines aside. */
  readonly capacity?: CapacitySpec
  /** Absent where clients take turns. */
  readonly sticky?: StickySpec
  /** Of the policy `composed`, what it is made of. */
  readonly tree?: PolicyNode
  readonly members: readonly MemberSpec[]
}

export interface RegionSpec {
  readonly name: string
  readonly countries: readonly string[]
  readonly continents: readonly string[]
  /** ISO 3166-2: `US-CA`. */
  readonly subdivisions?: readonly string[]
  /** Numbers of autonomous systems. */
  readonly asns?: readonly number[]
  /** Degrees. */
  readonly latitude?: number
  readonly longitude?: number
}

export interface RecordSpec {
  readonly name: string
  /** RR type number (IANA). */
  readonly type: number
  readonly ttlSeconds: number
  /** Wire form, names uncompressed. */
  readonly rdata: Uint8Array
}

export interface SoaSpec {
  readonly primary: string
  readonly contact: string
  readonly serial: number
  readonly refreshSeconds: number
  readonly retrySeconds: number
  readonly expireSeconds: number
  readonly minimumSeconds: number
  readonly ttlSeconds: number
}

export interface ZoneSpec {
  readonly apex: string
  readonly soa: SoaSpec
  /** Static records, the apex NS and the glue among them, never the SOA. */
  readonly records: readonly RecordSpec[]
}

/** What the state of servers is kept of. */
export interface FleetTopology {
  readonly pools: readonly PoolSpec[]
  readonly regions: readonly RegionSpec[]
}

export interface Topology extends FleetTopology {
  readonly zones: readonly ZoneSpec[]
}
