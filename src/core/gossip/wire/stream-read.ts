/**
 * Reading one message off a stream, in whatever pieces it comes.
 *
 * From the outside: a label, which only the side that dials sends; a frame, where encryption is
 * set; compression; the message. A connection carries one message each way, so a reader reads one;
 * what follows it is not looked at.
 */
import { limits } from '../../base/limits.ts'
import { readPacked, unpack } from './compress.ts'
import { open } from './crypt.ts'
import { Inflow } from './inflow.ts'
import type { Malformed } from './malformed.ts'
import { StreamBody, type StreamItem } from './stream-body.ts'
import { joined, messageType, NO_OCTETS, sameOctets } from './types.ts'
import type { Wire } from './wire.ts'

const FRAME_BYTES_MAX = limits.wireFrameBytes.default
const UNPACKED_MAX = limits.wireStreamUnpackedBytes.default
/** The type octet, then a length of 32 bits. */
export const FRAME_HEADER_BYTES = 5

export type StreamProgress =
  | { readonly kind: 'more' }
  | ({ readonly kind: 'message' } & StreamItem)
  | { readonly kind: 'malformed'; readonly fault: Malformed }

/** Whose octets are read: those of the side that dialled, or of the side that replies. */
export type StreamSender = 'dialer' | 'replier'

const MORE: StreamProgress = { kind: 'more' }

export class StreamReader {
  readonly #wire: Wire
  readonly #inflow = new Inflow(UNPACKED_MAX)
  #stage: 'label' | 'type' | 'frame' | 'packed' | 'body'
  #body: StreamBody | undefined
  #done: StreamProgress | undefined

  constructor(wire: Wire, sender: StreamSender) {
    this.#wire = wire
    // The side that replies writes no label, and binds its frame to it all the same.
    this.#stage = sender === 'dialer' ? 'label' : 'type'
  }

  /** Takes octets up, which may be used again after; once it is not `more`, that stays so. */
  feed(octets: Uint8Array): StreamProgress {
    if (this.#done !== undefined) return this.#done
    this.#inflow.append(octets)
    return this.#proceed()
  }

  /** The sender closed its side. */
  end(): StreamProgress {
    this.#inflow.isComplete = true
    return this.#done ?? this.#proceed()
  }

  #proceed(): StreamProgress {
    const item = this.#advance()
    const { fault } = this.#inflow
    if (fault !== undefined) this.#done = { kind: 'malformed', fault }
    else if (item !== undefined) this.#done = { kind: 'message', ...item }
    return this.#done ?? MORE
  }

  /** Goes from layer to layer as far as the octets go. */
  #advance(): StreamItem | undefined {
    if (this.#stage === 'label' && !this.#label()) return undefined
    if (this.#stage === 'type' && !this.#type()) return undefined
    if (this.#stage === 'frame') return this.#frame()
    if (this.#stage === 'packed') return this.#packed(this.#inflow)
    this.#body ??= new StreamBody(this.#inflow)
    return this.#body.read()
  }

  #label(): boolean {
    const { label, skipInboundLabelCheck } = this.#wire
    const inflow = this.#inflow
    if (!inflow.has(1)) return false
    let found = NO_OCTETS
    if (inflow.octet(0) === messageType.label) {
      if (!inflow.has(2) || !inflow.has(2 + inflow.octet(1))) return false
      const length = inflow.octet(1)
      found = inflow.peek(2 + length).slice(2)
      inflow.pass(2 + length)
      if (length === 0) inflow.refuse({ code: 'out-of-range', detail: 'an empty label' })
    }
    const isOurs = skipInboundLabelCheck === true ? found.length === 0 : sameOctets(found, label)
    if (!isOurs) inflow.refuse({ code: 'wrong-label', detail: 'a stream of another cluster' })
    this.#stage = 'type'
    return inflow.fault === undefined
  }

  #type(): boolean {
    const inflow = this.#inflow
    if (!inflow.has(1)) return false
    const { encryption } = this.#wire
    const type = inflow.octet(0)
    if (type === messageType.encrypt) {
      if (encryption === undefined)
        inflow.refuse({ code: 'encrypted', detail: 'a stream is encrypted and no key is set' })
      this.#stage = 'frame'
    } else if (encryption?.verifyIncoming === true)
      inflow.refuse({ code: 'not-encrypted', detail: 'a plain stream where keys are set' })
    else this.#stage = type === messageType.compress ? 'packed' : 'body'
    return inflow.fault === undefined
  }

  #frame(): StreamItem | undefined {
    const inflow = this.#inflow
    if (!inflow.has(FRAME_HEADER_BYTES)) return undefined
    const header = inflow.peek(FRAME_HEADER_BYTES)
    const length = frameLength(header)
    if (length > FRAME_BYTES_MAX) {
      inflow.refuse({ code: 'too-large', detail: 'an encrypted frame' })
      return undefined
    }
    const { encryption, label } = this.#wire
    if (!inflow.has(FRAME_HEADER_BYTES + length) || encryption === undefined) return undefined
    const frame = inflow.peek(FRAME_HEADER_BYTES + length)
    const aad = joined(header, label)
    const opened = open(encryption, frame.subarray(FRAME_HEADER_BYTES), aad)
    if (opened.ok) return this.#whole(opened.value)
    inflow.refuse(opened.error)
    return undefined
  }

  /** The inside of a frame, or of compression: all of it is here. */
  #whole(octets: Uint8Array): StreamItem | undefined {
    const inside = new Inflow(UNPACKED_MAX, octets)
    const item =
      octets[0] === messageType.compress ? this.#packed(inside) : new StreamBody(inside).read()
    if (inside.fault !== undefined) this.#inflow.refuse(inside.fault)
    return item
  }

  #packed(from: Inflow): StreamItem | undefined {
    const found = from.structure((reader) => {
      reader.at++
      return readPacked(reader, FRAME_BYTES_MAX)
    })
    if (found === undefined) return undefined
    const plain = unpack(found.value, { octetsLeft: UNPACKED_MAX })
    if (!plain.ok) {
      from.refuse(plain.error)
      return undefined
    }
    const inside = new Inflow(UNPACKED_MAX, plain.value)
    // Members compress once; a second layer is of an unknown type here.
    const item = new StreamBody(inside).read()
    if (inside.fault !== undefined) from.refuse(inside.fault)
    return item
  }
}

/** The length a frame states, of four octets behind its type. */
const frameLength = (header: Uint8Array): number =>
  ((header[1]! << 24) | (header[2]! << 16) | (header[3]! << 8) | header[4]!) >>> 0
