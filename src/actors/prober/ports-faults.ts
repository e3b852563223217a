/**
 * The names of faults: from an error of a socket, of TLS or of the HTTP parser to the few words an
 * outcome carries.
 *
 * A fault of our own machine (no descriptor, no port, a local firewall) is `local` and
 * inconclusive: running out of descriptors here must not take every server of the world out of
 * service.
 */
const names: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'reset',
  ECONNABORTED: 'reset',
  EPIPE: 'reset',
  ETIMEDOUT: 'timed-out',
  EHOSTUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ENETUNREACH: 'unreachable',
  ENETDOWN: 'unreachable',
}

const ownFaults = new Set([
  'EMFILE',
  'ENFILE',
  'ENOBUFS',
  'ENOMEM',
  'EADDRINUSE',
  'EADDRNOTAVAIL',
  'EAFNOSUPPORT',
  'EACCES',
  'EPERM',
])

export interface Fault {
  readonly error: string
  readonly inconclusive?: boolean
}

/** A code is a short word of a fixed alphabet; anything else is not repeated. */
const codeOf = (error: unknown): string => {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,60}$/.test(code) ? code : 'UNKNOWN'
}

export function faultOf(error: unknown, secure: boolean): Fault {
  const code = codeOf(error)
  const name = names[code]
  if (name !== undefined) return { error: name }
  if (ownFaults.has(code)) return { error: `local ${code}`, inconclusive: true }
  // The parser of node:http prefixes its codes so; the reply was not HTTP, or far too long.
  if (code.startsWith('HPE_')) return { error: 'malformed' }
  if (!secure) return { error: `failed ${code}` }
  // The same broken handshake has other codes in other releases of Node.js and OpenSSL.
  const broken = code === 'EPROTO' || code.startsWith('ERR_SSL_')
  return { error: broken ? 'tls handshake' : `tls ${code}` }
}
