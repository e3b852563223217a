/**
 * Keys that sign on a DNS thread, for compact denial alone: over node:crypto, at once.
 *
 * A key comes as PKCS #8 (RFC 5958) from the signer of this process, and is never written.
 */
import { constants, createPrivateKey, type KeyObject, sign } from 'node:crypto'
import { type Algorithm, isAlgorithm } from '../../core/dnssec/algorithms.ts'
import type { OnlineKey } from '../../core/dns/compact.ts'

/** The hash that is signed; null where the algorithm hashes itself. */
const DIGESTS: Readonly<Record<Algorithm, string | null>> = {
  8: 'sha256',
  10: 'sha512',
  13: 'sha256',
  14: 'sha384',
  15: null,
}

/** Undefined where the octets are no key of the algorithm. */
export function signWith(algorithm: number, privateKey: Uint8Array): OnlineKey['sign'] | undefined {
  if (!isAlgorithm(algorithm)) return undefined
  let key: KeyObject
  try {
    key = createPrivateKey({ key: Buffer.from(privateKey), format: 'der', type: 'pkcs8' })
  } catch {
    return undefined
  }
  const digest = DIGESTS[algorithm]
  const padding = constants.RSA_PKCS1_PADDING
  const options = algorithm === 15 ? key : { key, dsaEncoding: 'ieee-p1363' as const, padding }
  return (data) => {
    try {
      return sign(digest, data, options)
    } catch {
      return undefined
    }
  }
}
