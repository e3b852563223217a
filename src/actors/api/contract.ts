/**
 * What the API needs of the world, and how it is configured.
 */
import type { HttpAnswer, HttpRequest } from './http.ts'

export type { HttpAnswer, HttpRequest }

/** What became of a DNS question to ourselves. */
export type DnsOutcome =
  | { readonly code: 'answered'; readonly rcode: number; readonly authoritative: boolean }
  | { readonly code: 'timed-out' }
  | { readonly code: 'failed'; readonly message: string }

export type WriteOutcome =
  | { readonly code: 'written' }
  | { readonly code: 'failed'; readonly message: string }

export interface Machine {
  /** Resident memory of this process. */
  readonly rssBytes: number
  readonly totalBytes: number
  readonly availableBytes: number
  readonly cores: number
  /** Times of all cores together since they started; only differences mean anything. */
  readonly userMs: number
  readonly systemMs: number
  readonly idleMs: number
  /** Of this process. */
  readonly processMs: number
}

/** What `GET /api/v1/config/*` tells, in the shapes of the API. */
export interface Settings {
  /** Answers are signed. */
  readonly dnssec: boolean
  readonly features: readonly string[]
  readonly logging: Readonly<Record<string, unknown>>
  /** Absent where this node answers no DNS. */
  readonly dns?: Readonly<Record<string, unknown>>
  readonly healthCheck?: Readonly<Record<string, unknown>>
}

export interface ApiPorts {
  /**
   * Asks `address` (`host:port`) over UDP for the A record of `name`; an address that means every
   * interface is asked on loopback. Resolves within `timeoutMs`, never rejects.
   */
  askDns(address: string, name: string, timeoutMs: number): Promise<DnsOutcome>
  /** What the machine and this process use now. */
  machine(): Machine
  /** Octets nobody can guess. */
  randomBytes(count: number): Uint8Array
  /** A small document of the data directory; undefined where there is none. Never rejects. */
  readDocument(name: string): Promise<string | undefined>
  /** On disk once it resolves, and whole or not at all whatever ends the process. Never rejects. */
  writeDocument(name: string, text: string): Promise<WriteOutcome>
  /** `linux/amd64` and the like. */
  readonly platform: string
  readonly nodeVersion: string
}

export interface ApiConfig {
  readonly version: string
  readonly nodeId: string
  readonly region: string
  readonly mode: 'overwatch' | 'agent' | 'cluster'
  /** CIDR or single addresses; loopback is always included. */
  readonly allowedNetworks: readonly string[]
  /** Believe X-Forwarded-For of peers inside the allowed networks. */
  readonly trustProxyHeaders: boolean
  /** Bearer tokens that are accepted. */
  readonly tokens: readonly string[]
  /** True asks every request for a token. */
  readonly authRequired: boolean
  /** Host names, besides addresses, localhost and names without a dot, that browsers may use. */
  readonly hostNames?: readonly string[]
  /** Where our own DNS listens. */
  readonly dnsAddress: string
  /** The path UDP queries take: `native` or `dgram`. */
  readonly dnsFront?: string
  /** A name we serve, asked for to learn whether we answer. */
  readonly probeName: string
  /** Whether this overwatch checks what agents report; absent means it does. */
  readonly validates?: boolean
  /** How gossip is set up, as `GET /api/v1/gossip/config` tells it; absent where there is none. */
  readonly gossip?: Readonly<Record<string, unknown>>
  /** Where the API itself listens. */
  readonly apiPort?: number
  readonly settings?: Settings
  /** Where small documents are kept; absent means in memory alone. */
  readonly dataDir?: string
  /** Unix milliseconds. */
  readonly startedAtMs: number
}
