/**
 * Whether a bundle of another node may be taken: it is for a zone of ours, and holds a working key
 * pair for each key that its document names.
 *
 * A document without its private keys would make the zone bogus as soon as this node signed by it.
 */
import type { Hashes, KeyMaker } from '../crypto.ts'
import { tagOfKey } from '../dnskey.ts'
import type { StoredKey } from '../keyfile.ts'
import { keyIdOf } from '../roll/begin.ts'
import type { Bundle, RefusalReason } from './types.ts'

type Needs = Pick<Hashes, 'sha256'> & Pick<KeyMaker, 'isPair'>

/** The keys that the document names; those it does not are left out. */
export function keysOfBundle(
  { state, keys }: Bundle,
  hashes: Pick<Hashes, 'sha256'>,
): ReadonlyMap<string, StoredKey> {
  const named = new Set(state.keys.map((key) => key.id))
  const byId = new Map<string, StoredKey>()
  for (const key of keys) {
    const id = keyIdOf(key, hashes)
    if (named.has(id)) byId.set(id, key)
  }
  return byId
}

/** What is wrong with it; undefined when it may be taken. `known` are keys that were checked. */
export function bundleFault(
  bundle: Bundle,
  known: ReadonlySet<string>,
  crypto: Needs,
): RefusalReason | undefined {
  const { state, keys } = bundle
  if (keys.some((key) => key.zone !== state.zone)) return 'other-zone'
  const byId = keysOfBundle(bundle, crypto)
  for (const key of state.keys) {
    const stored = byId.get(key.id)
    if (stored === undefined) return 'private-key-missing'
    const fits =
      stored.role === key.role &&
      stored.publicKey.algorithm === key.algorithm &&
      tagOfKey(stored) === key.tag
    if (!fits) return 'keys-do-not-match'
    // To try a key costs a signature, so those that work already are not tried again.
    if (!known.has(key.id) && !crypto.isPair(stored)) return 'key-does-not-work'
  }
  return undefined
}
