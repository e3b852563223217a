/**
 * The identity of an agent on disk: its key, its certificate, and the id they give it.
 *
 * Made when there is none (Ed25519; key 0600, certificate 0644, folder 0755), loaded when there is,
 * an ECDSA P-256 key of the Go program among them. Files that cannot be used are named with their
 * configuration key and never overwritten; an identity that has ended is renewed with a new key,
 * the old pair kept beside it as `.old`, so that the old key can introduce the new one.
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname, resolve } from 'node:path'
import { limits } from '../../core/base/limits.ts'
import { type Result, fail, ok } from '../../core/base/result.ts'
import {
  agentIdOf,
  type Certificate,
  fromPem,
  readCertificate,
  toPem,
  writeCertificate,
} from '../../core/gossip/app/certificate.ts'
import type { AgentKey, KeyAlgorithm } from '../../core/gossip/app/crypto.ts'
import { agentKeyOf, algorithmOf, signCertificate, spkiOf } from './ports-signatures.ts'

export interface IdentityPaths {
  /** `agent.identity.region`. */
  readonly region: string
  readonly certPath: string
  readonly keyPath: string
}

export interface Identity {
  readonly agentId: string
  readonly region: string
  readonly key: AgentKey
  /** The key before a renewal, which introduces the present one where it is not known. */
  readonly previousKey: AgentKey | undefined
  readonly certificatePem: string
  readonly notAfterMs: number
  /** How it came about. */
  readonly origin: 'loaded' | 'made' | 'renewed'
}

export interface IdentityProblem {
  /** The configuration key at fault. */
  readonly key: 'agent.identity.cert_path' | 'agent.identity.key_path'
  readonly path: string
  readonly message: string
}

type Outcome<T> = Result<T, IdentityProblem>

const KEY_MODE = 0o600
const CERT_MODE = 0o644
const FOLDER_MODE = 0o755

const certProblem = (path: string, message: string): IdentityProblem => ({
  key: 'agent.identity.cert_path',
  path,
  message: `agent.identity.cert_path: ${path} ${message}`,
})

const keyProblem = (path: string, message: string): IdentityProblem => ({
  key: 'agent.identity.key_path',
  path,
  message: `agent.identity.key_path: ${path} ${message}`,
})

const why = (error: unknown) => (error as NodeJS.ErrnoException).code ?? 'cannot be used'

/** Loads the identity, makes it when there is none, renews it when it has ended or soon will. */
export function loadIdentity(paths: IdentityPaths, nowMs: number): Outcome<Identity> {
  const hasKey = existsSync(paths.keyPath)
  const hasCert = existsSync(paths.certPath)
  if (hasCert && !hasKey)
    return fail(keyProblem(paths.keyPath, `is missing, but ${paths.certPath} is there`))
  if (!hasKey) return make(paths, nowMs)
  const key = readKey(paths.keyPath)
  if (!key.ok) return key
  if (!hasCert) return certify(paths, key.value, nowMs)
  const pair = readPair(paths, key.value)
  if (!pair.ok) return pair
  const identity = identityOf(paths, pair.value, 'loaded')
  if (nowMs < pair.value.read.notAfterMs - limits.certificateRenewMs.default) return ok(identity)
  return renewIdentity(paths, identity, nowMs)
}

interface Pair {
  readonly algorithm: KeyAlgorithm
  readonly privateKey: KeyObject
  readonly der: Uint8Array
  readonly read: Certificate
}

function readText(path: string): string {
  if (statSync(path).size > limits.certificateBytes.max) return ''
  return readFileSync(path, 'utf8')
}

function readKey(path: string): Outcome<KeyObject> {
  let key: KeyObject
  try {
    key = createPrivateKey(readText(path))
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    const isFile = code.startsWith('E') && !code.startsWith('ERR_')
    return fail(keyProblem(path, isFile ? `cannot be read: ${code}` : 'is no private key in PEM'))
  }
  return algorithmOf(key) === undefined
    ? fail(keyProblem(path, 'is neither an Ed25519 nor an ECDSA P-256 key'))
    : ok(key)
}

/** The certificate beside the key, when the two belong together. */
function readPair(paths: IdentityPaths, privateKey: KeyObject): Outcome<Pair> {
  const { certPath, keyPath } = paths
  const cert = pairOf(certPath, privateKey)
  if (cert.ok) return cert
  // A renewal that was cut short has moved the key and left its certificate beside.
  const rest = `${certPath}.new`
  const unfinished = existsSync(rest) ? pairOf(rest, privateKey) : cert
  if (!unfinished.ok)
    return cert.error.message.endsWith(MISMATCH)
      ? fail(certProblem(certPath, `${MISMATCH} in ${keyPath}`))
      : cert
  try {
    renameSync(rest, certPath)
  } catch (error) {
    return fail(certProblem(certPath, `cannot be written: ${why(error)}`))
  }
  return unfinished
}

const MISMATCH = 'does not belong to the key'

function pairOf(certPath: string, privateKey: KeyObject): Outcome<Pair> {
  let text: string
  try {
    text = readText(certPath)
  } catch (error) {
    return fail(certProblem(certPath, `cannot be read: ${why(error)}`))
  }
  const der = fromPem(text)
  if (der === undefined) return fail(certProblem(certPath, 'is no certificate in PEM'))
  const read = readCertificate(der)
  if (!read.ok) return fail(certProblem(certPath, `cannot be used: ${read.error}`))
  const algorithm = algorithmOf(privateKey)
  if (algorithm !== read.value.algorithm || !sameOctets(spkiOf(privateKey), read.value.spki))
    return fail(certProblem(certPath, MISMATCH))
  return ok({ algorithm, privateKey, der, read: read.value })
}

const sameOctets = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0

function identityOf(
  paths: IdentityPaths,
  { algorithm, privateKey, der, read }: Pair,
  origin: Identity['origin'],
): Identity {
  const key = agentKeyOf(algorithm, privateKey, der)
  return {
    agentId: read.agentId ?? agentIdOf(paths.region, key.fingerprint),
    region: paths.region,
    key,
    previousKey: previousOf(paths),
    certificatePem: toPem(der),
    notAfterMs: read.notAfterMs,
    origin,
  }
}

/** The pair before the last renewal; one that cannot be read is of no use and no harm. */
function previousOf(paths: IdentityPaths): AgentKey | undefined {
  const [keyPath, certPath] = [`${paths.keyPath}.old`, `${paths.certPath}.old`]
  if (!existsSync(keyPath) || !existsSync(certPath)) return undefined
  const key = readKey(keyPath)
  const pair = key.ok ? pairOf(certPath, key.value) : key
  if (!pair.ok) return undefined
  return agentKeyOf(pair.value.algorithm, pair.value.privateKey, pair.value.der)
}

function make(paths: IdentityPaths, nowMs: number): Outcome<Identity> {
  const { privateKey } = generateKeyPairSync('ed25519')
  const written = writeKey(paths.keyPath, privateKey)
  return written.ok ? certify(paths, privateKey, nowMs) : written
}

/** Makes the first certificate of a key. */
function certify(paths: IdentityPaths, privateKey: KeyObject, nowMs: number): Outcome<Identity> {
  const pair = newPair(paths.region, privateKey, nowMs, undefined)
  const written = writeCert(paths.certPath, pair.der)
  return written.ok ? ok(identityOf(paths, pair, 'made')) : written
}

/** An hour back, so that a clock a little behind ours takes the certificate too. */
const BACKDATED_MS = 3_600_000

function newPair(
  region: string,
  privateKey: KeyObject,
  nowMs: number,
  agentId: string | undefined,
): Pair {
  const algorithm = algorithmOf(privateKey) ?? 'ed25519'
  const notBeforeMs = Math.floor((nowMs - BACKDATED_MS) / 1_000) * 1_000
  const serial = randomBytes(16)
  // RFC 5280 section 4.1.2.2: positive.
  serial[0] = (serial[0]! & 0x7f) | 0x40
  const request = {
    algorithm,
    spki: spkiOf(privateKey),
    region,
    serial,
    notBeforeMs,
    notAfterMs: notBeforeMs + BACKDATED_MS + limits.certificateYearMs.default,
    ...(agentId === undefined ? {} : { agentId }),
  }
  const der = writeCertificate(request, signCertificate(algorithm, privateKey))
  const read = { algorithm, spki: request.spki, notBeforeMs, notAfterMs: request.notAfterMs }
  return { algorithm, privateKey, der, read: { ...read, agentId } }
}

/** A new key under the same id; the pair before it is kept as `.old`. */
export function renewIdentity(
  paths: IdentityPaths,
  identity: Identity,
  nowMs: number,
): Outcome<Identity> {
  const { keyPath, certPath } = paths
  const { privateKey } = generateKeyPairSync('ed25519')
  const pair = newPair(paths.region, privateKey, nowMs, identity.agentId)
  try {
    copyFileSync(keyPath, `${keyPath}.old`)
    chmodSync(`${keyPath}.old`, KEY_MODE)
    copyFileSync(certPath, `${certPath}.old`)
  } catch (error) {
    return fail(keyProblem(`${keyPath}.old`, `cannot be written: ${why(error)}`))
  }
  // The new certificate waits beside the old one until the key is in place: see readPair.
  const cert = writeCert(`${certPath}.new`, pair.der)
  if (!cert.ok) return cert
  const key = writeKey(keyPath, privateKey)
  if (!key.ok) return key
  try {
    renameSync(`${certPath}.new`, certPath)
  } catch (error) {
    return fail(certProblem(certPath, `cannot be written: ${why(error)}`))
  }
  return ok({ ...identityOf(paths, pair, 'renewed'), previousKey: identity.key })
}

function writeKey(path: string, key: KeyObject): Outcome<true> {
  const pem = key.export({ format: 'pem', type: 'pkcs8' }).toString()
  const error = writeWhole(path, pem, KEY_MODE)
  return error === undefined ? ok(true) : fail(keyProblem(path, `cannot be written: ${error}`))
}

function writeCert(path: string, der: Uint8Array): Outcome<true> {
  const error = writeWhole(path, toPem(der), CERT_MODE)
  return error === undefined ? ok(true) : fail(certProblem(path, `cannot be written: ${error}`))
}

/** Writes a file so that it is there whole or not at all; why it could not, else. */
function writeWhole(path: string, text: string, mode: number): string | undefined {
  const temporary = `${path}.part`
  try {
    makeFolder(dirname(resolve(path)))
    // What is left of an attempt before may be open to others.
    rmSync(temporary, { force: true })
    const file = openSync(temporary, 'wx', mode)
    try {
      writeSync(file, text)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    // The mask of the process may have taken bits away, an older file may have had more.
    chmodSync(temporary, mode)
    renameSync(temporary, path)
    return undefined
  } catch (error) {
    return why(error)
  }
}

/** Walks up by hand: `recursive` never comes back on some file systems with Node 20. */
function makeFolder(path: string): void {
  const missing: string[] = []
  for (let at = path; !existsSync(at) && at !== dirname(at); at = dirname(at)) missing.push(at)
  for (const folder of missing.reverse()) mkdirSync(folder, { mode: FOLDER_MODE })
}
