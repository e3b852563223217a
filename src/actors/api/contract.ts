/**
 * What the API needs of the world, and how it is configured.
 */
import type { PlainConfig } from '../../core/config/plain.ts'
import type { HttpAnswer, HttpRequest } from './http.ts'

export type { HttpAnswer, HttpRequest }

/** What became of a DNS question to ourselves. */
export type DnsOutcome =
  | { readonly code: 'answered'; readonly rcode: number; readonly authoritative: boolean }
  | { readonly code: 'timed-out' }
  | { readonly code: 'failed'; readonly message: string }

export interface ApiPorts {
  /**
   * Asks `address` (`host:port`) over UDP for the A record of `name`; an address that means every
   * interface is asked on loopback. Resolves within `timeoutMs`, never rejects.
   */
  askDns(address: string, name: string, timeoutMs: number): Promise<DnsOutcome>
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
  /** What of the configuration shows in answers, without secrets; absent in tests and tools. */
  readonly plain?: PlainConfig
  /** Unix milliseconds. */
  readonly startedAtMs: number
}
