/**
 * What a key store holds, sorted: a document goes with all the keys that it names, or not at all.
 */
import type { DnssecCrypto } from '../crypto.ts'
import type { StoredKey } from '../keyfile.ts'
import { keyIdOf } from '../roll/begin.ts'
import type { RollState } from '../roll/types.ts'
import type { Bundle } from './types.ts'

/** Bundles out of what the key store held: documents with their keys, and keys without one. */
export function bundlesOf(
  contents: { readonly keys: readonly StoredKey[]; readonly rolls: readonly RollState[] },
  crypto: Pick<DnssecCrypto, 'sha256'>,
): { readonly bundles: readonly Bundle[]; readonly loose: readonly StoredKey[] } {
  const named = new Map<string, RollState>()
  for (const state of contents.rolls)
    for (const key of state.keys) named.set(`${state.zone} ${key.id}`, state)
  const byState = new Map<RollState, StoredKey[]>()
  const loose: StoredKey[] = []
  for (const key of contents.keys) {
    const state = named.get(`${key.zone} ${keyIdOf(key, crypto)}`)
    if (state === undefined) loose.push(key)
    else byState.set(state, [...(byState.get(state) ?? []), key])
  }
  const bundles = [...byState].map(([state, keys]) => ({ state, keys }))
  const whole = bundles.filter(({ state, keys }) => keys.length === state.keys.length)
  const halves = bundles.filter(({ state, keys }) => keys.length !== state.keys.length)
  return { bundles: whole, loose: [...loose, ...halves.flatMap(({ keys }) => keys)] }
}
