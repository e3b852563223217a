/**
 * A sample: one query with everything its answer followed from but the tables of its epoch.
 *
 * The bytes of the query, the client, the turn, what came of cookies and rate limits, and the words
 * of the pool that was asked; of the answer only its length and a checksum, since it can be made
 * again. A sample of a pool too large to carry its words carries a checksum of them.
 *
 * Layout of one sample, big endian: SAMPLE_FIXED octets as the offsets below say, then the client,
 * the cookie of the reply where there is one, the words, the query. Samples follow one another.
 */
import { viewOf } from '../base/octets.ts'
import { replayLimits } from '../base/limits/replay.ts'

export const SAMPLE_FIXED = 76
export const AT_MS = 0
export const EPOCH = 8
export const VERSION = 16
export const TURN = 24
export const ANSWER_CRC = 28
export const STANDS_FOR = 32
export const TOOK_NS = 36
export const POOL = 40
export const WORDS_CRC = 44
export const QUERY_BYTES = 48
export const ANSWER_BYTES = 50
export const WORDS = 52
export const FLAGS = 54
export const FATE = 55
export const COOKIE_STATE = 56
export const OUTCOME = 57
/** Two octets before it are not used. */
export const SIGNED = 60
export const ROUTES = 68

export const FLAG_TCP = 1
export const FLAG_IPV6 = 2
/** A server was chosen, so the turn counts. */
export const FLAG_STEERED = 4
/** The words are left out; their checksum is there. */
export const FLAG_HASHED = 8

/** RFC 9018 section 4: both halves of a cookie. */
export const COOKIE_BYTES = 24

export interface Sample {
  /**
   * Version of the signatures that the answer has or may have had: 0 where it has none. They are
   * state beside the tables, made anew while an epoch lasts, and too large to be carried.
   */
  readonly signed: number
  /** When it was answered, Unix milliseconds. */
  readonly atMs: number
  readonly epoch: number
  /** Newest version of any word the thread held. */
  readonly version: number
  /** The version of what was learned of clients; 0 for nothing, or where it does not count. */
  readonly routes: number
  /** A count modulo 2^32; 0 where no server was chosen. */
  readonly turn: number
  readonly steered: boolean
  /** How many queries it stands for, itself included. */
  readonly standsFor: number
  readonly tookNs: number
  /** Index of the pool in its epoch, or -1. */
  readonly pool: number
  /** Words of the pool's servers; undefined where they are left out. */
  readonly words: Uint32Array | undefined
  /** CRC-32 of the words, in the order of the servers, big endian. */
  readonly wordsCrc: number
  readonly transport: 'udp' | 'tcp'
  readonly client: Uint8Array
  readonly query: Uint8Array
  /** SEND, SLIP or HOLD of core/dns/response-rate.ts. */
  readonly fate: number
  /** COOKIE_… of core/dns/cookie.ts. */
  readonly cookieState: number
  /** The cookie of the reply; empty where there is none. */
  readonly cookie: Uint8Array
  /** Number of the outcome: core/dns/outcomes.ts. */
  readonly outcome: number
  readonly answerBytes: number
  readonly answerCrc: number
}

function sampleAt(bytes: Uint8Array, view: DataView, at: number): Sample | undefined {
  if (at + SAMPLE_FIXED > bytes.length) return
  const flags = view.getUint8(at + FLAGS)
  const queryBytes = view.getUint16(at + QUERY_BYTES)
  const wordCount = view.getUint16(at + WORDS)
  const cookieState = view.getUint8(at + COOKIE_STATE)
  if (queryBytes > replayLimits.sampleQueryBytes.max) return
  if (wordCount > replayLimits.sampleWords.max) return
  const client = at + SAMPLE_FIXED
  const cookie = client + ((flags & FLAG_IPV6) !== 0 ? 16 : 4)
  const words = cookie + (cookieState > 0 ? COOKIE_BYTES : 0)
  const query = words + wordCount * 4
  const end = query + queryBytes
  if (end > bytes.length) return
  return {
    atMs: view.getFloat64(at + AT_MS),
    signed: view.getFloat64(at + SIGNED),
    epoch: view.getFloat64(at + EPOCH),
    version: view.getFloat64(at + VERSION),
    routes: view.getFloat64(at + ROUTES),
    turn: view.getUint32(at + TURN),
    steered: (flags & FLAG_STEERED) !== 0,
    standsFor: view.getUint32(at + STANDS_FOR),
    tookNs: view.getUint32(at + TOOK_NS),
    pool: view.getInt32(at + POOL),
    words:
      (flags & FLAG_HASHED) !== 0
        ? undefined
        : Uint32Array.from({ length: wordCount }, (_, word) => view.getUint32(words + word * 4)),
    wordsCrc: view.getUint32(at + WORDS_CRC),
    transport: (flags & FLAG_TCP) !== 0 ? 'tcp' : 'udp',
    client: bytes.slice(client, cookie),
    query: bytes.slice(query, end),
    fate: view.getUint8(at + FATE),
    cookieState,
    cookie: bytes.slice(cookie, words),
    outcome: view.getUint8(at + OUTCOME),
    answerBytes: view.getUint16(at + ANSWER_BYTES),
    answerCrc: view.getUint32(at + ANSWER_CRC),
  }
}

const sizeOf = ({ client, cookie, words, query }: Sample): number =>
  SAMPLE_FIXED + client.length + cookie.length + (words?.length ?? 0) * 4 + query.length

/** The samples in `bytes`, up to the first that is not whole. */
export function readSamples(bytes: Uint8Array): Sample[] {
  const view = viewOf(bytes)
  const samples: Sample[] = []
  for (let at = 0; at < bytes.length; ) {
    const sample = sampleAt(bytes, view, at)
    if (sample === undefined) break
    samples.push(sample)
    at += sizeOf(sample)
  }
  return samples
}
