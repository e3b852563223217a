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

export function send(
  incoming: IncomingMessage,
  response: ServerResponse,
  answer: HttpAnswer,
  closing: boolean,
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
  response.end(incoming.method === 'HEAD' || isEmpty ? undefined : body)
}
