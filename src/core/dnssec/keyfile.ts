/**
 * Key files as BIND writes and reads them: `Kzone.+013+12345.key` with the DNSKEY record, and
 * `.private` with the numbers of the private key and its times.
 *
 * What is read comes from an operator's disk: it is bounded, every line is checked, and the two
 * files have to belong together. Whether the numbers are a pair that can sign is asked of
 * `KeyMaker.isPair` by who imports them.
 */
import { limits } from '../base/limits.ts'
import { type Result, fail, ok } from '../base/result.ts'
import { canonicalName } from '../dns/names.ts'
import { types } from '../dns/types.ts'
import { fromBase64, toBase64 } from '../gossip/app/base64.ts'
import { parseRdata } from '../zone/rdata.ts'
import {
  type Algorithm,
  type PrivateKey,
  type RsaNumbers,
  SCALAR_BYTES,
  algorithmName,
  isRsa,
  rsaFromBytes,
  trimmed,
} from './algorithms.ts'
import type { KeyPair } from './crypto.ts'
import {
  type Dnskey,
  type KeyRole,
  REVOKED,
  SECURE_ENTRY_POINT,
  ZONE_KEY,
  flagsOf,
  readDnskey,
  tagOfKey,
} from './dnskey.ts'
import {
  KEY_TIMES,
  type KeyTime,
  type KeyTimes,
  entriesOf,
  secondsOf,
  stampOf,
} from './key-times.ts'

export interface StoredKey extends KeyPair {
  /** Apex of its zone, as everywhere: lower case, no final dot. */
  readonly zone: string
  readonly role: KeyRole
  readonly times: KeyTimes
}

const RSA_LINES: readonly (readonly [keyof RsaNumbers, string])[] = [
  ['modulus', 'Modulus'],
  ['publicExponent', 'PublicExponent'],
  ['privateExponent', 'PrivateExponent'],
  ['prime1', 'Prime1'],
  ['prime2', 'Prime2'],
  ['exponent1', 'Exponent1'],
  ['exponent2', 'Exponent2'],
  ['coefficient', 'Coefficient'],
]

/** The files' name without their ending. */
export function keyFileName(key: StoredKey): string {
  const algorithm = String(key.publicKey.algorithm).padStart(3, '0')
  const tag = String(tagOfKey(key)).padStart(5, '0')
  // A name with a slash in it must not lead out of its folder.
  return `K${key.zone.replaceAll('/', '%2F')}.+${algorithm}+${tag}`
}

export function publicKeyFile(key: StoredKey): string {
  const kind = key.role === 'zsk' ? 'zone-signing' : 'key-signing'
  const { algorithm, bytes } = key.publicKey
  const comments = entriesOf(key.times).map(
    ([label, seconds]) =>
      `; ${label}: ${stampOf(seconds)} (${new Date(seconds * 1_000).toUTCString()})`,
  )
  return [
    `; This is a ${kind} key, keyid ${tagOfKey(key)}, for ${key.zone}.`,
    ...comments,
    `${key.zone}. IN DNSKEY ${flagsOf(key.role)} 3 ${algorithm} ${toBase64(bytes)}`,
    '',
  ].join('\n')
}

function privateLines({ privateKey }: KeyPair): string[] {
  if (privateKey.kind === 'scalar') return [`PrivateKey: ${toBase64(privateKey.scalar)}`]
  const { numbers } = privateKey
  return RSA_LINES.map(([part, label]) => `${label}: ${toBase64(numbers[part])}`)
}

export function privateKeyFile(key: StoredKey): string {
  const { algorithm } = key.publicKey
  return [
    'Private-key-format: v1.3',
    `Algorithm: ${algorithm} (${algorithmName(algorithm)})`,
    ...privateLines(key),
    ...entriesOf(key.times).map(([label, seconds]) => `${label}: ${stampOf(seconds)}`),
    '',
  ].join('\n')
}

/** The one record of a public key file, and its owner. */
function readPublic(text: string): Result<Dnskey & { readonly zone: string }, string> {
  const words = text
    .split('\n')
    .map((line) => line.replace(/;.*/, ''))
    .join(' ')
    .replace(/[()]/g, ' ')
    .split(/\s+/)
    .filter((word) => word !== '')
  const at = words.indexOf('DNSKEY')
  if (at < 1) return fail('the public key file has no DNSKEY record')
  const zone = canonicalName(words[0]!)
  if (!zone.ok) return fail(`the name of the zone ${zone.error}`)
  const tokens = words.slice(at + 1).map((word, column) => {
    return { text: word, quoted: false, line: 1, column: column + 1 }
  })
  const rdata = parseRdata(types.DNSKEY, tokens, '')
  if (!rdata.ok) return fail(`DNSKEY: ${rdata.error}`)
  const dnskey = readDnskey(rdata.value)
  return dnskey.ok ? ok({ ...dnskey.value, zone: zone.value }) : dnskey
}

/** `Label: value` lines; one that comes twice is refused. */
function readLines(text: string): Result<ReadonlyMap<string, string>, string> {
  const lines = new Map<string, string>()
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() === '' || line.startsWith(';')) continue
    const colon = line.indexOf(':')
    const label = line.slice(0, Math.max(colon, 0)).trim()
    // The line itself may be half a key, so it is not shown.
    if (label === '') return fail('a line of the private key file has no label')
    if (lines.has(label)) return fail(`${label} is there twice`)
    lines.set(label, line.slice(colon + 1).trim())
  }
  return ok(lines)
}

const NUMBER_BYTES_MAX = limits.rsaModulusBits.max / 8 + 1

function numberAt(lines: ReadonlyMap<string, string>, label: string): Result<Uint8Array, string> {
  const bytes = fromBase64(lines.get(label) ?? '', NUMBER_BYTES_MAX)
  if (bytes === undefined || bytes.length === 0) return fail(`${label} is missing or not base64`)
  return ok(bytes)
}

/** A scalar with the zeros before it that some writers leave out. */
function scalarAt(
  lines: ReadonlyMap<string, string>,
  algorithm: Algorithm,
): Result<PrivateKey, string> {
  const number = numberAt(lines, 'PrivateKey')
  if (!number.ok) return number
  const wanted = SCALAR_BYTES[algorithm]!
  // The seed of Ed25519 is octets, not a number: RFC 8080 section 6.
  const isWhole = algorithm === 15 ? number.value.length === wanted : number.value.length <= wanted
  if (!isWhole) return fail(`PrivateKey has ${number.value.length} octets, not ${wanted}`)
  const scalar = new Uint8Array(wanted)
  scalar.set(number.value, wanted - number.value.length)
  return ok({ kind: 'scalar', scalar })
}

function rsaAt(lines: ReadonlyMap<string, string>): Result<PrivateKey, string> {
  const numbers: Partial<Record<keyof RsaNumbers, Uint8Array>> = {}
  for (const [part, label] of RSA_LINES) {
    const number = numberAt(lines, label)
    if (!number.ok) return number
    numbers[part] = trimmed(number.value)
  }
  return ok({ kind: 'rsa', numbers: numbers as RsaNumbers })
}

function timesAt(lines: ReadonlyMap<string, string>): Result<KeyTimes, string> {
  const times: Partial<Record<KeyTime, number>> = {}
  for (const [time, label] of KEY_TIMES) {
    const stamp = lines.get(label)
    if (stamp === undefined) continue
    const seconds = secondsOf(stamp.slice(0, 14))
    if (seconds === undefined) return fail(`${label} is not a time`)
    times[time] = seconds
  }
  return ok(times)
}

function roleOf(flags: number, sepRole: 'csk' | 'ksk'): Result<KeyRole, string> {
  if ((flags & ZONE_KEY) === 0) return fail('the key is not one for a zone')
  if ((flags & REVOKED) !== 0) return fail('the key is revoked')
  if ((flags & ~(ZONE_KEY | SECURE_ENTRY_POINT)) !== 0) return fail(`flags ${flags} are not known`)
  return ok((flags & SECURE_ENTRY_POINT) === 0 ? 'zsk' : sepRole)
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, at) => byte === b[at])

/** Whether the numbers of an RSA key that both files have are the same. */
function isOneKey(dnskey: Dnskey, privateKey: PrivateKey): boolean {
  if (privateKey.kind === 'scalar') return true
  const read = rsaFromBytes(dnskey.publicKey.bytes)
  const { modulus, publicExponent } = privateKey.numbers
  return (
    read.ok &&
    sameBytes(read.value.modulus, modulus) &&
    sameBytes(read.value.exponent, publicExponent)
  )
}

/**
 * A key out of its two files. A key marked as an entry point becomes `sepRole`: BIND's files do not
 * tell whether it signs the whole zone. The error never shows private material.
 */
export function readKeyFiles(
  publicText: string,
  privateText: string,
  sepRole: 'csk' | 'ksk' = 'csk',
): Result<StoredKey, string> {
  const { default: charsMax } = limits.keyFileChars
  if (publicText.length > charsMax || privateText.length > charsMax)
    return fail(`a key file is longer than ${charsMax} characters`)
  const dnskey = readPublic(publicText)
  if (!dnskey.ok) return dnskey
  const { zone, flags, publicKey } = dnskey.value
  const role = roleOf(flags, sepRole)
  if (!role.ok) return role
  // A number cut in its last line is often base64 still, and another number.
  if (!privateText.endsWith('\n')) return fail('the last line of the private key file has no end')
  const lines = readLines(privateText)
  if (!lines.ok) return lines
  if (!/^v1\.[0-9]+$/.test(lines.value.get('Private-key-format') ?? ''))
    return fail('the private key file is not of format v1')
  const algorithm = /^\d+/.exec(lines.value.get('Algorithm') ?? '')?.[0]
  if (algorithm !== String(publicKey.algorithm))
    return fail('the two files are of different algorithms')
  const privateKey = isRsa(publicKey.algorithm)
    ? rsaAt(lines.value)
    : scalarAt(lines.value, publicKey.algorithm)
  if (!privateKey.ok) return privateKey
  if (!isOneKey(dnskey.value, privateKey.value)) return fail('the two files are of different keys')
  const times = timesAt(lines.value)
  if (!times.ok) return times
  return ok({
    zone,
    role: role.value,
    publicKey,
    privateKey: privateKey.value,
    times: times.value,
  })
}
