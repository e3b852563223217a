/**
 * Certificates for tests, made by openssl: an authority, and what it vouches for.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Certificates {
  readonly folder: string
  readonly ca: Buffer
  readonly caFile: string
  readonly certFile: string
  readonly keyFile: string
  /** A key of another certificate. */
  readonly otherKeyFile: string
  /** A client's certificate of this authority: `O=Example, CN=name`. */
  client(name: string): { readonly cert: Buffer; readonly key: Buffer }
  /** Puts a new certificate of this authority into `certFile`, with a key of its own. */
  renew(): void
  remove(): void
}

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

/**
 * One for localhost and 127.0.0.1, signed by an authority of its own.
 * @param more other addresses it is for
 */
export function makeCertificates(more: readonly string[] = []): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'opengslb-tls-'))
  const path = (name: string) => join(folder, name)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' })
  const subject = (name: string) => ['-subj', `/CN=${name}`, '-days', '2']
  const caFiles = ['-keyout', path('ca.key'), '-out', path('ca.pem')]
  openssl('req', '-x509', ...EC, ...subject('test authority'), ...caFiles)
  const leaf = (name: string) => {
    const files = ['-keyout', path(`${name}.key`), '-out', path(`${name}.pem`)]
    const own = ['DNS:localhost', 'IP:127.0.0.1', ...more.map((address) => `IP:${address}`)]
    const names = ['-addext', `subjectAltName=${own.join()}`]
    const signer = ['-CA', path('ca.pem'), '-CAkey', path('ca.key')]
    openssl('req', '-x509', ...EC, ...subject('localhost'), ...names, ...signer, ...files)
  }
  leaf('server')
  leaf('other')
  const client = (name: string) => {
    const files = ['-keyout', path('client.key'), '-out', path('client.pem')]
    const own = ['-subj', `/O=Example/CN=${name}`, '-days', '2']
    const signer = ['-CA', path('ca.pem'), '-CAkey', path('ca.key')]
    openssl('req', '-x509', ...EC, ...own, ...signer, ...files)
    return { cert: readFileSync(path('client.pem')), key: readFileSync(path('client.key')) }
  }
  return {
    folder,
    ca: readFileSync(path('ca.pem')),
    caFile: path('ca.pem'),
    certFile: path('server.pem'),
    keyFile: path('server.key'),
    otherKeyFile: path('other.key'),
    client,
    renew: () => leaf('server'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
