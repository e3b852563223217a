/**
 * Keys shared between overwatches: what nodes tell each other, and what they need for it.
 *
 * A node asks a peer with the marks of what it has; the peer answers with what is newer, and says
 * what it wants in return. Keys leave a node only towards a peer that proved to know the authority,
 * sealed to a key that this peer made for the purpose (`envelope.ts`).
 */
import type { Sealer } from '../crypto.ts'
import type { StoredKey } from '../keyfile.ts'
import type { Mark, RollEvent, RollFacts, RollState, RollWait } from '../roll/types.ts'

/** A document with the private keys of all keys that it names. */
export interface Bundle {
  readonly state: RollState
  readonly keys: readonly StoredKey[]
}

export interface Serving {
  readonly node: string
  readonly version: number
}

/** When a node was heard last, by the sender or by who told it. */
export interface Hearsay {
  readonly node: string
  readonly agoSeconds: number
}

/** What a node says of one zone. */
export interface ZoneMark {
  readonly zone: string
  /** Undefined while it has no keys. */
  readonly held?: Mark
  /** The versions of that document that nodes serve, the sender's own first; 0 while none. */
  readonly serves: readonly Serving[]
  /** Documents that wait to be taken in. */
  readonly strays: readonly Mark[]
}

export interface SyncMessage {
  readonly kind: 'request' | 'answer'
  readonly node: string
  /** 32 hexadecimal digits that its process drew: two of one name have two. */
  readonly instance?: string
  /** Names that it had before. */
  readonly formerly?: readonly string[]
  readonly heard: readonly Hearsay[]
  /** The zones in `(after, upTo]`; the whole rest when `upTo` is absent. */
  readonly after: string
  readonly upTo?: string
  readonly marks: readonly ZoneMark[]
  readonly bundles: readonly Bundle[]
  /** Zones of which the sender wants the bundles. */
  readonly wants: readonly string[]
  /** Whether it had more to say than fits. */
  readonly isCut: boolean
}

/** What sealing a message needs besides what signing does. */
export interface SyncCrypto extends Sealer {
  /** X25519 (RFC 7748): 32 octets each. */
  agreementPair(): { readonly publicKey: Uint8Array; readonly privateKey: Uint8Array }
  /** Undefined for a public key that is none, or one of low order. */
  agree(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined
  /** HKDF-SHA256 (RFC 5869). */
  derive(secret: Uint8Array, salt: Uint8Array, info: Uint8Array, bytes: number): Uint8Array
  randomBytes(count: number): Uint8Array
}

export type SyncFault =
  /** It does not open: another authority, damage, or something else altogether. */
  | 'not-authentic'
  | 'too-large'
  /** It opens, but what is in it is none of the protocol. */
  | 'malformed'
  /** Sealed to a key of an earlier life of this process. */
  | 'stale-session'
  | 'other-version'
  | 'too-many'

export type RefusalReason =
  | 'old-generation'
  | 'other-zone'
  | 'keys-do-not-match'
  | 'private-key-missing'
  | 'key-does-not-work'

/** A bundle of a peer that was not taken. */
export interface Refusal {
  readonly peer: string
  readonly zone: string
  readonly reason: RefusalReason
}

export interface PeerView {
  readonly peer: string
  /** Its own name, once heard. */
  readonly node?: string
  readonly lastTrySeconds?: number
  readonly lastSuccessSeconds?: number
  readonly lastError?: string
}

/** `.sync` of the status. */
export interface SyncView {
  readonly isEnabled: boolean
  readonly lastSyncSeconds?: number
  readonly lastError?: string
  readonly nextSyncSeconds?: number
  readonly peers: readonly PeerView[]
}

/** What became of a turn or a message: the zones to publish anew and store, and what to tell. */
export interface RingOutcome {
  readonly changed: readonly string[]
  readonly events: readonly RollEvent[]
  readonly refusals: readonly Refusal[]
}

/** Why an order is not taken. */
export type CommandRefusal =
  | { readonly kind: 'no-keys' | 'no-such-key' }
  /** `isHeard`: of late, so that it can be asked. */
  | { readonly kind: 'led-elsewhere'; readonly leader: string; readonly isHeard: boolean }
  | { readonly kind: 'too-few'; readonly unheard: readonly string[] }
  /** The document has no room for the keys to be made. */
  | { readonly kind: 'full'; readonly held: number }

/** What a turn goes by besides the documents. */
export interface TurnSettings {
  readonly nowSeconds: number
  /** Since when this process can have heard anybody. */
  readonly startedSeconds: number
  readonly takeoverSeconds: number
  readonly patienceSeconds: number
  /** Configured peers that this process never heard. */
  readonly unheard?: readonly string[]
  readonly isTimeUnsure?: boolean
  /** No peer is configured, and there is no cluster. */
  readonly isAlone?: boolean
}

export type { RollFacts, RollWait }
