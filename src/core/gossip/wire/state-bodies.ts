/**
 * Bodies of the full exchange of state: its header, and one entry a member.
 */
import { limits } from '../../base/limits.ts'
import type { NodeState, PushNodeState } from '../messages.ts'
import {
  FIELD_BYTES_MAX,
  isPlace,
  NAME_BYTES_MAX,
  nothing,
  readPort,
  readU32,
  readVersions,
  U32_MAX,
} from './fields.ts'
import type { MsgpackReader } from './msgpack-read.ts'
import type { MsgpackWriter } from './msgpack-write.ts'
import { textOf } from './text.ts'
import { copyOf } from './types.ts'

const STATES_MAX = limits.wireStates.default
const USER_STATE_BYTES_MAX = limits.wireFrameBytes.default
const META_BYTES_MAX = limits.wireMetaBytes.default

const states: readonly NodeState[] = ['alive', 'suspect', 'dead', 'left']

export interface StateHeader {
  readonly nodes: number
  readonly userStateBytes: number
  readonly join: boolean
}

export function writeStateHeader(to: MsgpackWriter, header: StateHeader): void {
  to.entries(3)
  to.text('Join')
  to.boolean(header.join)
  to.text('Nodes')
  to.integer(header.nodes)
  to.text('UserStateLen')
  to.integer(header.userStateBytes)
}

export function readStateHeader(from: MsgpackReader): StateHeader {
  let nodes = 0
  let userStateBytes = 0
  let join = false
  for (let left = from.entries(); left > 0 && from.fault === undefined; left--) {
    const key = from.key()
    if (key === 'Nodes') nodes = from.integer(0, STATES_MAX)
    else if (key === 'UserStateLen') userStateBytes = from.integer(0, USER_STATE_BYTES_MAX)
    else if (key === 'Join') join = from.boolean()
    else from.skip()
  }
  return { nodes, userStateBytes, join }
}

export function writeNodeState(to: MsgpackWriter, node: PushNodeState): void {
  to.entries(7)
  to.text('Addr')
  to.octets(node.addr)
  to.text('Incarnation')
  to.integer(node.incarnation)
  to.text('Meta')
  to.octets(node.meta)
  to.text('Name')
  to.text(node.name)
  to.text('Port')
  to.integer(node.port)
  to.text('State')
  to.integer(states.indexOf(node.state))
  to.text('Vsn')
  to.octets(Uint8Array.from(node.vsn))
}

/**
 * One member, or nothing where the entry is whole but names no possible member: one odd entry must
 * not keep two halves of a cluster apart, so it is passed over and the others are taken.
 */
export function readNodeState(from: MsgpackReader): PushNodeState | undefined {
  let nameOctets = nothing.octets
  let addr = nothing.octets
  let port = 0
  let meta = nothing.octets
  let incarnation = 0
  let state = 0
  let vsn = nothing.versions
  for (let left = from.entries(); left > 0 && from.fault === undefined; left--) {
    const key = from.key()
    if (key === 'Name') nameOctets = from.view(FIELD_BYTES_MAX)
    else if (key === 'Addr') addr = from.view(FIELD_BYTES_MAX)
    else if (key === 'Port') port = readPort(from)
    else if (key === 'Meta') meta = from.view(FIELD_BYTES_MAX)
    else if (key === 'Incarnation') incarnation = readU32(from)
    else if (key === 'State') state = from.integer(0, U32_MAX)
    else if (key === 'Vsn') vsn = readVersions(from)
    else from.skip()
  }
  const named = states[state]
  if (from.fault !== undefined || named === undefined || !isPlace(addr, port)) return undefined
  if (meta.length > META_BYTES_MAX || nameOctets.length > NAME_BYTES_MAX) return undefined
  const name = textOf(nameOctets)
  if (name === undefined || name === '') return undefined
  const copies = { addr: copyOf(addr), meta: copyOf(meta) }
  return { name, port, incarnation, state: named, vsn, ...copies }
}
