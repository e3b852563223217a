/**
 * The http and https checks: one GET on a fresh connection, judged by status, and by body on
 * request.
 *
 * The server is reached by address and port, so no URL is built and IPv6 needs no brackets; name
 * resolution, redirects, kept connections and proxies have no part in it. Without a body to match
 * the connection is closed as soon as the header has been read.
 */
import { X509Certificate } from 'node:crypto'
import { type IncomingMessage, request } from 'node:http'
import { connect, isIP } from 'node:net'
import {
  type PeerCertificate,
  type SecureContext,
  type TLSSocket,
  connect as connectTls,
} from 'node:tls'
import { limits } from '../../core/base/limits.ts'
import {
  type BodyMatch,
  type Outcome,
  compileBodyMatch,
  statusAccepted,
} from '../../core/health/outcome.ts'
import { formatEndpoint } from '../../core/net/address.ts'
import type { MemberSpec } from '../../core/steer/topology.ts'
import { type Attempt, attempt, type CheckWorld } from './ports-attempt.ts'
import { faultOf } from './ports-faults.ts'

const USER_AGENT = 'OpenGSLB-HealthCheck/2.0'

export interface HttpWorld extends CheckWorld {
  readonly trust: SecureContext
}

export function probeHttp(
  member: MemberSpec,
  world: HttpWorld,
  signal?: AbortSignal,
): Promise<Outcome> {
  const { check } = member
  const secure = check.type === 'https'
  return attempt(check.timeoutMs, signal, (running) => {
    try {
      const bodyMatch = compileBodyMatch(check.bodyMatch)
      if (!bodyMatch.ok) {
        running.end({ error: 'body' })
        return () => {}
      }
      const sent = request({
        // Called only once the request is known to be well formed.
        createConnection: () => {
          const socket = secure
            ? secureSocket(member, world, running)
            : connect(world.endOf(member))
          return socket.once('connect', () => world.connected(socket.localPort))
        },
        method: 'GET',
        path: pathOf(check.path),
        setHost: false,
        headers: headersOf(member),
        maxHeaderSize: limits.probeHeaderBytes.default,
      })
      sent.on('response', (reply) => judge(reply, check.expectedStatus, bodyMatch.value, running))
      sent.on('error', (error) => running.end(faultOf(error, secure)))
      sent.end()
      return () => void sent.destroy()
    } catch {
      // node:http refuses a header or a path that is not HTTP by throwing.
      running.end({ error: 'malformed' })
      return () => {}
    }
  })
}

function judge(
  reply: IncomingMessage,
  expected: MemberSpec['check']['expectedStatus'],
  bodyMatch: BodyMatch | undefined,
  running: Attempt,
): void {
  const status = reply.statusCode ?? 0
  if (!statusAccepted(expected, status)) running.end({ error: `status ${status}` })
  else if (bodyMatch === undefined) running.end()
  else judgeBody(reply, bodyMatch, running)
}

function judgeBody(reply: IncomingMessage, matches: BodyMatch, running: Attempt): void {
  const most = limits.probeBodyBytes.default
  const chunks: Buffer[] = []
  let bytes = 0
  const finish = () => {
    const body = Buffer.concat(chunks).toString('utf8', 0, Math.min(bytes, most))
    running.end(matches(body) ? undefined : { error: 'body' })
  }
  reply.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes >= most) finish()
  })
  reply.on('end', finish)
  reply.on('error', (error) => running.end(faultOf(error, false)))
}

function secureSocket(member: MemberSpec, world: HttpWorld, running: Attempt): TLSSocket {
  const { address, check } = member
  const name = check.serverName || hostName(check.host)
  const socket = connectTls({
    ...world.endOf(member),
    // RFC 6066 section 3: an address is no server name. Without one, the certificate is verified
    // against the address.
    ...(name === '' || isIP(name) !== 0
      ? {
          checkServerIdentity: (_host: string, seen: PeerCertificate) =>
            checkAddress(address, seen),
        }
      : { servername: name }),
    secureContext: world.trust,
    rejectUnauthorized: check.verifyCertificate,
    ALPNProtocols: ['http/1.1'],
  })
  socket.once('secureConnect', () => {
    const expires = Date.parse(socket.getPeerX509Certificate()?.validTo ?? '')
    if (!Number.isNaN(expires)) running.sawCertificate(expires)
  })
  return socket
}

/**
 * Whether the certificate names the address (RFC 9110 section 4.3.5). `tls.checkServerIdentity`
 * takes an IPv6 address for a host name in some releases of Node 22.
 */
function checkAddress(address: string, seen: PeerCertificate): Error | undefined {
  if (new X509Certificate(seen.raw).checkIP(address) !== undefined) return undefined
  const fault = new Error(`the certificate does not name ${address}`)
  return Object.assign(fault, { code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
}

/** A Host field without its port. */
function hostName(host: string): string {
  if (host.startsWith('[')) return host.slice(1, host.indexOf(']'))
  const colon = host.lastIndexOf(':')
  return colon < 0 || isIP(host) === 6 ? host : host.slice(0, colon)
}

function headersOf({ address, port, check }: MemberSpec): Record<string, string> {
  // RFC 9110 section 7.2: the default port of the scheme is left out.
  const usual = check.type === 'https' ? 443 : 80
  const bracketed = formatEndpoint(address, port)
  const own = port === usual ? bracketed.slice(0, bracketed.lastIndexOf(':')) : bracketed
  return {
    Host: check.host || own,
    'User-Agent': USER_AGENT,
    Accept: '*/*',
    Connection: 'close',
  }
}

/** RFC 9112 section 3.2.1: the target begins with a slash and is printable ASCII. */
function pathOf(path: string): string {
  const rooted = path.startsWith('/') ? path : `/${path}`
  return rooted.replace(/[^\x21-\x7e]/gu, encodeURIComponent)
}
