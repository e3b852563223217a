/**
 * Reading the inside of a stream as it comes: one message, unwrapped, from its type to its end.
 *
 * A plain stream has no length in front, so the structures themselves say where they end; of a full
 * exchange each member is taken out as soon as it is there, and nothing is read twice.
 */
import type { Ack, Ping, PushNodeState, RemoteError, StreamMessage } from '../messages.ts'
import type { Inflow } from './inflow.ts'
import type { MsgpackReader } from './msgpack-read.ts'
import { readAck, readPing } from './probe-bodies.ts'
import { readNodeState, readStateHeader, type StateHeader } from './state-bodies.ts'
import { readRemoteError, readUserBytes } from './stream-message.ts'
import { messageType } from './types.ts'

export interface StreamItem {
  readonly message: StreamMessage
  /** Members of a full exchange whose entries name no possible member, and were passed over. */
  readonly lost: number
}

const simple: Readonly<Record<number, (from: MsgpackReader) => Ping | Ack | RemoteError>> = {
  [messageType.ping]: readPing,
  [messageType.ack]: readAck,
  [messageType.err]: readRemoteError,
}

export class StreamBody {
  readonly #from: Inflow
  #type: number | undefined
  #userBytes: number | undefined
  #header: StateHeader | undefined
  #seen = 0
  readonly #nodes: PushNodeState[] = []

  constructor(from: Inflow) {
    this.#from = from
  }

  /** The message, once it is there whole; nothing before, and nothing after a fault. */
  read(): StreamItem | undefined {
    if (this.#type === undefined) {
      if (!this.#from.has(1)) return undefined
      this.#type = this.#from.octet(0)
      this.#from.pass(1)
    }
    if (this.#type === messageType.user) return this.#user()
    if (this.#type === messageType.pushPull) return this.#pushPull()
    const read = simple[this.#type]
    if (read === undefined) {
      this.#from.refuse({ code: 'unknown-type', detail: `type ${this.#type} in a stream` })
      return undefined
    }
    const found = this.#from.structure(read)
    return found === undefined ? undefined : { message: found.value, lost: 0 }
  }

  #user(): StreamItem | undefined {
    this.#userBytes ??= this.#from.structure(readUserBytes)?.value
    if (this.#userBytes === undefined || !this.#from.has(this.#userBytes)) return undefined
    return { message: { type: 'user', payload: this.#from.take(this.#userBytes) }, lost: 0 }
  }

  #pushPull(): StreamItem | undefined {
    this.#header ??= this.#from.structure(readStateHeader)?.value
    if (this.#header === undefined) return undefined
    const { join, nodes: announced, userStateBytes } = this.#header
    while (this.#seen < announced) {
      const found = this.#from.structure(readNodeState)
      if (found === undefined) return undefined
      this.#seen++
      if (found.value !== undefined) this.#nodes.push(found.value)
    }
    if (!this.#from.has(userStateBytes)) return undefined
    const userState = this.#from.take(userStateBytes)
    const lost = announced - this.#nodes.length
    return { message: { type: 'push-pull', join, nodes: this.#nodes, userState }, lost }
  }
}
