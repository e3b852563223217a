/**
 * What both fronts share to speak the feed: frames of WebSocket and blocks of an event stream.
 *
 * A list of messages is framed once for each form and then written to every reader of a group as it
 * is. That is possible because frames of a server are not masked (RFC 6455 section 5.1) and nothing
 * is compressed: what is compressed for one connection fits no other.
 */
import type { FeedMessage } from '../../core/events/protocol.ts'
import type { HttpAnswer, HttpRequest, ListenOptions } from './contract.ts'
import { ownAnswers } from './ports-http.ts'

export type Encoding = 'json' | 'msgpack'

export const encodingOf = (protocol: string): Encoding =>
  protocol === 'opengslb.msgpack' ? 'msgpack' : 'json'

/** Opcodes with the final bit (RFC 6455 section 5.2). */
const TEXT_FRAME = 0x81
const BINARY_FRAME = 0x82

function headerOf(opcode: number, length: number): Buffer {
  if (length < 126) return Buffer.from([opcode, length])
  const header = Buffer.alloc(length < 0x1_0000 ? 4 : 10)
  header[0] = opcode
  header[1] = length < 0x1_0000 ? 126 : 127
  if (length < 0x1_0000) header.writeUInt16BE(length, 2)
  else header.writeBigUInt64BE(BigInt(length), 2)
  return header
}

type Messages = readonly FeedMessage[]

/** Makes a form of a list once, as long as somebody holds the list. */
function once(make: (messages: Messages) => Buffer): (messages: Messages) => Buffer {
  const made = new WeakMap<Messages, Buffer>()
  return (messages) => {
    const known = made.get(messages)
    if (known !== undefined) return known
    const bytes = make(messages)
    made.set(messages, bytes)
    return bytes
  }
}

export const framesOf: Readonly<Record<Encoding, (messages: Messages) => Buffer>> = {
  json: once((messages) =>
    Buffer.concat(messages.flatMap(({ json }) => [headerOf(TEXT_FRAME, json.length), json])),
  ),
  msgpack: once((messages) =>
    Buffer.concat(
      messages.flatMap(({ msgpack }) => [headerOf(BINARY_FRAME, msgpack.length), msgpack]),
    ),
  ),
}

/** HTML section 9.2.6. JSON has no line break of its own, so each event is one line of data. */
export const streamOf = once((messages) => {
  const parts: Uint8Array[] = []
  for (const { number, json } of messages) {
    const id = number > 0 ? `id: ${number}\n` : ''
    parts.push(Buffer.from(`${id}data: `), json, Buffer.from('\n\n'))
  }
  return Buffer.concat(parts)
})

/** A client comes back after a second, with the number it heard last. */
export const STREAM_START = 'retry: 1000\n\n'
/** A comment; keeps what lies between from closing an idle connection. */
export const STREAM_PING = ': ping\n\n'

export const STREAM_HEADERS: HttpAnswer['headers'] = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  // A proxy that gathers an answer before it passes it on would hold events back.
  'x-accel-buffering': 'no',
}

/** The last block of a stream that the server ends. */
export const streamEnd = (code: number, reason: string): string =>
  `data: ${JSON.stringify({ type: 'error', code: `closed-${code}`, message: reason })}\n\n`

type Head = Omit<HttpRequest, 'body'>

/** Whether this is a reader of the feed as an event stream. */
export const isStreamOrder = ({ feed }: ListenOptions, { method, path, headers }: Head): boolean =>
  feed !== undefined &&
  method === 'GET' &&
  path === feed.path &&
  (headers['accept'] ?? '').toLowerCase().includes('text/event-stream')

/** Asks whether a reader may come in; a fault of our own is a 500. */
export async function admissionOf(
  options: ListenOptions,
  head: Head,
  transport: 'websocket' | 'sse',
  isFull: boolean,
) {
  if (isFull) return { code: 'refused', answer: ownAnswers.feedFull() } as const
  try {
    return await options.feed!.admit(head, transport)
  } catch (error) {
    options.onFault(error)
    return { code: 'refused', answer: ownAnswers.broken() } as const
  }
}

/** RFC 6455 section 5.5: a control frame holds 125 bytes, two of them the code. */
export const shortReason = (reason: string): string => reason.slice(0, 123)
