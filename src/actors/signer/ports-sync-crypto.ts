/**
 * Cryptography of key sync over node:crypto: X25519 and HKDF beside the sealing that keys at rest
 * have too.
 */
import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  randomBytes,
} from 'node:crypto'
import type { Sealer } from '../../core/dnssec/crypto.ts'
import type { SyncCrypto } from '../../core/dnssec/sync/types.ts'
import { newPair } from './ports-pairs.ts'

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')
const octets = (part: string | undefined): Uint8Array =>
  new Uint8Array(Buffer.from(part ?? '', 'base64url'))

export const nodeSyncCrypto = ({ seal, open }: Sealer): SyncCrypto => ({
  seal,
  open,
  agreementPair() {
    const { x, d } = newPair({ type: 'x25519' })
    // The private part is kept with the public one, as a JSON Web Key takes both.
    return { publicKey: octets(x), privateKey: new Uint8Array([...octets(d), ...octets(x)]) }
  },
  agree(privateKey, publicKey) {
    try {
      const [d, x] = [privateKey.subarray(0, 32), privateKey.subarray(32)]
      const own = { kty: 'OKP', crv: 'X25519', d: text(d), x: text(x) }
      const other = { kty: 'OKP', crv: 'X25519', x: text(publicKey) }
      const shared = diffieHellman({
        privateKey: createPrivateKey({ key: own, format: 'jwk' }),
        publicKey: createPublicKey({ key: other, format: 'jwk' }),
      })
      return new Uint8Array(shared)
    } catch {
      // Of low order (RFC 7748 section 6.1), or no key: the library refuses it.
      return undefined
    }
  },
  derive: (secret, salt, info, bytes) =>
    new Uint8Array(hkdfSync('sha256', secret, salt, info, bytes)),
  randomBytes: (count) => new Uint8Array(randomBytes(count)),
})
