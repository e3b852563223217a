/**
 * Answers a sample again, by the very code that answered it first.
 *
 * What does not follow from the tables and words is told from outside: the turn, what came of the
 * cookie and of the rate limit. No secret is needed, and none is kept.
 */
import { assert } from '../base/assert.ts'
import { crc32 } from '../base/crc32.ts'
import { limits } from '../base/limits.ts'
import { Authority, type AuthoritySettings } from '../dns/authority.ts'
import type { Exchange } from '../dns/exchange.ts'
import { SEND } from '../dns/response-rate.ts'
import type { Serving, ServingParts } from '../dns/serving.ts'
import { FIXED, FIXED_POLICY, policies } from '../steer/pool-layout.ts'
import type { RouteParts } from '../steer/routes.ts'
import { Signatures } from '../dns/signatures.ts'
import type { SignedParts } from '../dnssec/parts.ts'
import { COOKIE_BYTES, type Sample } from './sample.ts'

/** What of the settings shows in answers; no secrets. */
export interface AnswerSettings extends Omit<AuthoritySettings, 'cookies' | 'rateLimit'> {
  readonly cookies: 'off' | 'on' | 'required'
}

export const answerSettings = ({
  udpPayloadSize,
  nsid,
  versionString,
  tcpIdleTimeoutMs,
  whyNetworks,
  subnets,
  cookies,
}: AuthoritySettings): AnswerSettings => ({
  ...(whyNetworks === undefined ? {} : { whyNetworks }),
  ...(subnets === undefined ? {} : { subnets }),
  udpPayloadSize,
  nsid,
  versionString,
  tcpIdleTimeoutMs,
  cookies: cookies === undefined ? 'off' : cookies.require ? 'required' : 'on',
})

/** What is asked again: a sample, or a question made up. */
export type Asked = Pick<
  Sample,
  'query' | 'client' | 'transport' | 'turn' | 'fate' | 'cookieState' | 'cookie'
>

/** A question nobody held back, without a cookie. */
export const asked = (query: Uint8Array, client: Uint8Array, turn: number): Asked => ({
  query,
  client,
  turn,
  transport: 'udp',
  fate: SEND,
  cookieState: 0,
  cookie: new Uint8Array(0),
})

const NO_COUNTERS = new Uint32Array(0)
const NO_WORDS: readonly number[] = []
const NO_ROUTES: RouteParts = { version: 0, slot: 0, services: [] }

export class Execution {
  readonly #authority: Authority
  readonly #out = new Uint8Array(limits.tcpMessageBytes.max)
  #asked: Asked | undefined

  constructor(settings: AnswerSettings, epoch: number, parts: ServingParts) {
    const { cookies, ...plain } = settings
    const take = (x: Exchange) => this.#takeCookie(x)
    const jar = cookies === 'off' ? undefined : { require: cookies === 'required', take }
    const rate = { judge: () => this.#asked?.fate ?? SEND, tick: () => undefined }
    this.#authority = new Authority({
      ...plain,
      turns: NO_COUNTERS,
      hashSeed: parts.table.seed,
      recorded: { jar, rate },
    })
    this.#authority.applyServing(epoch, 0, parts, NO_WORDS)
  }

  get serving(): Serving {
    return this.#authority.serving!
  }

  /** What the last call read and decided. */
  get last(): Exchange {
    return this.#authority.last
  }

  /** Sets what was learned of clients. */
  setRoutes(routes: RouteParts): void {
    if (this.serving.routesVersion !== routes.version) this.serving.applyRoutes(routes)
  }

  /** Takes away what another sample brought, where the answers of a pool could rest on it. */
  forgetRoutes(pool: number): void {
    const { fixed } = this.serving.pools.layout
    const policy = policies[fixed[pool * FIXED + FIXED_POLICY] ?? -1]
    if (policy === 'learned_latency' || policy === 'composed') this.setRoutes(NO_ROUTES)
  }

  /** Answers with these signatures of its tables from now on; undefined: as without DNSSEC. */
  signWith(signed: SignedParts | undefined): void {
    const { serving } = this
    if (serving.signed?.parts === signed) return
    assert(signed === undefined || signed.epoch === serving.epoch, 'signatures fit their tables')
    serving.signed = signed && new Signatures(signed)
  }

  /** Sets the words of one pool, in the order of its servers. */
  setWords(pool: number, words: ArrayLike<number>): void {
    const { pools } = this.serving
    for (let member = 0; member < words.length; member++)
      pools.setWord(pool, member, words[member]!)
  }

  /** The answer; empty when none is sent. */
  answer(question: Asked): Uint8Array {
    const { query, client: bytes, transport, turn } = question
    this.#asked = question
    this.#authority.presetTurn(turn)
    const client = { bytes, transport }
    const written = this.#authority.answer(query, 0, query.length, this.#out, 0, client)
    return this.#out.slice(0, written)
  }

  #takeCookie(x: Exchange): void {
    const { cookieState, cookie } = this.#asked!
    x.cookieState = cookieState
    for (let byte = 0; byte < COOKIE_BYTES; byte++) x.cookie.setUint8(byte, cookie[byte] ?? 0)
  }
}

/** What became of answering a sample again. */
export type Rerun =
  | { readonly code: 'same' | 'different'; readonly answer: Uint8Array }
  /** The pool is too large to carry its words, and they are not those of now. */
  | { readonly code: 'words-unknown' }
  /** What was learned of clients then is no longer held. */
  | { readonly code: 'routes-unknown' }
  /** The answer was signed, and the signatures of then are no longer held. */
  | { readonly code: 'signatures-unknown' }

/** Whether it could be answered again at all. */
export const isRemade = (rerun: Rerun): rerun is Extract<Rerun, { readonly answer: Uint8Array }> =>
  'answer' in rerun

/** What a sample may need and does not carry. */
export interface StateOfThen {
  /** Words of its pool as they are now, for pools too large to carry them. */
  readonly wordsNow?: { readonly words: ArrayLike<number>; readonly crc: number } | undefined
  /** The signatures of its epoch that have its version, where they are still held. */
  readonly signed?: SignedParts | undefined
  /** What was learned of clients then. */
  readonly routes?: RouteParts | undefined
}

/** Answers a sample of the execution's epoch again. */
export function rerun(
  execution: Execution,
  sample: Sample,
  { wordsNow, signed, routes }: StateOfThen = {},
): Rerun {
  if (sample.routes > 0 && sample.routes !== routes?.version) return { code: 'routes-unknown' }
  if (sample.routes > 0) execution.setRoutes(routes!)
  else execution.forgetRoutes(sample.pool)
  if (sample.signed !== (signed?.version ?? 0)) return { code: 'signatures-unknown' }
  execution.signWith(signed)
  if (sample.words !== undefined) execution.setWords(sample.pool, sample.words)
  else if (wordsNow?.crc === sample.wordsCrc) execution.setWords(sample.pool, wordsNow.words)
  else return { code: 'words-unknown' }
  execution.serving.markVersion(sample.version)
  const answer = execution.answer(sample)
  const same = answer.length === sample.answerBytes && crc32(answer) === sample.answerCrc
  return { code: same ? 'same' : 'different', answer }
}
