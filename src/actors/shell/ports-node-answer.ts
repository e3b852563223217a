/**
 * Requests and answers of node:http in the shapes of the shell.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { ClientCertificate } from '../../core/access/credentials.ts'
import { parseAddress } from '../../core/net/address.ts'
import { reasonPhrase } from '../../core/net/http-status.ts'
import type { HttpAnswer, HttpRequest } from './contract.ts'
import { fieldsOf, foldHeaders, splitTarget } from './ports-http.ts'

const certificates = new WeakMap<Socket, ClientCertificate>()

/** What the client of this connection showed and TLS verified. */
function certificateOf(socket: Socket): ClientCertificate | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined
  const known = certificates.get(socket)
  if (known !== undefined) return known
  const shown = socket.getPeerX509Certificate()
  if (shown === undefined) return undefined
  const certificate = {
    // One attribute a line, with commas inside values escaped already.
    subject: shown.subject.split('\n').join(','),
    fingerprint: shown.fingerprint256.replaceAll(':', '').toLowerCase(),
  }
  certificates.set(socket, certificate)
  return certificate
}

export function requestOf(incoming: IncomingMessage, body: Uint8Array): HttpRequest {
  const peer = (incoming.socket.remoteAddress ?? '').replace(/%.*$/, '')
  const address = parseAddress(peer)
  const certificate = certificateOf(incoming.socket)
  return {
    ...(certificate === undefined ? {} : { certificate }),
    method: incoming.method ?? 'GET',
    ...splitTarget(incoming.url ?? '/'),
    headers: foldHeaders(rawPairs(incoming.rawHeaders)),
    body,
    remoteAddress: address.ok ? address.value.text : peer,
  }
}

function* rawPairs(raw: readonly string[]): Iterable<readonly [string, string]> {
  for (let at = 0; at + 1 < raw.length; at += 2) yield [raw[at]!, raw[at + 1]!]
}

/** What a client must have taken until it gets more time; slower than 6 kB/s is no reader. */
const PART_BYTES = 65_536

/** `stallMs`: a client that takes nothing of the answer for so long is cut off. */
export function send(
  incoming: IncomingMessage,
  response: ServerResponse,
  answer: HttpAnswer,
  closing: boolean,
  stallMs: number,
): void {
  if (response.destroyed || response.headersSent) return
  const body = Buffer.from(answer.body)
  for (const [name, value] of fieldsOf(answer)) response.setHeader(name, value)
  // RFC 9110 section 8.6: no Content-Length with 204, and none of its own with 304; with HEAD it
  // tells the length of the GET.
  const isEmpty = answer.status === 204 || answer.status === 304
  if (!isEmpty) response.setHeader('content-length', body.length)
  if (closing) response.setHeader('connection', 'close')
  response.statusCode = answer.status
  response.statusMessage = reasonPhrase[answer.status] ?? 'Status'
  pour(response, incoming.method === 'HEAD' || isEmpty ? body.subarray(0, 0) : body, stallMs)
}

/** Writes in parts, since a write tells that it is done and not how far it is. */
function pour(response: ServerResponse, body: Buffer, stallMs: number): void {
  let timer: NodeJS.Timeout | undefined
  const begin = (socket: Socket) => {
    timer = setTimeout(() => socket.destroy(), stallMs)
  }
  // Of several requests in one go the later answers wait for their turn.
  if (response.socket === null) response.once('socket', begin)
  else begin(response.socket)
  response.once('close', () => clearTimeout(timer))
  let at = 0
  const more = () => {
    timer?.refresh()
    const part = body.subarray(at, at + PART_BYTES)
    at += part.length
    if (at >= body.length) response.end(part.length > 0 ? part : undefined)
    else response.write(part, (error) => void (error || more()))
  }
  more()
}
