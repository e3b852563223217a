/**
 * The authority: from the bytes of a query to the bytes of its reply.
 *
 * It holds the last snapshot and answers from it whatever happens elsewhere. Answering never
 * throws, never waits and allocates nothing; what it needs lies ready in typed arrays. Sockets,
 * time and counters belong to the caller.
 */
import { limits } from '../base/limits.ts'
import type { SignedParts } from '../dnssec/parts.ts'
import type { WantedSet } from '../dnssec/serving-plan.ts'
import type { Question } from '../steer/decide.ts'
import type { RouteParts } from '../steer/routes.ts'
import type { Snapshot, WordChange } from '../steer/snapshot.ts'
import { answerChaos, type ChaosName, chaosNames } from './chaos.ts'
import { COOKIE_BAD, COOKIE_GOOD, COOKIE_NONE, CookieJar, type CookieSettings } from './cookie.ts'
import { readRecords } from './edns.ts'
import { ONLINE_VERSION, type OnlineDenial } from './compact.ts'
import { type SubnetSettings, SubnetTrust, takeSubnet } from './ecs.ts'
import { type Client, Exchange, HEADER_BYTES } from './exchange.ts'
import { checkHeader, DROP, writeHeader } from './header.ts'
import { type OptSettings, optBytesMax, writeOpt } from './opt.ts'
import { readQuestion } from './question.ts'
import { resolve } from './resolve.ts'
import { HOLD, HUSH, rateMemoryBytes, type RateSettings } from './response-rate.ts'
import { ResponseRate, SLIP, slip } from './response-rate.ts'
import { Serving, type ServingParts, servingOf, wordsOf } from './serving.ts'
import type { Turns } from './steered.ts'
import { NO_KEY } from '../steer/sticky.ts'
import { CLASS_CH, CLASS_IN, extendedErrors, rcodes, types } from './types.ts'
import { Why } from './why.ts'

export interface AuthoritySettings {
  /** The largest UDP reply, and what OPT advertises. */
  readonly udpPayloadSize: number
  /** Identifier told by NSID and id.server; empty tells none. */
  readonly nsid: string
  /** Told by version.bind; empty: refused. */
  readonly versionString: string
  /** Told by TCP keepalive; 0 tells nothing. */
  readonly tcpIdleTimeoutMs: number
  /** Networks, besides loopback, that `TXT why.<name>` is told to; absent: nobody. */
  readonly whyNetworks?: readonly string[]
  /** Absent: the client subnet option is echoed, but nobody's is believed. */
  readonly subnets?: SubnetSettings
  /** Absent: cookies are not answered. */
  readonly cookies?: CookieSettings
  /** Absent: every reply is sent. */
  readonly rateLimit?: RateSettings
}

export interface AuthorityOptions extends AuthoritySettings {
  /** Turn counters, two for each slot, over shared memory. */
  readonly turns: Uint32Array
  /** Starts the name hashes; any number, drawn anew for each process. */
  readonly hashSeed: number
  /** The counts of rate limiting, for threads that share them; absent: its own. */
  readonly rateMemory?: ArrayBufferLike
  /** Signs denials of zones that have it so; absent: the chain proves them. */
  readonly online?: OnlineDenial
  /** In place of cookies and rate limits of its own: what a sample recorded of them. */
  readonly recorded?: Recorded
  /** Called with every answer that was noted for `takeWanted`. */
  readonly onWanted?: () => void
}

/** What came of cookies and rate limits, told from outside. */
export interface Recorded {
  readonly jar: Jar | undefined
  readonly rate: Rate
}

type Jar = Pick<CookieJar, 'require' | 'take'>
type Rate = Pick<ResponseRate, 'judge' | 'tick'>

/** The least an out buffer must hold. */
export const REPLY_BYTES_MIN = 512

/** RFC 1035 section 4.2.1: without EDNS a UDP message has at most 512 octets. */
const PLAIN_UDP_BYTES = 512

const TCP_BYTES = limits.tcpMessageBytes.default

/** Text as octets; what is not Latin-1 becomes a question mark. */
const octetsOf = (text: string, most: number): Uint8Array =>
  Uint8Array.from([...text].slice(0, most), (char) => {
    const code = char.codePointAt(0)!
    return code > 0xff ? 0x3f : code
  })

export class Authority {
  /** Another node answers: questions about names are refused, so that clients ask that one. */
  isRefusing = false
  /** And no other node is known to: they get no reply. */
  isSilent = false
  /** What the last call of `answer` read and wrote; overwritten by the next. */
  readonly last = new Exchange()
  readonly #hashSeed: number
  readonly #turns: Turns
  #serving: Serving | undefined
  #routes: RouteParts | undefined
  #opt!: OptSettings
  #chaos!: readonly ChaosName[]
  #why: Why | undefined
  #subnets: SubnetTrust | undefined
  readonly #recorded: Recorded | undefined
  #online: OnlineDenial | undefined
  #jar: Jar | undefined
  #rate: Rate | undefined
  readonly #rateMemory: ArrayBufferLike
  readonly #nowMs = new Float64Array(1)
  #nowSeconds = 0

  constructor(options: AuthorityOptions) {
    this.#hashSeed = options.hashSeed | 0
    this.#rateMemory =
      options.rateMemory ?? new ArrayBuffer(rateMemoryBytes(limits.rateBuckets.default))
    // With all it ever has, so that it keeps one shape.
    const question: Question = {
      ...{ family: 4, turn: 0, client: new Uint8Array(4) },
      ...{ place: 0, basis: 0, route: -1, method: -1, key: NO_KEY, leaf: -1 },
    }
    // Signed, so that a turn is always a small integer, which needs no memory of its own.
    const { buffer, byteOffset, length } = options.turns
    const counters = new Int32Array(buffer, byteOffset, length)
    this.#turns = { counters, question, beyond: 0 }
    this.#recorded = options.recorded
    if (options.onWanted !== undefined) this.last.onWanted = options.onWanted
    this.reconfigure(options)
    if (options.online !== undefined) {
      this.last.online = options.online
      this.#online = options.online
    }
  }

  /** What is being served; undefined before the first snapshot. */
  get serving(): Serving | undefined {
    return this.#serving
  }

  reconfigure(settings: AuthoritySettings): void {
    const { min, max } = limits.udpPayloadBytes
    const nsid = octetsOf(settings.nsid, limits.nsidBytes.max)
    this.#opt = {
      udpPayloadBytes: Math.min(max, Math.max(min, settings.udpPayloadSize)),
      nsid,
      keepaliveTenths: Math.min(0xffff, Math.floor(settings.tcpIdleTimeoutMs / 100)),
    }
    this.#chaos = chaosNames(octetsOf(settings.versionString, limits.versionBytes.max), nsid)
    const { cookies, rateLimit, whyNetworks, subnets } = settings
    this.#subnets = subnets === undefined ? undefined : new SubnetTrust(subnets)
    this.#why = whyNetworks === undefined ? undefined : new Why(whyNetworks)
    const recorded = this.#recorded
    if (recorded !== undefined) {
      this.#jar = recorded.jar
      this.#rate = recorded.rate
    } else {
      this.#jar = cookies === undefined ? undefined : new CookieJar(cookies)
      this.#rate =
        rateLimit === undefined
          ? undefined
          : new ResponseRate(rateLimit, this.#rateMemory, this.#hashSeed)
    }
    this.last.readsCookies = this.#jar !== undefined
    this.#rate?.tick(this.#nowMs[0]!)
  }

  /** The turn of the last question that chose a server; 0 once it was forgotten. */
  get turn(): number {
    return this.#turns.question.turn
  }

  /**
   * Version of the signatures that the last reply was made with; 0 where it had none, and one that
   * nobody holds where it was signed for this reply alone.
   */
  get signedBy(): number {
    const { last } = this
    if (last.isSignedOnline) return ONLINE_VERSION
    // Two types are answered from signatures whoever asks for them.
    const reads = last.dnssecOk || last.qtype === types.RRSIG || last.qtype === types.NSEC
    return reads ? (this.#serving?.signed?.parts.version ?? 0) : 0
  }

  forgetTurn(): void {
    this.#turns.question.turn = 0
  }

  /** Gives the turn of what is answered next, where there are no counters. */
  presetTurn(turn: number): void {
    this.#turns.beyond = turn | 0
  }

  /** Tells the time, Unix milliseconds, by which cookies and rates are judged until told again. */
  tick(nowMs: number): void {
    this.#nowMs[0] = nowMs
    this.#rate?.tick(nowMs)
    this.#online?.tick(nowMs)
    this.#nowSeconds = Math.floor(nowMs / 1_000) | 0
  }

  /** Takes a snapshot; false when it is of an epoch older than the one held. */
  applySnapshot(snapshot: Snapshot): boolean {
    const held = this.#serving
    if (held !== undefined && snapshot.epoch < held.epoch) return false
    if (held !== undefined && snapshot.epoch === held.epoch) {
      // Inside an epoch only words change; each is fenced by its own version.
      held.applyWords(snapshot.version, wordsOf(snapshot))
      return true
    }
    this.#serving = servingOf(snapshot, this.#hashSeed)
    if (this.#routes !== undefined) this.#serving.applyRoutes(this.#routes)
    return true
  }

  /**
   * Takes what was compiled elsewhere, with its words by address; false when it is of an epoch
   * older than the one held. The work is that of copying the words.
   */
  applyServing(
    epoch: number,
    version: number,
    parts: ServingParts,
    words: ArrayLike<number>,
  ): boolean {
    const held = this.#serving
    if (held !== undefined && epoch < held.epoch) return false
    if (held?.epoch === epoch) {
      held.applyWords(version, words)
      if (parts.signed !== undefined) held.applySigned(parts.signed)
    } else {
      this.#serving = new Serving(epoch, version, parts, words)
      if (this.#routes !== undefined) this.#serving.applyRoutes(this.#routes)
    }
    return true
  }

  /** Takes what was learned of clients; false when it is older than what is held. */
  applyRoutes(routes: RouteParts): boolean {
    if (this.#routes !== undefined && routes.version < this.#routes.version) return false
    this.#routes = routes
    this.#serving?.applyRoutes(routes)
    return true
  }

  /**
   * Takes other signatures of what is served; false when they are of other tables, or older than
   * those held. The next reply is signed by them, whole.
   */
  applySigned(signed: SignedParts): boolean {
    return this.#serving?.applySigned(signed) ?? false
  }

  /** Answers of several addresses that were wanted and were not signed, since the last time. */
  takeWanted(): readonly WantedSet[] {
    return this.#serving?.signed?.takeNotes() ?? []
  }

  /** Takes one word; false when it is stale or belongs to another epoch. */
  applyWord(change: WordChange): boolean {
    return this.#serving?.applyWord(change) ?? false
  }

  /**
   * Answers the query in `query[start, start + length)` into `out` from `outStart` on, and returns
   * how many bytes were written; 0: send nothing. `out` must have room for REPLY_BYTES_MIN bytes, a
   * whole message over TCP; what it has bounds the reply. The query may lie in the same place.
   */
  answer(
    query: Uint8Array,
    start: number,
    length: number,
    out: Uint8Array,
    outStart: number,
    client: Client,
  ): number {
    const x = this.last
    x.begin(query, start, length, out, outStart)
    x.tcp = client.transport === 'tcp'
    x.client = client.bytes
    x.subject = client.bytes
    const verdict = checkHeader(x)
    if (verdict === DROP) return 0
    if (verdict === rcodes.NOERROR) this.#answerQuery(x)
    else x.rcode = verdict
    if (this.isSilent && x.ede === extendedErrors.NOT_READY) {
      x.fate = HUSH
      return 0
    }
    // TCP shows that the address is not forged, a good cookie does too (RFC 7873 section 5.2.5).
    if (this.#rate !== undefined && !x.tcp && x.cookieState !== COOKIE_GOOD) {
      x.fate = this.#rate.judge(x)
      // What asked nothing cannot be told to ask again.
      if (x.fate === SLIP && x.questionBytes === 0) x.fate = HOLD
      if (x.fate === HOLD) return 0
      if (x.fate === SLIP) slip(x)
    }
    return this.#finish(x)
  }

  #answerQuery(x: Exchange): void {
    const asks = x.hasQuestion
    if (asks && !readQuestion(x)) {
      x.rcode = rcodes.FORMERR
      return
    }
    const bare = x.records === 0 && x.length === HEADER_BYTES + x.questionBytes
    if (!bare) x.rcode = readRecords(x)
    if (x.cookieBytes > 0) this.#takeCookie(x)
    if (x.ecsBytes > 0 && this.#subnets?.believes(x.client) === true) takeSubnet(x)
    x.end = this.#endOf(x)
    if (x.rcode !== rcodes.NOERROR) return
    if (!asks) {
      // RFC 7873 section 5.4: a query without a question may ask for a cookie and nothing else.
      if (x.cookieState === COOKIE_NONE) x.rcode = rcodes.FORMERR
      else if (x.cookieState === COOKIE_BAD) x.rcode = rcodes.BADCOOKIE
      return
    }
    if (x.qclass === CLASS_CH) this.#answerChaos(x)
    else if (x.qclass !== CLASS_IN) refuse(x, rcodes.REFUSED, extendedErrors.NOT_AUTHORITATIVE)
    else if (this.isRefusing) refuse(x, rcodes.REFUSED, extendedErrors.NOT_READY)
    else if (refusesType(x)) return
    else if (this.#serving !== undefined) resolve(x, this.#serving, this.#turns)
    else refuse(x, rcodes.SERVFAIL, extendedErrors.NOT_READY)
  }

  #answerChaos(x: Exchange): void {
    if (this.#why?.answer(x, this.#serving, this.#turns) !== true) answerChaos(x, this.#chaos)
  }

  #takeCookie(x: Exchange): void {
    if (this.#jar === undefined || x.rcode !== rcodes.NOERROR) return
    this.#jar.take(x, this.#nowSeconds)
    // RFC 7873 section 5.2.3: over TCP the address was shown already.
    if (!this.#jar.require || x.tcp || !x.hasQuestion) return
    if (x.cookieState !== COOKIE_GOOD) x.rcode = rcodes.BADCOOKIE
  }

  /** Where the sections of the reply must end, room for OPT set aside. */
  #endOf(x: Exchange): number {
    let bytes = TCP_BYTES
    if (!x.tcp) {
      bytes = PLAIN_UDP_BYTES
      // RFC 6891 section 6.2.3: sizes below 512 mean 512; section 6.2.5: ours bounds theirs.
      if (x.payloadBytes > bytes) bytes = Math.min(x.payloadBytes, this.#opt.udpPayloadBytes)
    }
    return x.base + Math.min(bytes, x.out.length - x.base) - optBytesMax(x, this.#opt)
  }

  #finish(x: Exchange): number {
    if (x.truncated) {
      // RFC 2181 section 9: what is left of a truncated reply would only be thrown away.
      x.clearSections()
      x.chosen = 0
      if (x.tcp) {
        // There is no larger transport to ask again on.
        x.truncated = false
        x.authoritative = false
        x.rcode = rcodes.SERVFAIL
      }
    }
    writeOpt(x, this.#opt)
    writeHeader(x)
    return x.at - x.base
  }
}

function refuse(x: Exchange, rcode: number, ede: number): void {
  x.rcode = rcode
  x.ede = ede
}

/** Refuses the types that are no data; false for one that is to be looked up like any other. */
function refusesType(x: Exchange): boolean {
  const { qtype } = x
  // RFC 6895 section 3.1: only types from 128 to 254, and OPT, are no data.
  if ((qtype < types.NXNAME || qtype > types.MAILA) && qtype !== types.OPT) return false
  switch (qtype) {
    case types.AXFR:
    case types.IXFR:
      refuse(x, rcodes.REFUSED, extendedErrors.PROHIBITED)
      return true
    case types.TKEY:
    case types.MAILB:
    case types.MAILA:
      refuse(x, rcodes.NOTIMP, extendedErrors.NOT_SUPPORTED)
      return true
    case types.OPT:
    case types.TSIG:
    // RFC 9824 section 3.5: NXNAME is not to be asked for.
    case types.NXNAME:
      refuse(x, rcodes.FORMERR, extendedErrors.INVALID_QUERY_TYPE)
      return true
    default:
      return false
  }
}
