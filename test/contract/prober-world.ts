/**
 * The two worlds the prober's contract is shown in: simulated servers on a virtual clock, and real
 * ones on loopback with certificates made on the spot.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type RequestListener, createServer as createHttp } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { type SecureContext, createSecureContext } from 'node:tls'
import { openPorts } from '../../src/actors/prober/ports.ts'
import type { Outcome } from '../../src/core/health/outcome.ts'
import type { MemberSpec } from '../../src/core/steer/topology.ts'
import { type Behaviour, type Certificate, SimulatedServers } from '../harness/simulated-probes.ts'
import { virtualClock } from '../harness/virtual-clock.ts'

export interface World {
  /** Where the server is reached. */
  serve(behaviour: Behaviour, family: 4 | 6): Promise<{ address: string; port: number }>
  probe(member: MemberSpec, signal?: AbortSignal): Promise<Outcome>
  /** Runs while a probe waits. */
  after(delayMs: number, run: () => void): void
  /** Header fields of the requests seen; only real servers see any. */
  readonly seen: { readonly url: string; readonly headers: Record<string, unknown> }[]
  /** Connections open at the servers now; only real servers have any. */
  open(): number
  close(): Promise<void>
}

const loopback = (family: 4 | 6) => (family === 4 ? '127.0.0.1' : '::1')

export function simulatedWorld(nowMs: number): World {
  const clock = virtualClock(nowMs)
  const servers = new SimulatedServers()
  const ports = servers.ports(clock)
  let port = 1_000
  return {
    serve: async (behaviour, family) => {
      port++
      servers.set(loopback(family), port, behaviour)
      return { address: loopback(family), port }
    },
    probe: async (member, signal) => {
      const outcome = ports.probe(member, signal)
      await clock.advanceAsync(10_000)
      return outcome
    },
    after: (delayMs, run) => void clock.after(delayMs, run),
    seen: [],
    open: () => 0,
    close: async () => {},
  }
}

/** A throw-away authority and what it signs, made by the openssl command. */
class Authority {
  readonly #folder = mkdtempSync(join(tmpdir(), 'prober-certificates-'))
  #made = 0
  readonly pem: string

  constructor() {
    this.#openssl('req -x509 -days 40 -subj /CN=Authority -keyout ca.key -out ca.pem', newKey)
    this.pem = this.#read('ca.pem')
  }

  make(certificate: Certificate): { key: string; cert: string; expiresMs: number } {
    const name = `leaf${this.#made++}`
    const alternatives = certificate.names.map(
      (one) => `${/[a-z]/.test(one) ? 'DNS' : 'IP'}:${one}`,
    )
    writeFileSync(join(this.#folder, 'names'), `subjectAltName=${alternatives.join(',')}`)
    const days = Math.round((certificate.expiresMs - Date.now()) / 86_400_000)
    const subject = `-subj /CN=${name}`
    this.#openssl(`req ${subject} -keyout ${name}.key -out ${name}.csr`, newKey)
    const signer =
      certificate.signedBy === 'itself'
        ? `-signkey ${name}.key`
        : '-CA ca.pem -CAkey ca.key -CAcreateserial'
    this.#openssl(
      `x509 -req -in ${name}.csr ${signer} -days ${days} -extfile names -out ${name}.pem`,
    )
    const shown = this.#openssl(`x509 -in ${name}.pem -noout -enddate`).trim()
    const expiresMs = Date.parse(shown.slice('notAfter='.length))
    return { key: this.#read(`${name}.key`), cert: this.#read(`${name}.pem`), expiresMs }
  }

  close(): void {
    rmSync(this.#folder, { recursive: true })
  }

  #read(file: string): string {
    return readFileSync(join(this.#folder, file), 'utf8')
  }

  #openssl(line: string, more: readonly string[] = []): string {
    const words = [...line.split(' '), ...more]
    return execFileSync('openssl', words, { cwd: this.#folder, stdio: 'pipe', encoding: 'utf8' })
  }
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

export interface RealWorld extends World {
  /** The end a made certificate really has, Unix milliseconds. */
  expiresMs(certificate: Certificate): number
}

export function realWorld(): RealWorld {
  const authority = new Authority()
  const made = new Map<Certificate, ReturnType<Authority['make']>>()
  const ports = openPorts({ trustedAuthorities: [authority.pem] })
  const servers: Server[] = []
  const sockets = new Set<Socket>()
  const seen: World['seen'] = []

  const leafOf = (certificate: Certificate) => {
    const leaf = made.get(certificate) ?? authority.make(certificate)
    made.set(certificate, leaf)
    return leaf
  }

  const serve: World['serve'] = async (behaviour, family) => {
    const server = build(behaviour, leafOf, seen)
    server.on('connection', (socket) => {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => sockets.delete(socket))
    })
    const address = loopback(family)
    await new Promise<void>((done) => server.listen({ host: address, port: 0 }, done))
    const { port } = server.address() as AddressInfo
    if (behaviour.kind === 'refused') await new Promise((done) => server.close(done))
    else servers.push(server)
    return { address, port }
  }
  return {
    serve,
    probe: (member, signal) => ports.probe(member, signal),
    after: (delayMs, run) => void setTimeout(run, delayMs),
    seen,
    open: () => sockets.size,
    expiresMs: (certificate) => leafOf(certificate).expiresMs,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await Promise.all(servers.map((server) => new Promise((done) => server.close(done))))
      authority.close()
    },
  }
}

type LeafOf = (certificate: Certificate) => { key: string; cert: string }

function build(behaviour: Behaviour, leafOf: LeafOf, seen: World['seen']): Server {
  switch (behaviour.kind) {
    case 'http':
      return createHttp(replier(behaviour, seen))
    case 'https':
      return buildSecure(behaviour, leafOf, seen)
    case 'garbage':
      return createServer((socket) => socket.once('data', () => socket.end('hello, stranger\r\n')))
    case 'flood':
      return createServer((socket) => socket.once('data', () => flood(socket)))
    case 'reset':
      return createServer((socket) => socket.once('data', () => socket.resetAndDestroy()))
    default:
      return createServer((socket) => void socket.resume())
  }
}

function flood(socket: Socket): void {
  socket.write('HTTP/1.1 200 OK\r\n')
  again(socket, `X-More: ${'x'.repeat(1_000)}\r\n`)
}

/** Writes the text for as long as somebody reads. */
function again(stream: Writable, text: string): void {
  const more = () => {
    if (!stream.destroyed) stream.write(text, more)
  }
  more()
}

function buildSecure(behaviour: Behaviour, leafOf: LeafOf, seen: World['seen']): Server {
  const all = (behaviour.certificates ?? []).map((one) => ({ ...one, ...leafOf(one) }))
  const contexts = new Map<string, SecureContext>()
  for (const { names, key, cert } of all)
    for (const name of names) contexts.set(name, createSecureContext({ key, cert }))
  const { key, cert } = all[0]!
  return createHttps(
    { key, cert, SNICallback: (name, done) => done(null, contexts.get(name)) },
    replier(behaviour, seen),
  )
}

function replier(behaviour: Behaviour, seen: World['seen']): RequestListener {
  const { status = 200, body = '', headersAfterMs, bodyAfterMs } = behaviour
  return (request, reply) => {
    seen.push({ url: request.url ?? '', headers: request.headers })
    const writeBody = () => {
      if (behaviour.endless === true) return again(reply, body)
      if (behaviour.breaksOff !== true) return void reply.end(body)
      reply.write(body.slice(0, body.length >> 1))
      setTimeout(() => request.socket.resetAndDestroy(), 20)
    }
    const writeHeaders = () => {
      const length =
        behaviour.chunked === true || behaviour.endless === true
          ? {}
          : { 'Content-Length': Buffer.byteLength(body) }
      reply.writeHead(status, { Location: '/elsewhere', ...length })
      if (bodyAfterMs === undefined) return writeBody()
      reply.flushHeaders()
      setTimeout(writeBody, bodyAfterMs)
    }
    if (headersAfterMs === undefined) writeHeaders()
    else setTimeout(writeHeaders, headersAfterMs)
  }
}
