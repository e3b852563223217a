/**
 * What is signed here, looked at by the validator before it goes out.
 *
 * The one place where those that sign meet the one who examines them: neither knows the other's
 * code. A fault is a sentence and nothing is repaired.
 */
import { CLASS_IN, typeName, types } from '../dns/types.ts'
import { wireToName } from '../dns/names.ts'
import type { Rrset } from './canonical.ts'
import type { Verifier } from './crypto.ts'
import { type ZoneKey, rdataOfKey } from './dnskey.ts'
import type { OwnedTypes } from './zone-names.ts'
import {
  type CheckedKey,
  type Checker,
  type WireRecord,
  chainFaults,
  checkSet,
  readKeys,
} from './validate.ts'

export type { CheckedKey } from './validate.ts'

/** Keys as the validator reads them out of DNSKEY data. */
export const keysOfData = (
  apex: Uint8Array,
  rdatas: readonly Uint8Array[],
): readonly CheckedKey[] =>
  readKeys(
    rdatas.map((rdata) => ({
      owner: apex,
      type: types.DNSKEY,
      class: CLASS_IN,
      ttlSeconds: 0,
      rdata,
    })),
    apex,
  )

export const examinedKeys = (apex: Uint8Array, keys: readonly ZoneKey[]): readonly CheckedKey[] =>
  keysOfData(apex, keys.map(rdataOfKey))

/** What is wrong with a signature over a set, or undefined. */
export function signatureFault(
  set: Rrset,
  rdata: Uint8Array,
  context: {
    readonly apex: Uint8Array
    readonly keys: readonly CheckedKey[]
    readonly now: number
  },
  verifier: Verifier,
): string | undefined {
  const { owner, ttlSeconds } = set
  const common = { owner, class: CLASS_IN, ttlSeconds }
  const checked = checkSet(
    {
      records: set.rdatas.map((each) => ({ ...common, type: set.type, rdata: each })),
      signatures: [{ ...common, type: types.RRSIG, rdata }],
    },
    { zone: context.apex, keys: context.keys, nowSeconds: context.now, ttl: 'exact' },
    verifier,
  )
  if (checked.ok) return undefined
  return `${wireToName(owner)} ${typeName(set.type)}: ${checked.error}`
}

/** What is wrong with a chain over the names of a zone. */
export function chainFaultsOf(
  apex: Uint8Array,
  owned: readonly OwnedTypes[],
  chain: readonly Rrset[],
  checker: Checker,
): readonly string[] {
  const record = (owner: Uint8Array, type: number, rdata: Uint8Array): WireRecord => ({
    ...{ owner, type, class: CLASS_IN, ttlSeconds: 0, rdata },
  })
  const nothing = new Uint8Array(0)
  const records = [
    ...owned.flatMap(({ owner, types: held }) =>
      // A name that holds nothing is there by a record that says no more.
      [...held].map((type) => record(owner, type === types.NSEC ? types.RRSIG : type, nothing)),
    ),
    ...chain.flatMap(({ owner, type, rdatas }) =>
      rdatas.map((rdata) => record(owner, type, rdata)),
    ),
  ]
  return chainFaults({ records, zone: apex }, checker).map((fault) => `denial: ${fault}`)
}
