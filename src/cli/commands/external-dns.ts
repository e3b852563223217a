/**
 * `external-dns`: a webhook provider for ExternalDNS of Kubernetes, beside it in its pod.
 *
 * Listens on loopback, as the contract advises; whoever reaches it may change what the API lets
 * this client change. Bodies are bounded, and an error of the API is told as 500, after which
 * ExternalDNS comes again.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Command } from 'commander'
import {
  adjusted,
  callsFor,
  endpointsOf,
  type KnownDomain,
  type KnownServer,
  MEDIA_TYPE,
  readChanges,
  readEndpoints,
} from '../external-dns.ts'
import { CommandFailed, type Io, type Shell, shellOf } from '../shell.ts'
import { listOf, wholeOf } from './objects.ts'

const BODY_BYTES_MAX = 16_777_216

interface Options {
  readonly listen: string
  readonly zones: string
  readonly region: string
  readonly port: string
}

interface Answer {
  readonly status: number
  readonly body?: unknown
}

/** A server as the API lists it. */
interface Listed {
  readonly id: string
  readonly address: string
  readonly metadata: Readonly<Record<string, string>>
}

async function jsonOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > BODY_BYTES_MAX) return undefined
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch {
    return undefined
  }
}

const known = async (shell: Shell) => {
  const { domains } = await shell.get<{ domains: KnownDomain[] }>('GET', '/api/v1/domains')
  const { servers } = await shell.get<{ servers: Listed[] }>('GET', '/api/v1/servers')
  const named = servers.map(
    ({ id, address, metadata }): KnownServer => ({
      id,
      address,
      service: metadata['service'] ?? '',
    }),
  )
  return { domains, servers: named }
}

async function apply(shell: Shell, body: unknown, options: Options): Promise<Answer> {
  const changes = readChanges(body)
  if (changes === undefined) return { status: 400, body: { error: 'no changes of ExternalDNS' } }
  const { domains, servers } = await known(shell)
  const traits = { port: wholeOf('--port', options.port), region: options.region }
  const plan = callsFor(changes, domains, servers, traits)
  if ('error' in plan) return { status: 500, body: { error: plan.error } }
  for (const call of plan.calls) await shell.get(call.method, call.path, call.body)
  return { status: 204 }
}

async function answerTo(request: IncomingMessage, shell: Shell, options: Options): Promise<Answer> {
  const what = `${request.method} ${(request.url ?? '/').split('?')[0]}`
  switch (what) {
    case 'GET /healthz':
      return { status: 200, body: { status: 'ok' } }
    case 'GET /': {
      const zones = listOf(options.zones)
      // The first is what the Go types read, the second what the published page shows.
      return { status: 200, body: { include: zones, filters: zones } }
    }
    case 'GET /records': {
      const { domains, servers } = await known(shell)
      return { status: 200, body: endpointsOf(domains, servers) }
    }
    case 'POST /records':
      return apply(shell, await jsonOf(request), options)
    case 'POST /adjustendpoints': {
      const endpoints = readEndpoints(await jsonOf(request))
      if (endpoints === undefined) return { status: 400, body: { error: 'no list of endpoints' } }
      return { status: 200, body: adjusted(endpoints) }
    }
    default:
      return { status: 404, body: { error: `${what} is not part of the contract` } }
  }
}

function send(response: ServerResponse, { status, body }: Answer): void {
  response.writeHead(status, { 'content-type': MEDIA_TYPE, vary: 'content-type' })
  response.end(body === undefined ? undefined : JSON.stringify(body))
}

const serverOf = (shell: Shell, options: Options): Server =>
  createServer((request, response) => {
    answerTo(request, shell, options)
      .catch((error: Error): Answer => {
        shell.io.err(`external-dns: ${error.message}`)
        return { status: 500, body: { error: error.message } }
      })
      .then((answer) => send(response, answer))
      .catch(() => response.destroy())
  })

export function addExternalDns(program: Command, io: Io): void {
  program
    .command('external-dns')
    .description('serve as a webhook provider of ExternalDNS; runs until it is stopped')
    .requiredOption('--zones <list>', 'zones that ExternalDNS may write to')
    .requiredOption('--region <name>', 'region of the servers that are made')
    .option('--port <number>', 'port of the servers, where they are checked', '443')
    .option('--listen <address>', 'where ExternalDNS reaches it', '127.0.0.1:8888')
    .action(async (options: Options, command: Command) => {
      const shell = shellOf(command, io)
      wholeOf('--port', options.port)
      const colon = options.listen.lastIndexOf(':')
      const server = serverOf(shell, options)
      server.listen(
        wholeOf('--listen', options.listen.slice(colon + 1)),
        options.listen.slice(0, colon),
      )
      await once(server, 'listening').catch((error: Error) => {
        throw new CommandFailed(`--listen: ${error.message}`)
      })
      io.out(`external-dns listens on port ${(server.address() as AddressInfo).port}`)
      if (io.stopped?.aborted !== true)
        await new Promise((resolve) => io.stopped?.addEventListener('abort', resolve))
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    })
}
