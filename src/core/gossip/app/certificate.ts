/**
 * The certificate of an agent (RFC 5280): written when there is none, read when it is shown.
 *
 * It is self-signed and proves nothing but what its key signs; it exists so that operators see a
 * familiar file with a fingerprint and an end. CN `opengslb-agent-{region}`, O `OpenGSLB Agent`,
 * digitalSignature and clientAuth. The signature function is passed in. A renewed certificate names
 * the agent in a subject alternative name, `urn:opengslb:agent:{agent_id}`, because the id is made
 * of the first certificate's fingerprint and must outlive it.
 */
import { limits } from '../../base/limits.ts'
import { type Result, fail, ok } from '../../base/result.ts'
import { fromBase64, toBase64, toHex } from './base64.ts'
import { type KeyAlgorithm, octetsOf } from './crypto.ts'
import * as d from './der.ts'

const oids = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  extKeyUsage: '2.5.29.37',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  /** RFC 8410 section 3. */
  ed25519: '1.3.101.112',
  /** RFC 5758 section 3.2. */
  ecdsaSha256: '1.2.840.10045.4.3.2',
  /** RFC 5480 section 2.1.1. */
  ecPublicKey: '1.2.840.10045.2.1',
  p256: '1.2.840.10045.3.1.7',
} as const

export const AGENT_URN = 'urn:opengslb:agent:'

export interface CertificateRequest {
  readonly algorithm: KeyAlgorithm
  /** DER of SubjectPublicKeyInfo. */
  readonly spki: Uint8Array
  readonly region: string
  /** Positive and hard to guess; at most 20 octets (RFC 5280 section 4.1.2.2). */
  readonly serial: Uint8Array
  readonly notBeforeMs: number
  readonly notAfterMs: number
  /** The id an earlier certificate gave; absent in the first one. */
  readonly agentId?: string
}

/** RFC 5280 appendix A.1, ub-common-name: the subject takes at most 64 characters. */
const commonNameOf = (region: string) => `opengslb-agent-${region}`.slice(0, 64)

const attribute = (type: string, value: string) =>
  d.der(d.tags.set, d.sequence(d.oid(type), d.utf8(value)))

const extension = (type: string, critical: boolean, value: Uint8Array) =>
  d.sequence(d.oid(type), ...(critical ? [d.yes()] : []), d.octetString(value))

function extensionsOf(request: CertificateRequest): Uint8Array {
  // RFC 5280 section 4.2.1.3: digitalSignature is the first bit, so seven bits are unused.
  const keyUsage = d.der(d.tags.bitString, Uint8Array.of(7, 0x80))
  return d.der(
    d.tags.explicit3,
    d.sequence(
      extension(oids.keyUsage, true, keyUsage),
      extension(oids.extKeyUsage, false, d.sequence(d.oid(oids.clientAuth))),
      extension(oids.basicConstraints, true, d.sequence()),
      ...(request.agentId === undefined
        ? []
        : [
            extension(
              oids.subjectAltName,
              false,
              d.sequence(d.der(d.tags.uri, octetsOf(`${AGENT_URN}${request.agentId}`))),
            ),
          ]),
    ),
  )
}

/**
 * A self-signed certificate in DER. `sign` gives the signature as X.509 holds it: 64 octets of
 * Ed25519 (RFC 8410), or the DER of an ECDSA signature over SHA-256 (RFC 5480).
 */
export function writeCertificate(
  request: CertificateRequest,
  sign: (toBeSigned: Uint8Array) => Uint8Array,
): Uint8Array {
  const algorithm = d.sequence(
    d.oid(request.algorithm === 'ed25519' ? oids.ed25519 : oids.ecdsaSha256),
  )
  const name = d.sequence(
    attribute(oids.organization, 'OpenGSLB Agent'),
    attribute(oids.commonName, commonNameOf(request.region)),
  )
  const toBeSigned = d.sequence(
    // Version 3, which extensions need.
    d.der(d.tags.explicit0, d.integer(Uint8Array.of(2))),
    d.integer(request.serial),
    algorithm,
    name,
    d.sequence(d.time(request.notBeforeMs), d.time(request.notAfterMs)),
    name,
    request.spki,
    extensionsOf(request),
  )
  return d.sequence(toBeSigned, algorithm, d.bitString(sign(toBeSigned)))
}

export interface Certificate {
  readonly algorithm: KeyAlgorithm
  /** DER of SubjectPublicKeyInfo, a part of the octets given. */
  readonly spki: Uint8Array
  readonly notBeforeMs: number
  readonly notAfterMs: number
  /** The agent it names; undefined in a first certificate. */
  readonly agentId: string | undefined
}

const same = (a: Uint8Array, b: Uint8Array) => toHex(a) === toHex(b)
const isOid = (value: d.DerValue | undefined, dotted: string) =>
  value !== undefined && same(value.whole, d.oid(dotted))

function keyAlgorithmOf(spki: d.DerValue | undefined): KeyAlgorithm | undefined {
  if (spki?.tag !== d.tags.sequence) return undefined
  const [identifier, key] = d.derValues(spki.body, 2) ?? []
  if (identifier?.tag !== d.tags.sequence || key?.tag !== d.tags.bitString) return undefined
  const parts = d.derValues(identifier.body, 3) ?? []
  // RFC 8410 section 3: no parameters, 32 octets of key; RFC 5480: a named curve and a point.
  if (parts.length === 1 && isOid(parts[0], oids.ed25519) && key.body.length === 33)
    return 'ed25519'
  if (parts.length === 2 && isOid(parts[0], oids.ecPublicKey) && isOid(parts[1], oids.p256))
    return key.body.length === 66 || key.body.length === 34 ? 'p256' : undefined
  return undefined
}

/** The agent named among the alternative names; undefined when there is none. */
function namedAgent(extensions: d.DerValue | undefined): string | undefined {
  const most = limits.certificateDepth.default
  const [list] = extensions === undefined ? [] : (d.derValues(extensions.body, 1) ?? [])
  for (const entry of list === undefined ? [] : (d.derValues(list.body, most) ?? [])) {
    const parts = d.derValues(entry.body, 3) ?? []
    if (!isOid(parts[0], oids.subjectAltName)) continue
    const [names] = d.derValues(parts.at(-1)!.body, 1) ?? []
    for (const name of names === undefined ? [] : (d.derValues(names.body, most) ?? [])) {
      const text = String.fromCharCode(...name.body.subarray(0, 256))
      if (name.tag === d.tags.uri && text.startsWith(AGENT_URN)) return text.slice(AGENT_URN.length)
    }
  }
  return undefined
}

/** Reads the parts that matter here; its signature over itself is not checked. */
export function readCertificate(bytes: Uint8Array): Result<Certificate, string> {
  if (bytes.length > limits.certificateBytes.default)
    return fail(`the certificate is longer than ${limits.certificateBytes.default} bytes`)
  const [outer, ...after] = d.derValues(bytes, 1) ?? []
  if (outer?.tag !== d.tags.sequence || after.length > 0)
    return fail('the certificate is not DER of X.509')
  const [tbs] = d.derValues(outer.body, 3) ?? []
  const parts = tbs?.tag === d.tags.sequence ? (d.derValues(tbs.body, 10) ?? []) : []
  // RFC 5280 section 4.1: version 1 leaves the version out.
  const from = parts[0]?.tag === d.tags.explicit0 ? 1 : 0
  const [, , , validity, , spki, ...rest] = parts.slice(from)
  const [notBefore, notAfter] =
    validity?.tag === d.tags.sequence ? (d.derValues(validity.body, 2) ?? []) : []
  const notBeforeMs = timeOf(notBefore)
  const notAfterMs = timeOf(notAfter)
  if (spki === undefined || notBeforeMs === undefined || notAfterMs === undefined)
    return fail('the certificate lacks its dates or its key')
  const algorithm = keyAlgorithmOf(spki)
  if (algorithm === undefined)
    return fail('the key of the certificate is neither Ed25519 nor ECDSA P-256')
  const agentId = namedAgent(rest.find(({ tag }) => tag === d.tags.explicit3))
  return ok({ algorithm, spki: spki.whole, notBeforeMs, notAfterMs, agentId })
}

const timeOf = d.timeOf

const PEM = /^-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END CERTIFICATE-----\s*$/

/** RFC 7468 section 5.1. */
export function toPem(certificate: Uint8Array): string {
  const lines = toBase64(certificate).match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

/** The DER of a PEM certificate; undefined when it is not one. */
export function fromPem(text: string): Uint8Array | undefined {
  if (text.length > limits.certificateBytes.default * 2) return undefined
  const body = PEM.exec(text.trimStart())?.[1]
  return body === undefined
    ? undefined
    : fromBase64(body.replace(/\s+/g, ''), limits.certificateBytes.default)
}

/** `{region}-{first 12 hex digits}`, or the digits alone without a region. */
export const agentIdOf = (region: string, fingerprint: string): string =>
  region === '' ? fingerprint.slice(0, 12) : `${region}-${fingerprint.slice(0, 12)}`
