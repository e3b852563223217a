/**
 * What an overwatch says to an agent: small JSON user messages of types the Go program ignores.
 *
 * `ack` names what the overwatch holds of the agent, so it also tells an agent that the overwatch
 * has forgotten everything; `challenge` asks for proofs; `refused` says why not. They are as
 * trustworthy as the gossip key and no more: an agent takes from them when to send again, never
 * what to serve.
 */
import { limits } from '../../base/limits.ts'
import { type Result, fail } from '../../base/result.ts'
import { octetsOf } from './crypto.ts'
import { ID, ID_CHARS, NODE_CHARS } from './envelope.ts'
import { cleanText, type Fields, type Malformed, parseObject, readFields } from './json.ts'
import { type RefusalCode, refusalCodes } from './refusals.ts'

export interface RefusalSaid {
  readonly code: RefusalCode
  readonly message: string
}

interface ReplyBase {
  /** Name of the overwatch among the members. */
  readonly overwatch: string
  /** Start of the overwatch process, Unix milliseconds. */
  readonly overwatchBoot: number
  readonly agentId: string
  /** The `beat` that is answered. */
  readonly beat: number
  /** The report the overwatch holds; seq 0 when it holds none. */
  readonly boot: number
  readonly seq: number
}

export interface Ack extends ReplyBase {
  readonly type: 'ack'
  /** Parts of the report that were left out. */
  readonly refused: readonly RefusalSaid[]
}

export interface Challenge extends ReplyBase {
  readonly type: 'challenge'
  readonly nonce: string
  /** The certificate whose holder is asked. */
  readonly fingerprint: string
}

export interface Refused extends ReplyBase {
  readonly type: 'refused'
  readonly code: RefusalCode
  readonly message: string
  /** The certificate that is pinned, when another one was shown; else ''. */
  readonly fingerprint: string
}

export type Reply = Ack | Challenge | Refused

export function writeReply(reply: Reply): Uint8Array {
  const head = {
    type: reply.type,
    overwatch: reply.overwatch,
    overwatch_boot: reply.overwatchBoot,
    agent_id: reply.agentId,
    beat: reply.beat,
    boot: reply.boot,
    seq: reply.seq,
  }
  return octetsOf(JSON.stringify({ ...head, ...restOf(reply) }))
}

function restOf(reply: Reply): Record<string, unknown> {
  const chars = limits.reportTextChars.default
  if (reply.type === 'challenge') return { nonce: reply.nonce, fingerprint: reply.fingerprint }
  if (reply.type === 'refused')
    return {
      code: reply.code,
      message: cleanText(reply.message, chars),
      fingerprint: reply.fingerprint,
    }
  const told = reply.refused.slice(0, limits.trustRefusalsPerReply.default)
  return {
    refused: told.map(({ code, message }) => ({ code, message: cleanText(message, chars) })),
  }
}

const BYTES_MAX = 8_192
const TYPES = ['ack', 'challenge', 'refused'] as const

/** Reads what an overwatch said. */
export function parseReply(bytes: Uint8Array): Result<Reply, Malformed> {
  const object = parseObject(bytes, Math.min(BYTES_MAX, limits.reportBytes.default))
  if (!object.ok) return object
  const type = TYPES.find((word) => word === object.value['type'])
  if (type === undefined) return fail({ code: 'malformed', message: 'is no reply' })
  return readFields(object.value, '', (fields) => readReply(fields, type))
}

const HEX = /^(?:[0-9a-f]{64})?$/

function readReply(fields: Fields, type: Reply['type']): Reply {
  const base: ReplyBase = {
    overwatch: fields.required('overwatch', NODE_CHARS),
    overwatchBoot: fields.integer('overwatch_boot', 0, Number.MAX_SAFE_INTEGER, 0),
    agentId: fields.matching('agent_id', ID, ID_CHARS, 'an agent id'),
    beat: fields.integer('beat', 0, Number.MAX_SAFE_INTEGER, 0),
    boot: fields.integer('boot', 0, Number.MAX_SAFE_INTEGER, 0),
    seq: fields.integer('seq', 0, Number.MAX_SAFE_INTEGER, 0),
  }
  if (type === 'ack') {
    const refused = fields.list('refused', limits.trustRefusalsPerReply.default, readRefusal)
    return { ...base, type, refused: refused ?? [] }
  }
  const fingerprint = fields.text('fingerprint', 64)
  if (!HEX.test(fingerprint)) fields.fault('fingerprint', 'is not a SHA-256 in hex')
  if (type === 'challenge')
    return { ...base, type, nonce: fields.required('nonce', 128), fingerprint }
  return { ...base, type, ...readRefusal(fields), fingerprint }
}

/** A code of a later version reads as the plainest one; its sentence still says what it is. */
const readRefusal = (fields: Fields): RefusalSaid => {
  const code = fields.required('code', 64)
  return {
    code: refusalCodes.find((known) => known === code) ?? 'malformed',
    message: fields.text('message', limits.reportTextChars.default),
  }
}
