/**
 * New key pairs over node:crypto, as the JSON Web Keys (RFC 7517) that the signer keeps its numbers
 * from.
 *
 * The law it keeps: no key object of a pair that was just made is ever exported. The job that made
 * the pair is garbage at once, and its destructor in node takes the lock of the key; an export as a
 * JSON Web Key holds that lock while it allocates. Where garbage is collected in that moment the
 * thread waits for itself for ever: it neither spins nor throws, and cannot be terminated. About
 * one export in four thousand does so (Node 20.20). A pair that is encoded by the job itself leaves
 * no object to export.
 */
import { type JsonWebKey, generateKeyPairSync } from 'node:crypto'

/** The kinds of pairs, with what each has to know. */
export type PairKind =
  | { readonly type: 'rsa'; readonly modulusLength: number }
  | { readonly type: 'ec'; readonly namedCurve: string }
  | { readonly type: 'ed25519' | 'x25519' }

/** The types of node know no encoding as a JSON Web Key, which it has since version 16. */
const generate = generateKeyPairSync as unknown as (
  type: string,
  options: object,
) => { readonly privateKey: JsonWebKey }

/** The private key, which holds the public one too. Throws where the kind is none. */
export function newPair({ type, ...options }: PairKind): JsonWebKey {
  const encoded = {
    publicKeyEncoding: { type: 'spki', format: 'jwk' },
    privateKeyEncoding: { type: 'pkcs8', format: 'jwk' },
  }
  return generate(type, { ...options, ...encoded }).privateKey
}
