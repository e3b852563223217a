/**
 * Tokens and certificates against those that are known.
 *
 * A token is held as its SHA-256 only. A token worth the name is drawn at random, so there is no
 * dictionary to slow down and a plain hash keeps it. What is compared are the hashes, all of them,
 * each in constant time: neither the place of a difference nor which token it was shows.
 */
import { equalInConstantTime } from '../gossip/app/base64.ts'
import type { Grant } from './roles.ts'

export interface TokenGrant extends Grant {
  /** SHA-256 of the token's UTF-8 octets, lower-case hex. */
  readonly hash: string
  /** Unix milliseconds; absent means never. */
  readonly expiresAtMs?: number
}

export interface CertificateGrant extends Grant {
  /** Attributes the subject must have, each by its short name: `{ CN: 'ops' }`. */
  readonly subject?: Readonly<Record<string, string>>
  /** SHA-256 of the certificate's DER, lower-case hex. */
  readonly fingerprint?: string
}

/** A certificate that the TLS layer has verified up to a configured authority. */
export interface ClientCertificate {
  /** `CN=ops,O=Example`; a comma or backslash inside a value has a backslash before it. */
  readonly subject: string
  /** SHA-256 of the DER, lower-case hex. */
  readonly fingerprint: string
}

export type TokenFound =
  | { readonly code: 'known'; readonly grant: TokenGrant }
  | { readonly code: 'expired'; readonly grant: TokenGrant }
  | { readonly code: 'unknown' }

export type Sha256 = (bytes: Uint8Array) => Uint8Array

const encoder = new TextEncoder()

/** Octets of lower-case hex; what is no hex gives none, and equals no hash. */
function octetsOfHex(hex: string): Uint8Array {
  if (!/^(?:[0-9a-f]{2})+$/.test(hex)) return new Uint8Array(0)
  return Uint8Array.from(hex.match(/../g)!, (pair) => Number.parseInt(pair, 16))
}

export class Tokens {
  readonly #sha256: Sha256
  readonly #known: readonly { readonly grant: TokenGrant; readonly hash: Uint8Array }[]

  constructor(grants: readonly TokenGrant[], sha256: Sha256) {
    this.#sha256 = sha256
    this.#known = grants.map((grant) => ({ grant, hash: octetsOfHex(grant.hash) }))
  }

  find(token: string, nowMs: number): TokenFound {
    const given = this.#sha256(encoder.encode(token))
    let found: TokenGrant | undefined
    for (const { grant, hash } of this.#known) if (equalInConstantTime(hash, given)) found = grant
    if (found === undefined) return { code: 'unknown' }
    const { expiresAtMs } = found
    if (expiresAtMs !== undefined && nowMs >= expiresAtMs) return { code: 'expired', grant: found }
    return { code: 'known', grant: found }
  }
}

/**
 * Attributes of a subject as text (RFC 4514 section 3); of an attribute given twice the first
 * counts. Text without an equals sign is a common name.
 */
export function subjectOf(text: string): Readonly<Record<string, string>> {
  const attributes = new Map<string, string>()
  const parts = text.match(/(?:\\.|[^,\\])+/g) ?? []
  for (const part of parts) {
    const at = part.indexOf('=')
    const name = at < 0 ? 'CN' : part.slice(0, at).trim().toUpperCase()
    const value = (at < 0 ? part : part.slice(at + 1)).trim().replace(/\\(.)/g, '$1')
    if (!attributes.has(name)) attributes.set(name, value)
  }
  return Object.fromEntries(attributes)
}

/** The first grant whose every condition the certificate meets; one without conditions never. */
export function grantOf(
  certificate: ClientCertificate,
  grants: readonly CertificateGrant[],
): CertificateGrant | undefined {
  const subject = subjectOf(certificate.subject)
  return grants.find(({ fingerprint, subject: wanted = {} }) => {
    const conditions = Object.entries(wanted)
    if (fingerprint === undefined && conditions.length === 0) return false
    if (fingerprint !== undefined && fingerprint !== certificate.fingerprint) return false
    return conditions.every(([name, value]) => subject[name] === value)
  })
}
