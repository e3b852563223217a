/**
 * Who may listen to the feed, and to what.
 *
 * The same gate as for every route, and one rule more: a browser sends WebSocket requests to any
 * origin and lets the page read what comes, so a request that names an origin must name this
 * listener's own, unless it carries a token. Pages cannot set header fields on a WebSocket, so the
 * token may come as a subprotocol beside the real one.
 */
import { type Subscription, subscriptionOfQuery } from '../../../core/events/filter.ts'
import { fail, ok, type Result } from '../../../core/base/result.ts'
import type { ProductCatalogue } from '../../../messages/catalogue.ts'
import type { MessageOf } from '../../../messages/entry.ts'
import type { Gate } from '../access.ts'
import { type HttpAnswer, type HttpRequest, refuse } from '../http.ts'

export type FeedOrder = MessageOf<ProductCatalogue, 'shell.open-feed'>

export interface Admitted extends Subscription {
  /** Empty where the reader asked for none. */
  readonly protocol: string
}

export const FEED_PATH = '/api/v1/events'
const PROTOCOLS = ['opengslb.json', 'opengslb.msgpack']
const EMPTY = new Uint8Array(0)

/** The subprotocols a WebSocket client offers (RFC 6455 section 11.3.4). */
const offeredBy = ({ headers }: FeedOrder): readonly string[] =>
  (headers['sec-websocket-protocol'] ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')

/** RFC 4648 section 5; undefined when it is none. */
function fromBase64Url(text: string): string | undefined {
  if (!/^[A-Za-z0-9_-]+$/.test(text)) return undefined
  try {
    const octets = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
    return new TextDecoder().decode(Uint8Array.from(octets, (octet) => octet.charCodeAt(0)))
  } catch {
    return undefined
  }
}

function tokenOf(offered: readonly string[]): string | undefined {
  for (const name of offered) {
    if (name.startsWith('bearer64.')) return fromBase64Url(name.slice('bearer64.'.length))
    if (name.startsWith('bearer.')) return name.slice('bearer.'.length)
  }
  return undefined
}

/** As the gate wants it: a token among the subprotocols is one in `Authorization`. */
function requestOf({ transport: _, ...head }: FeedOrder, token: string | undefined): HttpRequest {
  const { headers } = head
  const isGiven = headers['authorization'] !== undefined || token === undefined
  const own = isGiven ? headers : { ...headers, authorization: `Bearer ${token}` }
  return { ...head, headers: own, body: EMPTY }
}

function protocolOf(order: FeedOrder, offered: readonly string[]): Result<string, string> {
  if (order.transport === 'sse' || offered.length === 0) return ok('')
  const chosen = offered.find((name) => PROTOCOLS.includes(name))
  if (chosen !== undefined) return ok(chosen)
  return fail(`none of the subprotocols is known; offer ${PROTOCOLS.join(' or ')}`)
}

/** `Last-Event-ID` is what a reader of SSE has heard last (HTML, section 9.2). */
function resumed({ transport, headers }: FeedOrder, subscription: Subscription): Subscription {
  const last = headers['last-event-id']
  if (transport !== 'sse' || last === undefined || !/^[0-9]{1,15}$/.test(last)) return subscription
  return { ...subscription, from: Number(last) + 1 }
}

/** Lets a reader in, or gives the answer that turns it away. */
export function admit(order: FeedOrder, gate: Gate): Result<Admitted, HttpAnswer> {
  const offered = offeredBy(order)
  const token = tokenOf(offered)
  const request = requestOf(order, token)
  const refusal = gate.refusalOfUpgrade(request)
  if (refusal !== undefined) return fail(refusal)
  const protocol = protocolOf(order, offered)
  if (!protocol.ok) return fail(refuse(400, protocol.error))
  const subscription = subscriptionOfQuery(new URLSearchParams(order.query))
  if (!subscription.ok) return fail(refuse(400, subscription.error))
  return ok({ protocol: protocol.value, ...resumed(order, subscription.value) })
}
