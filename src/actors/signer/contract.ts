/**
 * What the signer needs of the world: cryptography, and a place for keys and signatures.
 */
import type { Algorithm } from '../../core/dnssec/algorithms.ts'
import type { DnssecCrypto } from '../../core/dnssec/crypto.ts'
import type { StoreContents } from '../../core/dnssec/keystore.ts'
import type { LifetimePolicy } from '../../core/dnssec/lifetimes.ts'
import type { RollPolicy } from '../../core/dnssec/roll/types.ts'
import type { StoredKey } from '../../core/dnssec/keyfile.ts'
import type { Denial } from '../../core/dnssec/serving-plan.ts'

export interface SignerConfig {
  /** Name of this node among the overwatches. */
  readonly node: string
  /** False: nothing is signed, and keys are left as they are. */
  readonly enabled: boolean
  /** The zones to sign. */
  readonly zones: readonly ZoneToSign[]
  /** Of new keys. */
  readonly algorithm: Algorithm
  /** A key for the key set and one for the rest, instead of one for all. */
  readonly isSplit: boolean
  readonly denial: Denial
  readonly lifetimes: LifetimePolicy
  readonly dnskeyTtlSeconds: number
  /** Whether CDS and CDNSKEY are published. */
  readonly cds: boolean
  /** Where keys and signatures lie; empty keeps them in memory. */
  readonly folder: string
  /** What opens them, 32 octets in base64; empty means the file beside them. */
  readonly secret: string
  readonly roll: RollSettings
  readonly keySync: KeySyncConfig
}

export interface ZoneToSign {
  /** Its apex: lower case, no final dot. */
  readonly zone: string
  /** The longest of what stands in it, that of negative answers included. */
  readonly ttlSeconds: number
}

/** What times rollovers, beside TTLs. */
export type RollSettings = Pick<
  RollPolicy,
  'safetySeconds' | 'parentSeconds' | 'zskLifetimeSeconds' | 'kskLifetimeSeconds'
>

export interface KeySyncConfig {
  readonly peers: readonly string[]
  readonly pollMs: number
  readonly timeoutMs: number
}

export type KeysLoaded =
  | { readonly code: 'absent' }
  | { readonly code: 'loaded'; readonly content: StoreContents }
  /** There are keys that cannot be had: nothing may be made in their place. */
  | { readonly code: 'failed'; readonly message: string }

export interface Imports {
  readonly keys: readonly StoredKey[]
  readonly faults: readonly { readonly file: string; readonly fault: string }[]
}

export interface SignerPorts {
  readonly crypto: DnssecCrypto
  /** Octets nobody can guess. */
  randomBytes(count: number): Uint8Array
  loadKeys(): Promise<KeysLoaded>
  /** On disk once it resolves, and whole or not at all whatever ends the process. */
  saveKeys(content: StoreContents): Promise<'saved' | 'failed'>
  /** Signatures made before; undefined where there are none that can be trusted. */
  loadSignatures(): Promise<Uint8Array | undefined>
  /** Keys that an operator laid down, and what is wrong with those that are none. */
  readImports(): Promise<Imports>
  /** Takes away the files of these zones. */
  dropImports(zones: readonly string[]): Promise<void>
  saveSignatures(octets: Uint8Array): Promise<'saved' | 'failed'>
}
