/**
 * The metadata of a member: JSON of at most 512 octets, as the Go program writes it, with `boot`
 * and `acks` added.
 *
 * A member whose metadata cannot be read is taken for an overwatch by the Go program's agents; here
 * it is reported as unreadable, and the caller decides.
 */
import { limits } from '../../base/limits.ts'
import { type Result, fail, ok } from '../../base/result.ts'
import { octetsOf } from './crypto.ts'
import { type Malformed, parseObject, readFields } from './json.ts'
import { formatTime, parseTimeUs, TIME_CHARS_MAX } from './time.ts'

export interface NodeMeta {
  readonly role: 'agent' | 'overwatch'
  readonly region: string
  readonly version: string
  /** Unix milliseconds; 0 when not said. */
  readonly timestampMs: number
  readonly agentId: string
  readonly nodeId: string
  /** Start of the process, Unix milliseconds; undefined for the Go program. */
  readonly boot: number | undefined
  /** Whether an overwatch confirms what it hears. */
  readonly acks: boolean
  /** Whether an overwatch shares what it knows with others. */
  readonly peer?: boolean
}

export const META_VERSION = '1.0.0'

/** Empty members are left out, as Go's `omitempty` does. */
export function writeMeta(meta: NodeMeta): Result<Uint8Array, string> {
  const filled = (name: string, value: string) => (value === '' ? {} : { [name]: value })
  const bytes = octetsOf(
    JSON.stringify({
      role: meta.role,
      ...filled('region', meta.region),
      version: meta.version,
      timestamp: formatTime(meta.timestampMs),
      ...filled('agent_id', meta.agentId),
      ...filled('node_id', meta.nodeId),
      ...(meta.boot === undefined ? {} : { boot: meta.boot }),
      ...(meta.acks ? { acks: 1 } : {}),
      ...(meta.peer === true ? { peer: 1 } : {}),
    }),
  )
  const most = limits.nodeMetaBytes.default
  return bytes.length <= most ? ok(bytes) : fail(`metadata has ${bytes.length} bytes, over ${most}`)
}

/** Reads metadata; what is not said is empty, what is not understood refuses it whole. */
export function parseMeta(bytes: Uint8Array): Result<NodeMeta, Malformed> {
  const object = parseObject(bytes, limits.nodeMetaBytes.default)
  if (!object.ok) return object
  const role = object.value['role']
  if (role !== 'agent' && role !== 'overwatch')
    return fail({ code: 'malformed', message: 'role is neither agent nor overwatch' })
  return readFields(object.value, '', (fields) => ({
    role,
    region: fields.text('region', 128),
    version: fields.text('version', 64),
    timestampMs: Math.floor((parseTimeUs(fields.text('timestamp', TIME_CHARS_MAX)) ?? 0) / 1_000),
    agentId: fields.text('agent_id', 160),
    nodeId: fields.text('node_id', 255),
    boot: fields.integer('boot', 1, Number.MAX_SAFE_INTEGER, undefined),
    acks: fields.integer('acks', 0, 255, 0) > 0,
    ...(fields.integer('peer', 0, 255, 0) > 0 ? { peer: true } : {}),
  }))
}
