/**
 * Requests and answers of uWebSockets.js in the shapes of the shell.
 */
import { addressOf } from '../../core/net/address.ts'
import { reasonPhrase } from '../../core/net/http-status.ts'
import type { HttpAnswer, HttpRequest } from './contract.ts'
import { fieldsOf, foldHeaders, splitTarget } from './ports-http.ts'
import type { UwsRequest, UwsResponse } from './uws-types.ts'

/** Writes status and header fields; the caller has corked the response. */
export function writeHead(response: UwsResponse, { status, headers }: Omit<HttpAnswer, 'body'>) {
  response.writeStatus(`${status} ${reasonPhrase[status] ?? 'Status'}`)
  for (const [name, value] of fieldsOf({ status, headers, body: '' }))
    response.writeHeader(name, value)
}

export function headOf(
  method: string,
  response: UwsResponse,
  request: UwsRequest,
): Omit<HttpRequest, 'body'> {
  const pairs: [string, string][] = []
  request.forEach((name, value) => void pairs.push([name, value]))
  return {
    method,
    path: splitTarget(request.getUrl()).path,
    query: request.getQuery() ?? '',
    headers: foldHeaders(pairs),
    remoteAddress: addressOf(new Uint8Array(response.getRemoteAddress())).text,
  }
}
