/**
 * One query and the reply being written: the state that the steps of answering share.
 *
 * There is one of it per authority, used again for each query, so that answering allocates nothing.
 * Positions named `…At` are absolute in their buffer; `owner` values are positions of a name in the
 * reply, written as a compression pointer (RFC 1035 section 4.1.4).
 */
import { limits } from '../base/limits.ts'
import { viewOf } from '../base/octets.ts'
import type { OnlineDenial } from './compact.ts'
import { LABELS_MAX } from './names.ts'
import type { Signatures } from './signatures.ts'

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

/** RFC 7873 section 4: the client's half of a cookie. */
export const CLIENT_COOKIE_BYTES = 8
/** RFC 9018 section 4: both halves. */
export const COOKIE_BYTES = 24

/** Each alias may have come from a wildcard; the last name takes up to three (RFC 5155). */
const PROOFS_MAX = limits.aliasChain.max + 4

/** Who asks. */
export interface Client {
  /** Address of the peer, 4 or 16 bytes. */
  readonly bytes: Uint8Array
  readonly transport: 'udp' | 'tcp'
}

export class Exchange {
  // The query.
  query: Uint8Array = new Uint8Array(0)
  queryView: DataView = new DataView(new ArrayBuffer(0))
  start = 0
  length = 0
  tcp = false
  client: Uint8Array = new Uint8Array(4)
  /** Whom the answer is for: the client, or the prefix it asks for (RFC 7871). */
  subject: Uint8Array = this.client
  readonly subnet4 = new Uint8Array(4)
  readonly subnet6 = new Uint8Array(16)

  // What was read from it.
  opcode = 0
  /** Whether there is a question; a query for a cookie alone has none. */
  hasQuestion = false
  /** Records that the header announces behind the question, and those before the additional. */
  records = 0
  recordsBefore = 0
  qtype = 0
  qclass = 0
  /** Octets of the question section; 0 until it was read whole. */
  questionBytes = 0
  edns = false
  ednsVersion = 0
  payloadBytes = 0
  dnssecOk = false
  /** RFC 9824 section 5.1. */
  compactOk = false
  wantsNsid = false
  wantsKeepalive = false
  readonly ecs = new DataView(new ArrayBuffer(ECS_BYTES_MAX))
  /** Octets of the ECS option's data; 0 when the query has none. */
  ecsBytes = 0
  /** `subject` is its prefix, so its scope is to be told. */
  tellsScope = false
  /** Where it tells: the prefix came as an IPv6 one, `subject` is the IPv4 address in it. */
  isMapped = false
  /** Bits of the prefix on which the answer rests. */
  scope = 0

  /** The cookie of the query, later that of the reply; what a longer one has more is not kept. */
  readonly cookie = new DataView(new ArrayBuffer(COOKIE_BYTES))
  /** Octets of the cookie in the query; 0 when it has none. */
  cookieBytes = 0
  /** False: the option means nothing. */
  readsCookies = false
  /** What came of it: COOKIE_… of cookie.ts. */
  cookieState = 0

  // The name being looked up: the question's, then each alias target. It lies in the reply.
  nameAt = 0
  // Where the same name is read: the question's in the query, since what was just written word by
  // word is slow to read at other places.
  nameView: DataView = this.queryView
  nameFrom = 0
  nameBytes = 0
  labels = 0
  /** Where each label begins, counted from `nameAt`; one more entry for the root. */
  readonly labelAt = new Uint8Array(LABELS_MAX + 1)
  readonly hashes = new Int32Array(LABELS_MAX + 1)
  /** The closest node of the table that is the name or lies above it, or -1. */
  node = -1
  /** Which label of the name that node begins at: 0 when it is the name itself. */
  nodeLabel = 0
  /** Nodes already passed by the alias chain; of a DNAME, which may be passed again, its mark. */
  readonly passed = new Int32Array(limits.aliasChain.max + 1)
  /** Beside those marks, where in the reply the DNAME lies. */
  readonly dnameAt = new Int32Array(limits.aliasChain.max + 1)
  aliases = 0

  // DNSSEC.
  /** What signs the reply; undefined where the query did not ask for it or nothing is signed. */
  signed: Signatures | undefined = undefined
  /** Who signs denials while they are answered; undefined where nobody does. */
  online: OnlineDenial | undefined = undefined
  /** A signature of the reply was made for it alone. */
  isSignedOnline = false
  /** Entries of denial to write behind the answer, and where the apex of each lies in the reply. */
  readonly proofs = new Int32Array(PROOFS_MAX)
  readonly proofApexAt = new Int32Array(PROOFS_MAX)
  proofCount = 0
  /** Of which zone the proofs are, while there are any. */
  proofZone = 0
  /** Called when an answer was noted as wanted and not signed. */
  onWanted: () => void = () => {}
  /** The run of the addresses being answered. */
  run = 0

  // The reply.
  out: Uint8Array = new Uint8Array(0)
  view: DataView = new DataView(new ArrayBuffer(0))
  base = 0
  at = 0
  /** Where the sections must end, so that OPT still fits. */
  end = 0
  rcode = 0
  authoritative = false
  truncated = false
  ede = NO_EDE
  readonly counts = new Uint16Array(3)

  /** What becomes of the reply: SEND, SLIP or HOLD of response-rate.ts. */
  fate = 0

  // The outcome, for counters: indices, or -1.
  /** The node closest to the name asked for, which gave the answer or began it. */
  source = -1
  zone = -1
  pool = -1
  /** How many of `choice` were answered; indices into the pool's addresses, best first. */
  chosen = 0
  /** The class of `subject` where it decided; -1 where nobody looked. */
  place = -1
  /** Of learned latency, how it was decided: a method of core/steer/routes.ts, or -1. */
  method = -1
  readonly choice = new Int32Array(limits.answersMax.max)

  begin(query: Uint8Array, start: number, length: number, out: Uint8Array, base: number): void {
    // Fronts hand over the same memory again and again, so views of it are made once.
    if (query !== this.query) {
      this.query = query
      this.queryView = viewOf(query)
    }
    if (out !== this.out) {
      this.out = out
      this.view = viewOf(out)
    }
    this.start = start
    this.length = length
    this.base = base
    this.at = base + HEADER_BYTES
    this.end = this.at
    this.hasQuestion = false
    this.qtype = 0
    this.qclass = 0
    this.questionBytes = 0
    this.edns = false
    this.ednsVersion = 0
    this.payloadBytes = 0
    this.dnssecOk = false
    this.compactOk = false
    this.isSignedOnline = false
    this.wantsNsid = false
    this.wantsKeepalive = false
    this.ecsBytes = 0
    this.tellsScope = false
    this.scope = 0
    this.cookieBytes = 0
    this.cookieState = 0
    this.aliases = 0
    this.signed = undefined
    this.rcode = 0
    this.authoritative = false
    this.truncated = false
    this.ede = NO_EDE
    this.clearSections()
    this.fate = 0
    this.source = -1
    this.zone = -1
    this.pool = -1
    this.chosen = 0
    this.place = -1
    this.method = -1
  }

  /** Takes back everything after the question. */
  clearSections(): void {
    this.at = this.base + HEADER_BYTES + this.questionBytes
    this.counts[ANSWER] = 0
    this.counts[AUTHORITY] = 0
    this.counts[ADDITIONAL] = 0
    this.proofCount = 0
  }
}
