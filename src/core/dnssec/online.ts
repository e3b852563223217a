/**
 * What a DNS thread is given to sign denials with: of each zone the keys that sign its records.
 *
 * This is the one form in which a private key leaves the signer, to other threads of its process.
 */
import { types } from '../dns/types.ts'
import { nameToWire } from '../dns/names.ts'
import type { PrivateKey, PublicKey } from './algorithms.ts'
import { rdataOfKey } from './dnskey.ts'
import { rrsigHead } from './rrsig.ts'
import type { ZonePlan } from './serving-plan.ts'
import { signersOf } from './sign-zone.ts'

export interface OnlineKeyParts {
  readonly algorithm: number
  /** The data of an RRSIG by it without the signature; what depends on the set is zero. */
  readonly head: Uint8Array
  /** PKCS #8, DER. */
  readonly privateKey: Uint8Array
  /** The data of its DNSKEY: who signs with it is examined by that. */
  readonly dnskey: Uint8Array
}

export interface OnlineZoneParts {
  readonly apex: string
  readonly keys: readonly OnlineKeyParts[]
}

const NO_SET = { owner: new Uint8Array(1), type: 0, ttlSeconds: 0, rdatas: [] }
const NO_TIMES = { inceptionSeconds: 0, expirationSeconds: 0 }

/** A zone without keys, or with one that cannot be written, is left to its chain. */
export function onlineZones(
  plans: readonly ZonePlan[],
  toPkcs8: (key: { publicKey: PublicKey; privateKey: PrivateKey }) => Uint8Array | undefined,
): OnlineZoneParts[] {
  return plans.flatMap(({ apex, keys }) => {
    const wire = nameToWire(apex)
    if (!wire.ok) return []
    const written = signersOf(keys, types.NSEC).map((key) => {
      const privateKey = toPkcs8(key)
      if (privateKey === undefined) return undefined
      const head = rrsigHead(NO_SET, key, wire.value, NO_TIMES)
      const { algorithm } = key.publicKey
      return { algorithm, head, privateKey, dnskey: rdataOfKey(key) }
    })
    const all = written.filter((key) => key !== undefined)
    return all.length === 0 || all.length < written.length ? [] : [{ apex, keys: all }]
  })
}
