/**
 * The certificate and key of a TLS listener, read and proved to fit before anything listens.
 *
 * Neither library says which file is at fault, or that a key belongs to another certificate; so
 * both are looked at here. What they hold is never shown.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fail, ok, type Result } from '../../core/base/result.ts'
import type { ListenFault, TlsFiles } from './contract.ts'

export interface TlsMaterial {
  /** PEM: the certificate of the server, then those that lead to its root. */
  readonly certificate: Buffer
  /** PEM. */
  readonly key: Buffer
  /** When the certificate ends, in the words of X.509. */
  readonly endsAt: string
}

const WHY: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EACCES: 'may not be read by this process',
  EPERM: 'may not be read by this process',
  EISDIR: 'is a folder',
}

function faultIn(key: keyof TlsFiles, path: string, what: string): Result<never, ListenFault> {
  return fail({ code: 'bad-tls', message: `${path}: ${what}`, file: key })
}

function readPem(files: TlsFiles, key: keyof TlsFiles): Result<Buffer, ListenFault> {
  const path = files[key]
  try {
    return ok(readFileSync(path))
  } catch (error) {
    const code = (error as { code?: string }).code ?? ''
    return faultIn(key, path, WHY[code] ?? `cannot be read (${code})`)
  }
}

/** Reads both files; a fault names the one it lies in. */
export function readTls(files: TlsFiles): Result<TlsMaterial, ListenFault> {
  const { certFile, keyFile } = files
  const certificate = readPem(files, 'certFile')
  if (!certificate.ok) return certificate
  const key = readPem(files, 'keyFile')
  if (!key.ok) return key
  let leaf: X509Certificate
  try {
    leaf = new X509Certificate(certificate.value)
  } catch {
    return faultIn('certFile', certFile, 'holds no certificate (PEM)')
  }
  let own: KeyObject
  try {
    own = createPrivateKey(key.value)
  } catch {
    const encrypted = /ENCRYPTED/.test(key.value.toString('latin1'))
    const what = encrypted ? 'is encrypted; a key without a passphrase is needed' : ''
    return faultIn('keyFile', keyFile, what || 'holds no private key (PEM)')
  }
  if (!leaf.checkPrivateKey(own))
    return faultIn('keyFile', keyFile, `does not belong to the certificate in ${certFile}`)
  return ok({ certificate: certificate.value, key: key.value, endsAt: leaf.validTo })
}
