/**
 * The keys of a cluster: the first one seals, each one opens.
 *
 * A key is changed while everything runs: install the new one everywhere, use it everywhere, then
 * remove the old one. At least one key is always there, and the one in use cannot be removed.
 */
import { limits } from '../../base/limits.ts'
import { fail, ok, type Result } from '../../base/result.ts'
import { copyOf, sameOctets } from './types.ts'

const KEYS_MAX = limits.wireKeys.default

export type KeyFault =
  /** Not 16, 24 or 32 octets. */
  | 'bad-length'
  | 'no-keys'
  | 'too-many-keys'
  | 'not-installed'
  /** The primary key; use another one first. */
  | 'in-use'

const isKey = (key: Uint8Array): boolean => [16, 24, 32].includes(key.length)

export class Keyring {
  #keys: readonly Uint8Array[]

  private constructor(keys: readonly Uint8Array[]) {
    this.#keys = keys
  }

  /** A ring of keys of 16, 24 or 32 octets, the primary first; a key named twice counts once. */
  static of(keys: readonly Uint8Array[]): Result<Keyring, KeyFault> {
    const [primary, ...others] = keys
    if (primary === undefined) return fail('no-keys')
    if (!isKey(primary)) return fail('bad-length')
    const ring = new Keyring([copyOf(primary)])
    for (const key of others) {
      const installed = ring.install(key)
      if (!installed.ok) return installed
    }
    return ok(ring)
  }

  get primary(): Uint8Array {
    return this.#keys[0]!
  }

  /** The primary first. The list does not change when the ring does. */
  list(): readonly Uint8Array[] {
    return this.#keys
  }

  /** From now on messages sealed with this key are opened too. */
  install(key: Uint8Array): Result<void, KeyFault> {
    if (!isKey(key)) return fail('bad-length')
    if (this.#find(key) !== undefined) return ok(undefined)
    if (this.#keys.length >= KEYS_MAX) return fail('too-many-keys')
    this.#keys = [...this.#keys, copyOf(key)]
    return ok(undefined)
  }

  /** From now on this key, installed before, seals. */
  use(key: Uint8Array): Result<void, KeyFault> {
    const found = this.#find(key)
    if (found === undefined) return fail('not-installed')
    this.#keys = [found, ...this.#keys.filter((other) => other !== found)]
    return ok(undefined)
  }

  remove(key: Uint8Array): Result<void, KeyFault> {
    const found = this.#find(key)
    if (found === undefined) return fail('not-installed')
    if (found === this.primary) return fail('in-use')
    this.#keys = this.#keys.filter((other) => other !== found)
    return ok(undefined)
  }

  #find(key: Uint8Array): Uint8Array | undefined {
    return this.#keys.find((other) => sameOctets(other, key))
  }
}
