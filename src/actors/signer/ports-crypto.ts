/**
 * Cryptography of DNSSEC over node:crypto.
 *
 * Keys cross as JSON Web Keys (RFC 7517), the one form that takes bare numbers, and are kept as
 * node's key objects: a signature costs 20 to 40 microseconds then, the import three times that.
 */
import {
  type JsonWebKey,
  type KeyObject,
  constants,
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  hash,
  sign,
  verify,
} from 'node:crypto'
import {
  type Algorithm,
  type PrivateKey,
  type PublicKey,
  type RsaNumbers,
  isAlgorithm,
  isRsa,
  rsaFromBytes,
  rsaToBytes,
} from '../../core/dnssec/algorithms.ts'
import type { DnssecCrypto, KeyPair } from '../../core/dnssec/crypto.ts'
import type { VerifyLater } from './contract.ts'
import { newPair } from './ports-pairs.ts'

const TAG_BYTES = 16
/** Public keys kept as node's objects: those of a key set many times over. */
const VERIFIERS_MAX = 256

const CURVES: Readonly<Record<number, readonly [string, string]>> = {
  13: ['EC', 'P-256'],
  14: ['EC', 'P-384'],
  15: ['OKP', 'Ed25519'],
}
/** The hash that is signed; null where the algorithm hashes itself. */
const DIGESTS: Readonly<Record<Algorithm, string | null>> = {
  8: 'sha256',
  10: 'sha512',
  13: 'sha256',
  14: 'sha384',
  15: null,
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')
const octets = (part: string | undefined): Uint8Array =>
  new Uint8Array(Buffer.from(part ?? '', 'base64url'))

/** Undefined when the octets are no key of the algorithm. */
function publicJwk({ algorithm, bytes }: PublicKey): JsonWebKey | undefined {
  if (isRsa(algorithm)) {
    const read = rsaFromBytes(bytes)
    return read.ok
      ? { kty: 'RSA', n: text(read.value.modulus), e: text(read.value.exponent) }
      : undefined
  }
  const [kty, crv] = CURVES[algorithm]!
  if (kty === 'OKP') return { kty, crv, x: text(bytes) }
  const half = bytes.length / 2
  return { kty, crv, x: text(bytes.subarray(0, half)), y: text(bytes.subarray(half)) }
}

function privateJwk({ publicKey, privateKey }: KeyPair): JsonWebKey | undefined {
  const jwk = publicJwk(publicKey)
  if (jwk === undefined) return undefined
  if (privateKey.kind === 'scalar') return { ...jwk, d: text(privateKey.scalar) }
  const { numbers } = privateKey
  return {
    ...jwk,
    n: text(numbers.modulus),
    e: text(numbers.publicExponent),
    d: text(numbers.privateExponent),
    p: text(numbers.prime1),
    q: text(numbers.prime2),
    dp: text(numbers.exponent1),
    dq: text(numbers.exponent2),
    qi: text(numbers.coefficient),
  }
}

const optionsOf = (key: KeyObject) => ({
  key,
  // RFC 6605 section 4: r before s, without ASN.1.
  dsaEncoding: 'ieee-p1363' as const,
  // RFC 5702 section 3: RSASSA-PKCS1-v1_5.
  padding: constants.RSA_PKCS1_PADDING,
})

type PlainOptions = KeyObject | ReturnType<typeof optionsOf>

const plainOptions = (key: KeyObject): PlainOptions =>
  key.asymmetricKeyType === 'ed25519' ? key : optionsOf(key)

function rsaNumbersOf(jwk: JsonWebKey): RsaNumbers {
  return {
    modulus: octets(jwk.n),
    publicExponent: octets(jwk.e),
    privateExponent: octets(jwk.d),
    prime1: octets(jwk.p),
    prime2: octets(jwk.q),
    exponent1: octets(jwk.dp),
    exponent2: octets(jwk.dq),
    coefficient: octets(jwk.qi),
  }
}

function pairOf(algorithm: Algorithm, jwk: JsonWebKey): KeyPair {
  if (isRsa(algorithm)) {
    const numbers = rsaNumbersOf(jwk)
    const { modulus, publicExponent: exponent } = numbers
    const bytes = rsaToBytes({ exponent, modulus })
    return { publicKey: { algorithm, bytes }, privateKey: { kind: 'rsa', numbers } }
  }
  const y = jwk.y === undefined ? [] : octets(jwk.y)
  const bytes = new Uint8Array([...octets(jwk.x), ...y])
  const privateKey: PrivateKey = { kind: 'scalar', scalar: octets(jwk.d) }
  return { publicKey: { algorithm, bytes }, privateKey }
}

function generated(algorithm: Algorithm, bits: number): JsonWebKey {
  if (isRsa(algorithm)) return newPair({ type: 'rsa', modulusLength: bits })
  if (algorithm === 15) return newPair({ type: 'ed25519' })
  return newPair({ type: 'ec', namedCurve: CURVES[algorithm]![1] })
}

/** The answer, or the fallback when node throws: what came from outside was no key or signature. */
function attempt<T, U>(run: () => T, otherwise: U): T | U {
  try {
    return run()
  } catch {
    return otherwise
  }
}

export interface NodeDnssecCrypto extends DnssecCrypto {
  readonly verifyLater: VerifyLater
  /** Undefined where it is no pair. */
  toPkcs8(key: KeyPair): Uint8Array | undefined
}

/** In one call, without an object for it. */
const hashed = (name: string, bytes: Uint8Array): Uint8Array =>
  new Uint8Array(hash(name, bytes, 'buffer'))

/** One set of key objects; a thread makes its own. */
export function nodeDnssecCrypto(): NodeDnssecCrypto {
  const signers = new WeakMap<PrivateKey, PlainOptions>()
  const verifiers = new Map<string, PlainOptions>()

  function signerOf(key: KeyPair): PlainOptions {
    const known = signers.get(key.privateKey)
    if (known !== undefined) return known
    const made = plainOptions(createPrivateKey({ key: privateJwk(key) ?? {}, format: 'jwk' }))
    signers.set(key.privateKey, made)
    return made
  }

  function verifierOf(publicKey: PublicKey): PlainOptions | undefined {
    const name = `${publicKey.algorithm} ${text(publicKey.bytes)}`
    const known = verifiers.get(name)
    if (known !== undefined) return known
    const key = publicJwk(publicKey)
    if (key === undefined) return undefined
    const made = attempt(() => createPublicKey({ key, format: 'jwk' }), undefined)
    if (made === undefined) return undefined
    if (verifiers.size >= VERIFIERS_MAX) verifiers.clear()
    const options = plainOptions(made)
    verifiers.set(name, options)
    return options
  }

  const crypto: NodeDnssecCrypto = {
    sha1: (bytes) => hashed('sha1', bytes),
    sha256: (bytes) => hashed('sha256', bytes),
    sha384: (bytes) => hashed('sha384', bytes),
    sign: (key, data) =>
      new Uint8Array(sign(DIGESTS[key.publicKey.algorithm], data, signerOf(key))),
    verify(algorithm, bytes, data, signature) {
      if (!isAlgorithm(algorithm)) return false
      const key = verifierOf({ algorithm, bytes })
      if (key === undefined) return false
      const digest = DIGESTS[algorithm]
      return attempt(() => verify(digest, data, key, signature), false)
    },
    toPkcs8: (key) =>
      attempt(() => {
        const object = createPrivateKey({ key: privateJwk(key) ?? {}, format: 'jwk' })
        return new Uint8Array(object.export({ format: 'der', type: 'pkcs8' }))
      }, undefined),
    verifyLater(algorithm, bytes, data, signature, done) {
      const key = isAlgorithm(algorithm) ? verifierOf({ algorithm, bytes }) : undefined
      if (!isAlgorithm(algorithm) || key === undefined) {
        queueMicrotask(() => done(false))
        return
      }
      // Of two cores one signs while the pool of libuv verifies on the other.
      const begin = () => {
        verify(DIGESTS[algorithm], data, key, signature, (error, isGood) =>
          done(error === null && isGood),
        )
        return true
      }
      if (!attempt(begin, false)) queueMicrotask(() => done(false))
    },
    generate: (algorithm, bits) => pairOf(algorithm, generated(algorithm, bits)),
    isPair(key) {
      const data = new Uint8Array(32)
      const { algorithm, bytes } = key.publicKey
      const signature = attempt(() => crypto.sign(key, data), undefined)
      return signature !== undefined && crypto.verify(algorithm, bytes, data, signature)
    },
    seal(key, nonce, plain, label) {
      const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
      cipher.setAAD(label)
      const body = [cipher.update(plain), cipher.final()]
      return new Uint8Array(Buffer.concat([...body, cipher.getAuthTag()]))
    },
    open(key, nonce, sealed, label) {
      if (sealed.length < TAG_BYTES) return undefined
      const end = sealed.length - TAG_BYTES
      return attempt(() => {
        const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
        decipher.setAAD(label)
        decipher.setAuthTag(sealed.subarray(end))
        const body = [decipher.update(sealed.subarray(0, end)), decipher.final()]
        return new Uint8Array(Buffer.concat(body))
      }, undefined)
    },
  }
  return crypto
}
