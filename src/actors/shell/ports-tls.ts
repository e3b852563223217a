/**
 * The certificate and key of a TLS listener, read and proved to fit before anything listens.
 *
 * Neither library says which file is at fault, or that a key belongs to another certificate; so
 * both are looked at here. What they hold is never shown.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fail, ok, type Result } from '../../core/base/result.ts'
import type { ListenFault, TlsFile, TlsFiles } from './contract.ts'

export interface TlsMaterial {
  /** PEM: the certificate of the server, then those that lead to its root. */
  readonly certificate: Buffer
  /** PEM. */
  readonly key: Buffer
  /** When the certificate ends, in the words of X.509. */
  readonly endsAt: string
  /** PEM; absent where no client is asked for a certificate. */
  readonly clientCa?: Buffer
}

const WHY: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EACCES: 'may not be read by this process',
  EPERM: 'may not be read by this process',
  EISDIR: 'is a folder',
}

function faultIn(key: TlsFile, path: string, what: string): Result<never, ListenFault> {
  return fail({ code: 'bad-tls', message: `${path}: ${what}`, file: key })
}

function readPem(path: string, key: TlsFile): Result<Buffer, ListenFault> {
  try {
    return ok(readFileSync(path))
  } catch (error) {
    const code = (error as { code?: string }).code ?? ''
    return faultIn(key, path, WHY[code] ?? `cannot be read (${code})`)
  }
}

/** The first certificate of a PEM file; a fault where it holds none. */
function certificateIn(
  pem: Buffer,
  key: TlsFile,
  path: string,
): Result<X509Certificate, ListenFault> {
  try {
    return ok(new X509Certificate(pem))
  } catch {
    return faultIn(key, path, 'holds no certificate (PEM)')
  }
}

/** Reads the files; a fault names the one it lies in. */
export function readTls(files: TlsFiles): Result<TlsMaterial, ListenFault> {
  const { certFile, keyFile, clientCaFile } = files
  const certificate = readPem(certFile, 'certFile')
  if (!certificate.ok) return certificate
  const key = readPem(keyFile, 'keyFile')
  if (!key.ok) return key
  const read = certificateIn(certificate.value, 'certFile', certFile)
  if (!read.ok) return read
  const leaf = read.value
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
  const material = { certificate: certificate.value, key: key.value, endsAt: leaf.validTo }
  if (clientCaFile === undefined) return ok(material)
  const clientCa = readPem(clientCaFile, 'clientCaFile')
  if (!clientCa.ok) return clientCa
  const authority = certificateIn(clientCa.value, 'clientCaFile', clientCaFile)
  return authority.ok ? ok({ ...material, clientCa: clientCa.value }) : authority
}

/** Whether two readings of the files gave the same. */
export const sameTls = (a: TlsMaterial, b: TlsMaterial): boolean =>
  a.certificate.equals(b.certificate) &&
  a.key.equals(b.key) &&
  (a.clientCa === b.clientCa || (a.clientCa?.equals(b.clientCa ?? Buffer.alloc(0)) ?? false))
