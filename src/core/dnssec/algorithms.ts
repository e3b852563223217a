/**
 * The algorithms that keys are made for, and the forms of keys and signatures.
 *
 * RFC 8624 section 3.1: 13 is the default, 15 the other one to recommend; 14, 8 and 10 are there
 * for those who have to. A public key is kept as the DNSKEY holds it, a private key as the numbers
 * it consists of, big-endian; what computes with them is behind `crypto.ts`.
 */
import { limits } from '../base/limits.ts'
import { type Result, fail, ok } from '../base/result.ts'

export const algorithms = {
  RSASHA256: 8,
  RSASHA512: 10,
  ECDSAP256SHA256: 13,
  ECDSAP384SHA384: 14,
  ED25519: 15,
} as const

export type AlgorithmName = keyof typeof algorithms
export type Algorithm = (typeof algorithms)[AlgorithmName]
export type RsaAlgorithm = 8 | 10

export const isRsa = (algorithm: number): algorithm is RsaAlgorithm =>
  algorithm === algorithms.RSASHA256 || algorithm === algorithms.RSASHA512

const NAMES = new Map<number, AlgorithmName>(
  Object.entries(algorithms).map(([name, number]) => [number, name as AlgorithmName]),
)

export const isAlgorithm = (number: number): number is Algorithm => NAMES.has(number)

/** The mnemonic of the IANA registry, or the number as text. */
export const algorithmName = (number: number): string => NAMES.get(number) ?? String(number)

/** The number of a mnemonic in any case, or of decimal text; undefined when it is none of ours. */
export function algorithmNumber(text: string): Algorithm | undefined {
  for (const [number, name] of NAMES)
    if (text.toUpperCase() === name || text === String(number)) return number as Algorithm
  return undefined
}

/** The key as the DNSKEY holds it. */
export interface PublicKey {
  readonly algorithm: Algorithm
  readonly bytes: Uint8Array
}

/** The names of RFC 8017 section 3.2. */
export interface RsaNumbers {
  readonly modulus: Uint8Array
  readonly publicExponent: Uint8Array
  readonly privateExponent: Uint8Array
  readonly prime1: Uint8Array
  readonly prime2: Uint8Array
  readonly exponent1: Uint8Array
  readonly exponent2: Uint8Array
  readonly coefficient: Uint8Array
}

export type PrivateKey =
  /** The scalar of a curve, or the seed of Ed25519. */
  | { readonly kind: 'scalar'; readonly scalar: Uint8Array }
  | { readonly kind: 'rsa'; readonly numbers: RsaNumbers }

/** Octets of the private scalar: RFC 6605 section 6, RFC 8080 section 6. */
export const SCALAR_BYTES: Readonly<Record<number, number>> = { 13: 32, 14: 48, 15: 32 }
/** Octets of a public key: RFC 6605 section 4 (x before y), RFC 8080 section 3. */
const KEY_BYTES: Readonly<Record<number, number>> = { 13: 64, 14: 96, 15: 32 }
/** Octets of a signature: RFC 6605 section 4 (r before s), RFC 8080 section 4. */
const SIGNATURE_BYTES: Readonly<Record<number, number>> = { 13: 64, 14: 96, 15: 64 }

export interface RsaPublic {
  readonly exponent: Uint8Array
  readonly modulus: Uint8Array
}

/** A number without the zero octets before it. */
export function trimmed(number: Uint8Array): Uint8Array {
  const first = number.findIndex((byte) => byte !== 0)
  return first < 0 ? new Uint8Array(0) : number.subarray(first)
}

/** RFC 3110 section 2: length of the exponent, the exponent, the modulus; no leading zeros. */
export function rsaToBytes(key: RsaPublic): Uint8Array {
  const [exponent, modulus] = [trimmed(key.exponent), trimmed(key.modulus)]
  const { length } = exponent
  const head = length < 256 ? [length] : [0, length >> 8, length & 0xff]
  return new Uint8Array([...head, ...exponent, ...modulus])
}

/** What RFC 3110 section 2 says the octets are; the error says what is wrong with them. */
export function rsaFromBytes(bytes: Uint8Array): Result<RsaPublic, string> {
  const short = bytes[0] ?? 0
  const at = short === 0 ? 3 : 1
  const length = short === 0 ? ((bytes[1] ?? 0) << 8) | (bytes[2] ?? 0) : short
  const exponent = bytes.subarray(at, at + length)
  const modulus = bytes.subarray(at + length)
  if (exponent.length !== length || length === 0 || modulus.length === 0)
    return fail('the RSA key is cut short')
  if (exponent[0] === 0 || modulus[0] === 0) return fail('the RSA key has leading zeros')
  const bits = modulus.length * 8 - Math.clz32(modulus[0]!) + 24
  const { min, max } = limits.rsaModulusBits
  if (bits < min || bits > max)
    return fail(`the RSA key has ${bits} bits; ${min} to ${max} are taken`)
  // An exponent longer than the modulus is none, and makes verifying dear.
  if (length > 8) return fail('the exponent of the RSA key is longer than 64 bits')
  return ok({ exponent, modulus })
}

/** What is wrong with a public key's form, or undefined. */
export function publicKeyFault({ algorithm, bytes }: PublicKey): string | undefined {
  if (isRsa(algorithm)) {
    const read = rsaFromBytes(bytes)
    return read.ok ? undefined : read.error
  }
  const wanted = KEY_BYTES[algorithm]
  return bytes.length === wanted
    ? undefined
    : `the key has ${bytes.length} octets; ${algorithmName(algorithm)} has ${wanted}`
}

/** Octets that a signature by the key has. */
export function signatureBytes({ algorithm, bytes }: PublicKey): number {
  const fixed = SIGNATURE_BYTES[algorithm]
  if (fixed !== undefined) return fixed
  const read = rsaFromBytes(bytes)
  // RFC 5702 section 3: as many octets as the modulus.
  return read.ok ? read.value.modulus.length : 0
}
