/**
 * Which keys of an operator's files are taken: a folder of BIND holds keys that are over as well.
 *
 * A key at work goes on working, and its further times are ours to decide. One that rests is
 * published until caches have lost its signatures. All others are left out: nothing that a cache
 * may hold needs them. A key marked as an entry point signs the whole zone unless the zone has
 * another at work for the rest beside it, which the files themselves do not say.
 */
import { type KeyTimes, stampOf, useOf } from './key-times.ts'
import type { StoredKey } from './keyfile.ts'

export interface LeftOut {
  readonly key: StoredKey
  /** Half a sentence. */
  readonly why: string
}

export interface Sorted {
  readonly taken: readonly StoredKey[]
  readonly left: readonly LeftOut[]
}

/** Whether a key rests beside one that does its work. */
export const restsBeside = (
  key: StoredKey,
  keys: readonly StoredKey[],
  nowSeconds: number,
): boolean =>
  useOf(key.times, nowSeconds) === 'resting' &&
  keys.some(
    (other) =>
      other.zone === key.zone &&
      other.publicKey.algorithm === key.publicKey.algorithm &&
      useOf(other.times, nowSeconds) === 'in-use',
  )

const NO_ENTRY = 'no key at work is there that signs the keys of its zone (KSK or CSK)'

const zoneOf = ({ zone }: StoredKey): string => zone

function whyNot(key: StoredKey, keys: readonly StoredKey[], nowSeconds: number) {
  const { activate = 0, inactive = 0, delete: gone = 0 } = key.times
  const use = useOf(key.times, nowSeconds)
  if (use === 'over') return `its time to be deleted was ${stampOf(gone)}`
  if (use === 'to-come') return `it is not in use before ${stampOf(activate)}`
  if (use === 'in-use' || restsBeside(key, keys, nowSeconds)) return undefined
  return `it is inactive since ${stampOf(inactive)}, and no other key does its work`
}

/** Keys marked as entry points come as `csk`. */
export function sortImports(keys: readonly StoredKey[], nowSeconds: number): Sorted {
  const taken: StoredKey[] = []
  const left: LeftOut[] = []
  for (const key of keys) {
    const why = whyNot(key, keys, nowSeconds)
    if (why !== undefined) left.push({ key, why })
    else taken.push(key)
  }
  const works = ({ times }: StoredKey) => useOf(times, nowSeconds) === 'in-use'
  const entered = new Set(taken.filter((key) => key.role !== 'zsk' && works(key)).map(zoneOf))
  // Its KSK is kept elsewhere, or was not read: a new one would not be that of the parent's DS.
  const alone = taken.filter(({ zone }) => !entered.has(zone))
  left.push(...alone.map((key) => ({ key, why: NO_ENTRY })))
  const split = new Set(taken.filter((key) => key.role === 'zsk' && works(key)).map(zoneOf))
  const roleOf = ({ role, zone }: StoredKey) => (role === 'csk' && split.has(zone) ? 'ksk' : role)
  const timesOf = ({ inactive: _, delete: __, syncDelete: ___, ...times }: KeyTimes) => times
  return {
    taken: taken
      .filter((key) => entered.has(key.zone))
      .map((key) => ({
        ...{ ...key, role: roleOf(key) },
        times: works(key) ? timesOf(key.times) : key.times,
      })),
    left,
  }
}
