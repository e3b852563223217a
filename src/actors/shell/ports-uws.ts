/**
 * The HTTP front on uWebSockets.js, for plain HTTP: its TLS keeps the certificate it started with.
 *
 * It must run on the main thread: a worker that listens takes the whole process down when it is
 * ended. The library aborts the process when a handler returns without an abort handler, and
 * throws when a response is touched after the client went away; `Exchange` is the one place that
 * touches a response, attaches the handler first, and never touches it after its end. HTTP/1.0 is
 * answered 505 by the library itself.
 */
import { createServer } from 'node:net'
import { fail, ok, type Result } from '../../core/base/result.ts'
import { type Endpoint, parseEndpoint } from '../../core/net/address.ts'
import type { HttpAnswer, HttpFront, HttpLimits, ListenFault, ListenOptions } from './contract.ts'
import { isStreamOrder } from './ports-feed.ts'
import { type UwsFeed, uwsFeed } from './ports-feed-uws.ts'
import {
  answerOf,
  BodyCollector,
  isAmbiguous,
  limitsOf,
  listenFault,
  ownAnswers,
} from './ports-http.ts'
import { headOf, writeHead } from './ports-uws-answer.ts'
import type { Uws, UwsApp, UwsListenSocket, UwsRequest, UwsResponse } from './uws-types.ts'

export async function listenUws(
  uws: Uws,
  options: ListenOptions,
): Promise<Result<HttpFront, ListenFault>> {
  const endpoint = parseEndpoint(options.address)
  if (!endpoint.ok) return fail({ code: 'bad-address', message: endpoint.error })
  if (options.tls !== undefined)
    return fail({ code: 'bad-tls', message: 'TLS is served by node:http' })
  const most = limitsOf(options)
  const app = uws.App()
  const load = { inFlight: 0 }
  let connections = 0
  const left = () => void connections--
  const feed = options.feed === undefined ? undefined : uwsFeed(options, most, left)
  // biome-ignore lint/suspicious/useIterableCallbackReturn: this filter is of connections
  app.filter((response, change) => {
    connections += change
    const room = most.connections + (feed?.streams() ?? 0)
    if (change > 0 && connections > room) response.close()
  })
  if (feed !== undefined) app.ws(options.feed!.path, feed.behaviour)
  app.any('/*', (response, request) => serve(response, request, options, most, load, feed))
  const socket = await listenOn(uws, app, endpoint.value)
  if (socket === false) {
    app.close()
    return fail(listenFault(options.address, await whyNot(endpoint.value)))
  }
  const port = uws.us_socket_local_port(socket)
  let open = true
  return ok({
    kind: 'uws',
    port,
    close: async () => {
      feed?.stop()
      if (open) app.close()
      open = false
    },
  })
}

function listenOn(uws: Uws, app: UwsApp, { host, port }: Endpoint): Promise<UwsListenSocket> {
  // Exclusive: by default a second process would share the port instead of failing.
  const exclusive = uws.LIBUS_LISTEN_EXCLUSIVE_PORT
  return new Promise((settle) => {
    if (host === '') app.listen(port, exclusive, settle)
    else app.listen(host, port, exclusive, settle)
  })
}

/** The library says only that it failed; a bind by node tells why. */
function whyNot({ host, port }: Endpoint): Promise<unknown> {
  return new Promise((settle) => {
    const server = createServer()
    server.once('error', settle)
    const done = () => server.close(() => settle(new Error('the listener could not be opened')))
    if (host === '') server.listen(port, done)
    else server.listen(port, host, done)
  })
}

interface Load {
  inFlight: number
}

/** One request and its response, from first byte to last. */
class Exchange {
  readonly #response: UwsResponse
  readonly #load: Load
  readonly #isHead: boolean
  #over = false
  #deadline: NodeJS.Timeout | undefined

  constructor(response: UwsResponse, isHead: boolean, load: Load) {
    this.#response = response
    this.#isHead = isHead
    this.#load = load
    load.inFlight++
    response.onAborted(() => this.#end())
  }

  get over(): boolean {
    return this.#over
  }

  /** Answers 408 unless the whole request is there within the time. */
  expectWithin(requestMs: number): void {
    this.#deadline = setTimeout(() => this.answer(ownAnswers.tooSlow(), true), requestMs)
    this.#deadline.unref()
  }

  arrived(): void {
    clearTimeout(this.#deadline)
  }

  /** Ends the connection without an answer; nothing more is read from it. */
  cut(): void {
    if (this.#over) return
    this.#end()
    this.#response.close()
  }

  answer(answer: HttpAnswer, closing = false): void {
    if (this.#over) return
    this.#end()
    const response = this.#response
    response.cork(() => {
      writeHead(response, answer)
      // RFC 9110 section 8.6: no Content-Length with 204, and none of its own with 304; with HEAD,
      // the length of the GET. Any first argument, undefined too, is written as a length.
      if (answer.status === 204 || answer.status === 304) response.endWithoutBody()
      else if (this.#isHead) response.endWithoutBody(Buffer.byteLength(answer.body), closing)
      else response.end(answer.body, closing)
    })
  }

  #end(): void {
    if (this.#over) return
    this.#over = true
    this.#load.inFlight--
    clearTimeout(this.#deadline)
  }
}

function serve(
  response: UwsResponse,
  request: UwsRequest,
  options: ListenOptions,
  most: HttpLimits,
  load: Load,
  feed: UwsFeed | undefined,
): void {
  const busy = load.inFlight >= most.inFlight
  const method = request.getCaseSensitiveMethod()
  // The request object is gone once this function returns; the body comes later.
  const head = headOf(method, response, request)
  if (isAmbiguous(head.headers)) {
    // An answer would not keep the library from reading what follows as the next request.
    new Exchange(response, method === 'HEAD', load).cut()
    return
  }
  if (feed !== undefined && isStreamOrder(options, head)) {
    feed.stream(response, head)
    return
  }
  const exchange = new Exchange(response, method === 'HEAD', load)
  if (busy) {
    exchange.answer(ownAnswers.busy(), true)
    return
  }
  const body = new BodyCollector(most.bodyBytes)
  exchange.expectWithin(most.requestMs)
  response.onData((chunk, isLast) => {
    if (exchange.over) return
    body.add(new Uint8Array(chunk))
    if (body.hopeless || (isLast && body.tooLarge))
      return exchange.answer(ownAnswers.tooLarge(most.bodyBytes), true)
    if (!isLast) return
    exchange.arrived()
    answerOf(options, { ...head, body: body.take() })
      .then((answer) => exchange.answer(answer))
      .catch(options.onFault)
  })
}
