/**
 * Messages of the API that are about the process and about trust; a part of the catalogue.
 */
import type { Catalogue } from './entry.ts'
import { field } from './fields.ts'

const KIB = 1_024

export type PinOutcome = 'done' | 'malformed' | 'refused'

/** What one name, or one server, was asked or given so far. */
export interface DomainCount {
  readonly domain: string
  readonly queries: number
  /** Of those, replies with SERVFAIL. */
  readonly failures: number
}

export interface ServerCount {
  readonly domain: string
  readonly algorithm: string
  /** `address:port`. */
  readonly server: string
  readonly answers: number
}

/** Since the process started; DNS only. */
export interface CountTotals {
  readonly queries: number
  readonly byRcode: Readonly<Record<string, number>>
  readonly byTransport: Readonly<Record<string, number>>
  /** Why queries were answered as they were; see core/dns/outcomes.ts. */
  readonly byOutcome: Readonly<Record<string, number>>
  readonly decisions: number
  readonly byAlgorithm: Readonly<Record<string, number>>
}

/** Times of single queries: one in some dozens is timed. */
export interface TimeTotals {
  /** Upper ends of the buckets, seconds, rising. */
  readonly bounds: readonly number[]
  /** By bucket, those above all last. */
  readonly counts: readonly number[]
  readonly sumSeconds: number
}

export const apiEntries = {
  'shell.counters-read': {
    kind: 'fact',
    id: 95,
    from: 'shell',
    to: ['api'],
    delivery: 'latest',
    key: [],
    maxBytes: 512 * KIB,
    fields: {
      atMs: field.number('when they were read, Unix milliseconds'),
      totals: field.object<CountTotals>('what all DNS threads counted since the process started'),
      times: field.object<TimeTotals>('how long answers took, those that were timed'),
      domains: field.list<DomainCount>('totals of names that grew since they were told last'),
      servers: field.list<ServerCount>('totals of servers that grew since they were told last'),
    },
    doc: 'What DNS has counted, said each second; all rows are told again each minute.',
  },
  'api.pin-agent': {
    kind: 'request',
    id: 96,
    from: 'api',
    to: ['gossip'],
    maxBytes: 128 * KIB,
    fields: {
      agentId: field.text('whom'),
      region: field.text('where it is'),
      certificatePem: field.text('the certificate to believe from now on'),
      by: field.text('who asked'),
    },
    reply: {
      outcome: field.text<PinOutcome>('what became of it'),
      message: field.text('one sentence for the operator'),
    },
    doc: 'Believe this certificate of an agent, before its first contact or instead of another.',
  },
  'api.count-checks': {
    kind: 'request',
    id: 97,
    from: 'api',
    to: ['prober'],
    maxBytes: KIB,
    fields: {},
    reply: {
      passed: field.number('checks that passed since the prober started'),
      failed: field.number('checks that failed'),
      inconclusive: field.number('checks that a fault of our own machine ended'),
      late: field.number('servers whose check is due and waits since both lanes are full, else 0'),
    },
    doc: 'How many checks were made, and how many are late.',
  },
} as const satisfies Catalogue
