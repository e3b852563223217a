/**
 * The HTTP front on uWebSockets.js.
 *
 * It must run on the main thread: a worker that listens takes the whole process down when it is
 * ended. The library aborts the process when a handler returns without an abort handler, and
 * throws when a response is touched after the client went away; `Exchange` is the one place that
 * touches a response, attaches the handler first, and never touches it after its end. HTTP/1.0 is
 * answered 505 by the library itself.
 */
import { createServer } from 'node:net'
import { fail, ok, type Result } from '../../core/base/result.ts'
import { addressOf, type Endpoint, parseEndpoint } from '../../core/net/address.ts'
import type {
  HttpAnswer,
  HttpFront,
  HttpLimits,
  HttpRequest,
  ListenFault,
  ListenOptions,
  TlsFiles,
} from './contract.ts'
import {
  answerOf,
  BodyCollector,
  fieldsOf,
  foldHeaders,
  limitsOf,
  listenFault,
  ownAnswers,
  reasonPhrase,
  splitTarget,
} from './ports-http.ts'
import { readTls } from './ports-tls.ts'
import type { Uws, UwsApp, UwsListenSocket, UwsRequest, UwsResponse } from './uws-types.ts'

export async function listenUws(
  uws: Uws,
  options: ListenOptions,
): Promise<Result<HttpFront, ListenFault>> {
  const endpoint = parseEndpoint(options.address)
  if (!endpoint.ok) return fail({ code: 'bad-address', message: endpoint.error })
  const most = limitsOf(options)
  const opened = openApp(uws, options.tls)
  if (!opened.ok) return opened
  const { app, endsAt } = opened.value
  const load = { inFlight: 0 }
  let connections = 0
  // biome-ignore lint/suspicious/useIterableCallbackReturn: this filter is of connections
  app.filter((response, change) => {
    connections += change
    if (change > 0 && connections > most.connections) response.close()
  })
  app.any('/*', (response, request) => serve(response, request, options, most, load))
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
    ...(endsAt === undefined ? {} : { certificateEnds: endsAt }),
    close: async () => {
      if (open) app.close()
      open = false
    },
  })
}

interface OpenedApp {
  readonly app: UwsApp
  readonly endsAt?: string
}

function openApp(uws: Uws, tls: TlsFiles | undefined): Result<OpenedApp, ListenFault> {
  if (tls === undefined) return ok({ app: uws.App() })
  const read = readTls(tls)
  if (!read.ok) return read
  try {
    const app = uws.SSLApp({ cert_file_name: tls.certFile, key_file_name: tls.keyFile })
    return ok({ app, endsAt: read.value.endsAt })
  } catch {
    const message = `${tls.certFile}: TLS cannot be served with this certificate and its key`
    return fail({ code: 'bad-tls', message, file: 'certFile' })
  }
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

  answer(answer: HttpAnswer, closing = false): void {
    if (this.#over) return
    this.#end()
    const response = this.#response
    response.cork(() => {
      const phrase = reasonPhrase[answer.status] ?? 'Status'
      response.writeStatus(`${answer.status} ${phrase}`)
      for (const [name, value] of fieldsOf(answer)) response.writeHeader(name, value)
      // RFC 9110 section 8.6: no Content-Length with 204; with HEAD, the length of the GET.
      // Any first argument, undefined too, is written as a length.
      if (answer.status === 204) response.endWithoutBody()
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
): void {
  const busy = load.inFlight >= most.inFlight
  const method = request.getCaseSensitiveMethod()
  const exchange = new Exchange(response, method === 'HEAD', load)
  if (busy) {
    exchange.answer(ownAnswers.busy(), true)
    return
  }
  // The request object is gone once this function returns; the body comes later.
  const head = headOf(method, response, request)
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

function headOf(
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
