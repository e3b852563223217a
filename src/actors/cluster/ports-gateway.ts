/**
 * The JSON gateway of etcd over HTTP: a socket of this machine, or endpoints of another cluster.
 *
 * Connections are kept. An endpoint that cannot be reached, or takes too long, makes the next call
 * go to the one after it, and ends the watches that listen to it. A watch is a request whose body
 * has ended and whose answer does not: the gateway says nothing before the body ends.
 */
import * as http from 'node:http'
import * as https from 'node:https'
import { limits } from '../../core/base/limits.ts'
import { errorOf, objectOf, paths } from '../../core/cluster/gateway.ts'
import type { CallOutcome, Gateway, GatewayTarget } from './contract.ts'
import { renewing } from './ports-tls.ts'

interface Opened {
  readonly send: (
    path: string,
    body: string,
    extra: http.RequestOptions,
    heard: (response: http.IncomingMessage) => void,
  ) => http.ClientRequest
  /** Of the endpoint that is next: it grows with each that is left. */
  readonly turn: () => number
  /** Goes on with the next endpoint, unless there is none or somebody did since that turn. */
  readonly leave: (turn: number) => void
  /** What ends the watches that are open. */
  readonly watches: Set<(why: string) => void>
  readonly close: () => void
}

const AGENT = { keepAlive: true, maxSockets: 16 }

function openSocket(path: string): Opened {
  const agent = new http.Agent(AGENT)
  return {
    send: (at, body, extra, heard) => {
      const options = { ...extra, socketPath: path, path: at, method: 'POST', agent }
      const request = http.request(options, heard)
      request.end(body)
      return request
    },
    turn: () => 0,
    leave: () => {},
    watches: new Set(),
    close: () => agent.destroy(),
  }
}

function openEndpoints({ endpoints, tls }: Exclude<GatewayTarget, { kind: 'socket' }>): Opened {
  const plain = new http.Agent(AGENT)
  let secured = new https.Agent(AGENT)
  const renew = renewing(tls ?? {}, (parts) => {
    // What is on the way ends by itself; no connection of the former files is kept after that.
    secured.maxFreeSockets = 0
    for (const sockets of Object.values(secured.freeSockets))
      for (const socket of sockets ?? []) socket.destroy()
    secured = new https.Agent({ ...AGENT, ...parts })
  })
  const watches: Opened['watches'] = new Set()
  let turn = 0
  return {
    send: (at, body, extra, heard) => {
      const url = new URL(at, endpoints[turn % endpoints.length])
      const isSecured = url.protocol === 'https:'
      if (isSecured) renew()
      const options = { ...extra, method: 'POST', agent: isSecured ? secured : plain }
      const request = (isSecured ? https : http).request(url, options, heard)
      request.end(body)
      return request
    },
    turn: () => turn,
    leave: (of) => {
      if (of !== turn || endpoints.length < 2) return
      turn++
      // One that hangs would leave its watches open, and tell them nothing more.
      for (const end of [...watches]) end('its endpoint is left')
    },
    watches,
    close: () => {
      plain.destroy()
      secured.destroy()
    },
  }
}

const HEADERS = { 'content-type': 'application/json', 'grpc-metadata-hasleader': 'true' }
/** Reads of one's own member are wanted most when it has no leader. */
const PLAIN = { 'content-type': 'application/json' }

/**
 * What signing in again heals: a token that is unknown or over, one of before a change of users or
 * roles, and none at all.
 */
const STALE_TOKEN = /invalid auth token|revision of auth store is old|user name is empty/

export function openGateway(target: GatewayTarget): Gateway {
  const opened = target.kind === 'socket' ? openSocket(target.path) : openEndpoints(target)
  let token = ''

  function call(path: string, body: unknown, timeoutMs: number): Promise<CallOutcome> {
    return new Promise((resolve) => {
      const answered = (response: http.IncomingMessage) =>
        readAll(response, (text) => {
          clearTimeout(timer)
          resolve(outcomeOf(text, response.statusCode ?? 0))
        })
      const headers = token === '' ? PLAIN : { ...PLAIN, authorization: token }
      const turn = opened.turn()
      const request = opened.send(path, JSON.stringify(body), { headers }, answered)
      const failed = (code: 'timed-out' | 'unreachable', message: string) => {
        clearTimeout(timer)
        opened.leave(turn)
        resolve({ code, message })
      }
      const timer = setTimeout(() => {
        failed('timed-out', `no answer within ${timeoutMs} ms`)
        request.destroy()
      }, timeoutMs)
      request.on('error', (error) => failed('unreachable', error.message))
    })
  }

  /** Why it was not let in; empty where it was. */
  let refusal = ''
  async function authenticate(timeoutMs: number): Promise<void> {
    if (target.kind === 'socket' || target.username === '') return
    const { username: name, password } = target
    token = ''
    const outcome = await call(paths.authenticate, { name, password }, timeoutMs)
    refusal = outcome.code === 'refused' ? outcome.message : ''
    if (outcome.code !== 'answered') return
    const given = outcome.answer['token']
    token = typeof given === 'string' ? given : ''
  }

  const signsIn = target.kind === 'external' && target.username !== ''
  return {
    call: async (path, body, timeoutMs) => {
      if (signsIn && token === '') await authenticate(timeoutMs)
      const outcome = await call(path, body, timeoutMs)
      const isStale = outcome.code === 'refused' && STALE_TOKEN.test(outcome.message)
      if (!signsIn || !isStale) return outcome
      await authenticate(timeoutMs)
      // That its name is empty is what a wrong password comes to.
      if (refusal !== '') return { code: 'refused', message: refusal }
      return await call(path, body, timeoutMs)
    },
    watch: (body, line, ended) => {
      const headers = token === '' ? HEADERS : { ...HEADERS, authorization: token }
      return openWatch(opened, headers, { body, line, ended })
    },
    close: opened.close,
  }
}

interface Listened {
  readonly body: unknown
  readonly line: (text: string) => void
  readonly ended: (why: string) => void
}

/** A watch, until what is returned is called. */
function openWatch(
  opened: Opened,
  headers: http.OutgoingHttpHeaders,
  { body, line, ended }: Listened,
): () => void {
  let isOver = false
  const close = () => {
    isOver = true
    clearTimeout(timer)
    opened.watches.delete(end)
    request.destroy()
  }
  const end = (why: string) => {
    if (isOver) return
    close()
    ended(why)
  }
  const failed = (why: string) => {
    if (isOver) return
    end(why)
    opened.leave(turn)
  }
  const said = (text: string) => {
    clearTimeout(timer)
    if (!isOver) line(text)
  }
  const turn = opened.turn()
  const heard = (response: http.IncomingMessage) => readLines(response, said, end)
  const request = opened.send(paths.watch, JSON.stringify(body), { headers }, heard)
  request.on('error', (error) => failed(error.message))
  // No word may come for hours: what is between keeps the connection in mind, or its end is seen.
  request.on('socket', (socket) => socket.setKeepAlive(true, limits.clusterWatchSilenceMs.default))
  // Its first line says that it was begun.
  const mostMs = limits.clusterCallMs.default
  const timer = setTimeout(() => failed(`no word within ${mostMs} ms`), mostMs)
  opened.watches.add(end)
  return close
}

function outcomeOf(text: string | undefined, status: number): CallOutcome {
  if (text === undefined) return { code: 'too-long', message: 'the answer is too long' }
  const answer = objectOf(text)
  if (answer === undefined) {
    // What is wrong with the connection itself is said in plain words.
    const said = text.slice(0, 200).trim()
    return { code: 'refused', message: `no JSON, HTTP status ${status}: ${said}` }
  }
  const error = errorOf(answer)
  if (error === '' && status === 200) return { code: 'answered', answer }
  return { code: 'refused', message: error === '' ? `HTTP status ${status}` : error }
}

/** The whole answer; undefined past the bound. */
function readAll(response: http.IncomingMessage, done: (text: string | undefined) => void): void {
  const chunks: Buffer[] = []
  let bytes = 0
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes <= limits.clusterGatewayBytes.default) chunks.push(chunk)
    else response.destroy()
  })
  const isWhole = () => bytes <= limits.clusterGatewayBytes.default
  response.on('close', () => done(isWhole() ? Buffer.concat(chunks).toString('utf8') : undefined))
  response.on('error', () => {})
}

function readLines(
  response: http.IncomingMessage,
  line: (text: string) => void,
  end: (why: string) => void,
): void {
  let rest = ''
  response.setEncoding('utf8')
  response.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > limits.clusterGatewayBytes.default) response.destroy()
    for (const one of lines) if (one !== '') line(one)
  })
  response.on('error', () => {})
  response.on('close', () => end(rest === '' ? 'the stream ended' : rest.slice(0, 200)))
}
