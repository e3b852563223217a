/**
 * Keys at rest: one file, encrypted with AES-256-GCM.
 *
 * Layout: eight octets that say what it is, a version of 16 bits, a nonce of 12 octets, then the
 * sealed keys as JSON. What stands before the sealed part is its label, so a file whose version or
 * nonce was changed does not open. The reader is bounded, never throws, and tells a wrong secret
 * from a file that is something else; without the secret, damage and a wrong secret look alike.
 */
import { limits } from '../base/limits.ts'
import { type Result, fail, ok } from '../base/result.ts'
import { canonicalName } from '../dns/names.ts'
import { fromBase64, toBase64 } from '../gossip/app/base64.ts'
import {
  type PrivateKey,
  type PublicKey,
  type RsaNumbers,
  SCALAR_BYTES,
  isAlgorithm,
  isRsa,
  publicKeyFault,
} from './algorithms.ts'
import type { Sealer } from './crypto.ts'
import type { KeyRole } from './dnskey.ts'
import { KEY_TIMES, type KeyTime, type KeyTimes, LAST_SECOND } from './key-times.ts'
import type { StoredKey } from './keyfile.ts'
import { readRollState } from './roll/read-state.ts'
import type { RollState } from './roll/types.ts'

export const SECRET_BYTES = 32
export const NONCE_BYTES = 12
const VERSION = 1
const MAGIC = new Uint8Array([0x4f, 0x47, 0x53, 0x4c, 0x42, 0x4b, 0x45, 0x59])
const HEADER_BYTES = MAGIC.length + 2 + NONCE_BYTES
const BYTES_MAX = 1_024
const ROLES: ReadonlySet<string> = new Set(['csk', 'ksk', 'zsk'] satisfies KeyRole[])
const RSA_PARTS = [
  'modulus',
  'publicExponent',
  'privateExponent',
  'prime1',
  'prime2',
  'exponent1',
  'exponent2',
  'coefficient',
] as const satisfies readonly (keyof RsaNumbers)[]

export type KeyStoreFault =
  | 'too-large'
  | 'not-a-key-store'
  | 'newer-version'
  | 'wrong-secret-or-damaged'
  | 'malformed'

const privateJson = (key: PrivateKey): Readonly<Record<string, string>> =>
  key.kind === 'scalar'
    ? { scalar: toBase64(key.scalar) }
    : Object.fromEntries(RSA_PARTS.map((part) => [part, toBase64(key.numbers[part])]))

/** A key as JSON, its private part with it. */
export const keyJson = ({ zone, role, publicKey, privateKey, times }: StoredKey) => ({
  zone,
  role,
  algorithm: publicKey.algorithm,
  public: toBase64(publicKey.bytes),
  private: privateJson(privateKey),
  times,
})

/**
 * The file. `secret` has 32 octets; `nonce` has 12 and is never used twice with one secret. `rolls`
 * are the documents of `roll/`, which go with the keys: what they say is true of these keys alone.
 */
export function sealKeys(
  keys: readonly StoredKey[],
  secret: Uint8Array,
  nonce: Uint8Array,
  sealer: Pick<Sealer, 'seal'>,
  rolls: readonly RollState[] = [],
  holder?: Holder,
): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES)
  header.set(MAGIC)
  header[MAGIC.length + 1] = VERSION
  header.set(nonce, MAGIC.length + 2)
  const plain = new TextEncoder().encode(JSON.stringify({ keys: keys.map(keyJson), rolls, holder }))
  const sealed = sealer.seal(secret, nonce, plain, header)
  const file = new Uint8Array(header.length + sealed.length)
  file.set(header)
  file.set(sealed, header.length)
  return file
}

type Fields = Readonly<Record<string, unknown>>

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const octetsAt = (fields: Fields, name: string): Uint8Array | undefined => {
  const text = fields[name]
  return typeof text === 'string' ? fromBase64(text, BYTES_MAX) : undefined
}

function readPublicKey(fields: Fields): PublicKey | undefined {
  const { algorithm } = fields
  const bytes = octetsAt(fields, 'public')
  if (typeof algorithm !== 'number' || !isAlgorithm(algorithm) || bytes === undefined)
    return undefined
  const key = { algorithm, bytes }
  return publicKeyFault(key) === undefined ? key : undefined
}

function readPrivateKey(fields: unknown, { algorithm }: PublicKey): PrivateKey | undefined {
  if (!isFields(fields)) return undefined
  if (!isRsa(algorithm)) {
    const scalar = octetsAt(fields, 'scalar')
    if (scalar === undefined || scalar.length !== SCALAR_BYTES[algorithm]) return undefined
    return { kind: 'scalar', scalar }
  }
  const numbers: Partial<Record<keyof RsaNumbers, Uint8Array>> = {}
  for (const part of RSA_PARTS) {
    const number = octetsAt(fields, part)
    if (number === undefined) return undefined
    numbers[part] = number
  }
  return { kind: 'rsa', numbers: numbers as RsaNumbers }
}

function readTimes(fields: unknown): KeyTimes | undefined {
  if (!isFields(fields)) return undefined
  const times: Partial<Record<KeyTime, number>> = {}
  for (const [time] of KEY_TIMES) {
    const seconds = fields[time]
    if (seconds === undefined) continue
    const isMoment = Number.isSafeInteger(seconds) && (seconds as number) >= 0
    if (typeof seconds !== 'number' || !isMoment || seconds > LAST_SECOND) return undefined
    times[time] = seconds
  }
  return times
}

/** A key out of what `keyJson` wrote; undefined for anything else. */
export function readKey(fields: unknown): StoredKey | undefined {
  if (!isFields(fields)) return undefined
  const { zone, role } = fields
  if (typeof zone !== 'string' || typeof role !== 'string' || !ROLES.has(role)) return undefined
  const name = canonicalName(zone)
  const publicKey = readPublicKey(fields)
  const times = readTimes(fields['times'])
  if (!name.ok || name.value !== zone || publicKey === undefined || times === undefined)
    return undefined
  const privateKey = readPrivateKey(fields['private'], publicKey)
  if (privateKey === undefined) return undefined
  return { zone, role: role as KeyRole, publicKey, privateKey, times }
}

function readJson(plain: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(plain))
  } catch {
    return undefined
  }
}

/** Each of a list read, or undefined when one cannot be. */
function listOf<T>(list: unknown, read: (fields: unknown) => T | undefined): T[] | undefined {
  if (!Array.isArray(list) || list.length > limits.keyStoreKeys.default) return undefined
  const all = list.map(read).filter((each) => each !== undefined)
  return all.length === list.length ? all : undefined
}

/** The node that wrote the file: what documents say of that name they say of who reads it. */
export interface Holder {
  readonly node: string
  /** Names that it had before. */
  readonly formerly: readonly string[]
}

/** Undefined where it is none, as in a file of a version that did not write it. */
function readHolder(fields: unknown): Holder | undefined {
  if (!isFields(fields)) return undefined
  const { node, formerly } = fields
  const isNames = Array.isArray(formerly) && formerly.length <= limits.syncFormerNames.max
  if (typeof node !== 'string' || node === '' || !isNames) return undefined
  return { node, formerly: formerly.filter((name) => typeof name === 'string' && name !== '') }
}

export interface StoreContents {
  readonly keys: readonly StoredKey[]
  readonly rolls: readonly RollState[]
  readonly holder?: Holder
}

/** The keys of a file made by `sealKeys`. */
export function openKeys(
  file: Uint8Array,
  secret: Uint8Array,
  sealer: Pick<Sealer, 'open'>,
): Result<readonly StoredKey[], KeyStoreFault> {
  const contents = openStore(file, secret, sealer)
  return contents.ok ? ok(contents.value.keys) : contents
}

/** The keys and the documents of a file made by `sealKeys`. */
export function openStore(
  file: Uint8Array,
  secret: Uint8Array,
  sealer: Pick<Sealer, 'open'>,
): Result<StoreContents, KeyStoreFault> {
  if (file.length > limits.keyStoreBytes.default) return fail('too-large')
  const isOurs = file.length >= HEADER_BYTES && MAGIC.every((byte, at) => byte === file[at])
  if (!isOurs) return fail('not-a-key-store')
  const version = file[MAGIC.length]! * 256 + file[MAGIC.length + 1]!
  if (version !== VERSION) return fail(version > VERSION ? 'newer-version' : 'not-a-key-store')
  const header = file.subarray(0, HEADER_BYTES)
  const nonce = header.subarray(MAGIC.length + 2)
  const plain = sealer.open(secret, nonce, file.subarray(HEADER_BYTES), header)
  if (plain === undefined) return fail('wrong-secret-or-damaged')
  const json = readJson(plain)
  if (!isFields(json)) return fail('malformed')
  const keys = listOf(json['keys'], readKey)
  const rolls = listOf(json['rolls'] ?? [], readRollState)
  const holder = readHolder(json['holder'])
  if (keys === undefined || rolls === undefined) return fail('malformed')
  return ok({ keys, rolls, ...(holder === undefined ? {} : { holder }) })
}
