/**
 * What the signer needs of the world: cryptography, and a place for keys and signatures.
 */
import type { Algorithm } from '../../core/dnssec/algorithms.ts'
import type { DnssecCrypto, KeyPair } from '../../core/dnssec/crypto.ts'
import type { StoreContents } from '../../core/dnssec/keystore.ts'
import type { LifetimePolicy } from '../../core/dnssec/lifetimes.ts'
import type { Result } from '../../core/base/result.ts'
import type { ServerAnswer } from '../../core/dnssec/parent/look.ts'
import type { RollPolicy } from '../../core/dnssec/roll/types.ts'
import type { StoredKey } from '../../core/dnssec/keyfile.ts'
import type { SyncCrypto } from '../../core/dnssec/sync/types.ts'
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
  /** Compact denial: signatures a second that each DNS thread may make; absent: none does. */
  readonly onlinePerSecond?: number
  readonly lifetimes: LifetimePolicy
  readonly dnskeyTtlSeconds: number
  /** Whether CDS and CDNSKEY are published. */
  readonly cds: boolean
  /** Whether they ask the parent to take every DS away instead. */
  readonly cdsDelete: boolean
  /** Where keys and signatures lie; empty keeps them in memory. */
  readonly folder: string
  /** What opens them, 32 octets in base64; empty means the file beside them. */
  readonly secret: string
  readonly roll: RollSettings
  readonly keySync: KeySyncConfig
  /** This node is one of a cluster, whose store carries keys as well. */
  readonly isClustered?: boolean
  readonly parent: ParentConfig
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
  /** Whether keys are shared at all; false answers no peer either. */
  readonly isEnabled: boolean
  readonly peers: readonly string[]
  readonly pollMs: number
  readonly timeoutMs: number
  /** Between two looks while a zone has no keys. */
  readonly retryMs: number
  /** What peers prove to know, the one to use first; none for no sharing. */
  readonly secrets: readonly string[]
  readonly forgetAfterMs: number
}

export interface ParentConfig {
  /** Between two looks at the parent; 0 for none. */
  readonly pollMs: number
  /** `host:port` of the parent's servers; none asks the resolver for them. */
  readonly servers: readonly string[]
  /** `host:port`; empty means those of the system. */
  readonly resolver: string
}

export type KeysLoaded =
  | { readonly code: 'absent' }
  | { readonly code: 'loaded'; readonly content: StoreContents }
  /** There are keys that cannot be had: nothing may be made in their place. */
  | { readonly code: 'failed'; readonly message: string }

export interface Imports {
  readonly keys: readonly StoredKey[]
  readonly faults: readonly { readonly file: string; readonly fault: string }[]
  /** Zones of which keys lie there that cannot be taken, or not yet. */
  readonly held?: readonly string[]
  /** Something lies there that may be keys of any zone, and cannot be read. */
  readonly isUnread?: boolean
}

/** Calls `done` once, in a later turn; never throws. */
export type VerifyLater = (
  algorithm: number,
  publicKey: Uint8Array,
  data: Uint8Array,
  signature: Uint8Array,
  done: (isGood: boolean) => void,
) => void

export interface SignerPorts {
  readonly crypto: DnssecCrypto
  /** A key as PKCS #8; undefined where it cannot be written so. Absent: denial is never compact. */
  toPkcs8?(key: KeyPair): Uint8Array | undefined
  /** `crypto.verify` beside this thread; absent: it is done on it, at once. */
  readonly verifyLater?: VerifyLater
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
  readonly syncCrypto: SyncCrypto
  /** A message to a peer, and its reply; the error is a sentence. Never rejects. */
  post(peer: string, message: Uint8Array, timeoutMs: number): Promise<Result<Uint8Array, string>>
  /** What the servers of the zone's parent say of its DS. Never rejects. */
  askParent(zone: string, parent: ParentConfig): Promise<readonly ServerAnswer[]>
  saveSignatures(octets: Uint8Array): Promise<'saved' | 'failed'>
}
