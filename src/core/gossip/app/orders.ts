/**
 * What overwatches declared for an agent's backends, told to the agent: a JSON user message of a
 * type the Go program ignores.
 *
 * It holds all drains of one overwatch for one agent, so a later one replaces it altogether. It is
 * as trustworthy as the gossip key: an agent counts the clients of these backends and says nothing
 * more of them in its own name. Beside it an agent may be asked for another key; the request names
 * the key it is about, so that it may be said often and is carried out once.
 */
import { limits } from '../../base/limits.ts'
import { type Result, fail } from '../../base/result.ts'
import type { Drain } from '../../health/report.ts'
import { octetsOf } from './crypto.ts'
import { ID, ID_CHARS, NODE_CHARS } from './envelope.ts'
import { cleanText, type Fields, type Malformed, parseObject, readFields } from './json.ts'

export interface OrderedDrain {
  /** `service:address:port`, the address being the one that answers hold. */
  readonly backend: string
  readonly drain: Drain
}

export interface Orders {
  /** Name of the overwatch among the members. */
  readonly overwatch: string
  /** Start of the overwatch process, Unix milliseconds. */
  readonly overwatchBoot: number
  /** Grows with each message of this overwatch, so that an overtaken one is left aside. */
  readonly turn: number
  readonly agentId: string
  readonly drains: readonly OrderedDrain[]
  /** The certificate, SHA-256 in hex, in whose place the agent is to make another. */
  readonly rotate?: string
}

const BYTES_MAX = 65_536
const KEY_CHARS = 600
const FINGERPRINT = /^[0-9a-f]{64}$/

export function writeOrders(orders: Orders): Uint8Array {
  const chars = limits.reportTextChars.default
  return octetsOf(
    JSON.stringify({
      type: 'drains',
      overwatch: orders.overwatch,
      overwatch_boot: orders.overwatchBoot,
      turn: orders.turn,
      agent_id: orders.agentId,
      ...(orders.rotate === undefined ? {} : { rotate: orders.rotate }),
      drains: orders.drains.map(({ backend, drain }) => ({
        backend,
        id: drain.id,
        reason: cleanText(drain.reason, chars),
        since: drain.sinceMs,
        ...(drain.untilMs === undefined ? {} : { until: drain.untilMs }),
      })),
    }),
  )
}

export function parseOrders(bytes: Uint8Array): Result<Orders, Malformed> {
  const object = parseObject(bytes, Math.min(BYTES_MAX, limits.reportBytes.default))
  if (!object.ok) return object
  if (object.value['type'] !== 'drains')
    return fail({ code: 'malformed', message: 'is no list of drains' })
  return readFields(object.value, '', (fields) => ({
    ...readRotation(fields),
    overwatch: fields.required('overwatch', NODE_CHARS),
    overwatchBoot: fields.integer('overwatch_boot', 0, Number.MAX_SAFE_INTEGER, 0),
    turn: fields.integer('turn', 0, Number.MAX_SAFE_INTEGER, 0),
    agentId: fields.matching('agent_id', ID, ID_CHARS, 'an agent id'),
    drains: fields.list('drains', limits.reportBackends.default, readDrain) ?? [],
  }))
}

function readRotation(fields: Fields): Pick<Orders, 'rotate'> {
  const rotate = fields.text('rotate', 64)
  return FINGERPRINT.test(rotate) ? { rotate } : {}
}

function readDrain(fields: Fields): OrderedDrain {
  const untilMs = fields.integer('until', 0, Number.MAX_SAFE_INTEGER, undefined)
  return {
    backend: fields.required('backend', KEY_CHARS),
    drain: {
      id: fields.required('id', NODE_CHARS),
      reason: fields.text('reason', limits.reportTextChars.default),
      by: 'overwatch',
      sinceMs: fields.integer('since', 0, Number.MAX_SAFE_INTEGER, 0),
      ...(untilMs === undefined ? {} : { untilMs }),
    },
  }
}
