/**
 * One query and the reply being written: the state that the steps of answering share.
 *
 * There is one of it per authority, used again for each query, so that answering allocates nothing.
 * Positions named `…At` are absolute in their buffer; `owner` values are positions of a name in the
 * reply, written as a compression pointer (RFC 1035 section 4.1.4).
 */
import { limits } from '../base/limits.ts'

/** The three sections that follow the question, in wire order. */
export const ANSWER = 0
export const AUTHORITY = 1
export const ADDITIONAL = 2

/** No extended error is to be told. */
export const NO_EDE = -1

/** The header of a message has 12 octets (RFC 1035 section 4.1.1); the question follows. */
export const HEADER_BYTES = 12

/** RFC 7871 section 6: family, two prefix lengths and up to 16 octets of address. */
export const ECS_BYTES_MAX = 20

/** A name of 255 octets has at most 127 labels beside the root. */
export const LABELS_MAX = 127

/** Who asks. */
export interface Client {
  /** Address of the peer, 4 or 16 bytes. */
  readonly bytes: Uint8Array
  readonly transport: 'udp' | 'tcp'
}

export class Exchange {
  // The query.
  query: Uint8Array = new Uint8Array(0)
  start = 0
  length = 0
  tcp = false
  client: Uint8Array = new Uint8Array(4)

  // What was read from it.
  opcode = 0
  qtype = 0
  qclass = 0
  /** Octets of the question section; 0 until it was read whole. */
  questionBytes = 0
  edns = false
  ednsVersion = 0
  payloadBytes = 0
  dnssecOk = false
  wantsNsid = false
  wantsKeepalive = false
  readonly ecs = new Uint8Array(ECS_BYTES_MAX)
  /** Octets of the ECS option's data; 0 when the query has none. */
  ecsBytes = 0

  // The name being looked up: the question's, then each alias target. It lies in the reply.
  nameAt = 0
  nameBytes = 0
  labels = 0
  /** Where each label begins, counted from `nameAt`; one more entry for the root. */
  readonly labelAt = new Uint8Array(LABELS_MAX + 1)
  readonly hashes = new Int32Array(LABELS_MAX + 1)
  /** The closest node of the table that is the name or lies above it, or -1. */
  node = -1
  /** Which label of the name that node begins at: 0 when it is the name itself. */
  nodeLabel = 0
  /** Nodes already passed by the alias chain. */
  readonly passed = new Int32Array(limits.aliasChain.max + 1)
  aliases = 0

  // The reply.
  out: Uint8Array = new Uint8Array(0)
  base = 0
  at = 0
  /** Where the sections must end, so that OPT still fits. */
  end = 0
  rcode = 0
  authoritative = false
  truncated = false
  ede = NO_EDE
  readonly counts = new Uint16Array(3)

  // The outcome, for counters: indices, or -1.
  zone = -1
  pool = -1
  /** How many of `choice` were answered; indices into the pool's addresses, best first. */
  chosen = 0
  readonly choice = new Int32Array(limits.answersMax.max)

  begin(query: Uint8Array, start: number, length: number, out: Uint8Array, base: number): void {
    this.query = query
    this.start = start
    this.length = length
    this.out = out
    this.base = base
    this.at = base + HEADER_BYTES
    this.end = this.at
    this.qtype = 0
    this.qclass = 0
    this.questionBytes = 0
    this.edns = false
    this.ednsVersion = 0
    this.payloadBytes = 0
    this.dnssecOk = false
    this.wantsNsid = false
    this.wantsKeepalive = false
    this.ecsBytes = 0
    this.aliases = 0
    this.rcode = 0
    this.authoritative = false
    this.truncated = false
    this.ede = NO_EDE
    this.clearSections()
    this.zone = -1
    this.pool = -1
    this.chosen = 0
  }

  /** Takes back everything after the question. */
  clearSections(): void {
    this.at = this.base + HEADER_BYTES + this.questionBytes
    this.counts[ANSWER] = 0
    this.counts[AUTHORITY] = 0
    this.counts[ADDITIONAL] = 0
  }
}
