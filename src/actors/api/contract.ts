/**
 * What the API needs of the world, and how it is configured.
 */
import type { CertificateGrant, Sha256, TokenGrant } from '../../core/access/credentials.ts'
import type { ChainFault } from '../../core/audit/chain.ts'
import type { AuditEntry, AuditFields } from '../../core/audit/entry.ts'
import type { PlainConfig } from '../../core/config/plain.ts'
import type { HttpAnswer, HttpRequest } from './http.ts'
import type { RateLimits } from './throttle.ts'

export type { HttpAnswer, HttpRequest }

/** What became of a DNS question to ourselves. */
export type DnsOutcome =
  | { readonly code: 'answered'; readonly rcode: number; readonly authoritative: boolean }
  | { readonly code: 'timed-out' }
  | { readonly code: 'failed'; readonly message: string }

export interface AuditSettings {
  /** Where its segments lie; empty keeps the newest records in memory. */
  readonly folder: string
  readonly retentionMs: number
  readonly maxBytes: number
}

/** Whether the chain of the audit log holds, as far as it was read. */
export interface AuditState {
  readonly chain: 'checking' | 'intact' | 'broken'
  /** The first few. */
  readonly faults: readonly ChainFault[]
  readonly faultCount: number
  /** Of the newest record; worth noting elsewhere, for it proves all before it. */
  readonly seq: number
  readonly hash: string
  /** Records that never reached the disk. */
  readonly lost: number
  readonly failedWrites: number
}

/** The audit log. Nothing here throws or rejects. */
export interface AuditPort {
  /** Resolves once the record is on disk; `failed` means not yet, and that it is tried again. */
  append(fields: AuditFields): Promise<'committed' | 'failed'>
  /** Hands over the records, segment by segment, oldest first, until `take` returns false. */
  read(take: (entries: readonly AuditEntry[]) => boolean): Promise<'read' | 'busy'>
  state(): AuditState
  /** Calls `run` once the whole log was checked after the start. */
  onChecked(run: (state: AuditState) => void): void
}

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
  /** Apexes of the zones that are; absent for none. */
  readonly signedZones?: readonly string[]
  readonly features: readonly string[]
  readonly logging: Readonly<Record<string, unknown>>
  /** Absent where this node answers no DNS. */
  readonly dns?: Readonly<Record<string, unknown>>
  readonly healthCheck?: Readonly<Record<string, unknown>>
}

export interface ApiPorts {
  readonly sha256: Sha256
  /** Undefined where changes are not recorded. */
  readonly audit?: AuditPort
  close?(): Promise<void>
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
  /** Networks whose X-Forwarded-For is believed, exactly these; absent means none. */
  readonly trustedProxies?: readonly string[]
  /** Bearer tokens that are accepted, as their hashes. */
  readonly tokens: readonly TokenGrant[]
  /** Client certificates that are accepted; absent means none. */
  readonly certificates?: readonly CertificateGrant[]
  /** True asks every request for a token or a certificate. */
  readonly authRequired: boolean
  /** Absent means requests are not limited. */
  readonly rateLimit?: RateLimits
  /** Absent means changes are not recorded. */
  readonly audit?: AuditSettings
  /** Host names, besides addresses, localhost and names without a dot, that browsers may use. */
  readonly hostNames?: readonly string[]
  /** Where our own DNS listens. */
  readonly dnsAddress: string
  /** The path UDP queries take: `native` or `dgram`. */
  readonly dnsFront?: string
  /** A name that the file serves, asked for to learn whether we answer until tables are known. */
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
  /** What of the configuration shows in answers, without secrets; absent in tests and tools. */
  readonly plain?: PlainConfig
  /** Unix milliseconds. */
  readonly startedAtMs: number
}
