/**
 * The key state of a zone: one plain document that every node of the zone holds alike.
 *
 * The law of rollovers here is not a table of phases but what they are for (RFC 6781 section 4.1,
 * RFC 7583): whatever mix of a DS set, a key set and signatures a validator may hold, it validates.
 * So the document says what is published now, and what was published before and may still be in a
 * cache or on a node that is behind. A step is taken when every such mix with the new state is
 * valid (`views.ts`). Pre-publication, double signature and the order of an algorithm rollover
 * follow from that; nothing else times them.
 *
 * Times are seconds since 1970. The document holds public facts alone: no private key.
 */
import type { Algorithm } from '../algorithms.ts'
import type { KeyRole } from '../dnskey.ts'

/** 32 hexadecimal digits: the first half of the SHA-256 of the DNSKEY data. */
export type KeyId = string

export interface RollKey {
  readonly id: KeyId
  readonly role: KeyRole
  readonly algorithm: Algorithm
  readonly tag: number
  readonly createdSeconds: number
  /** What is to become of it; how it gets there is for the steps. */
  readonly goal: 'in-use' | 'gone'
  /** Whether it is in the DNSKEY set. */
  readonly isPublished: boolean
  /** Whether it signs the DNSKEY, CDS and CDNSKEY sets. */
  readonly signsKeys: boolean
  /** Whether it signs everything else. */
  readonly signsZone: boolean
  /** When one of the three changed last. */
  readonly sinceSeconds: number
  /** When it began the work of its role: its lifetime counts from there. */
  readonly activeSeconds?: number
}

/** A DNSKEY set, with the keys that sign it. */
export interface KeySet {
  readonly members: readonly KeyId[]
  readonly signers: readonly KeyId[]
}

/**
 * Something that was published before. `confirmedSeconds`: since when no node serves it any more;
 * without it, some node may. It is forgotten `ttlSeconds` and the safety margin after that.
 */
export interface Past<T> {
  readonly value: T
  /** The version of the document in which it was there no more. */
  readonly endedVersion: number
  readonly confirmedSeconds?: number
  readonly ttlSeconds: number
}

/** A set of DS records, by the keys they speak of; `?` before algorithm and tag for one unknown. */
export type DsSet = readonly KeyId[]

/** What the parent's servers showed when they were asked last. */
export interface DsView {
  /** The different sets among its servers: one when they agree. */
  readonly sets: readonly DsSet[]
  readonly ttlSeconds: number
  readonly seenSeconds: number
  /** An operator said so: it holds until a look at all servers says what is there. */
  readonly isTold?: true
}

export interface PastDs {
  readonly members: DsSet
  readonly ttlSeconds: number
  /** When no server showed it any more. */
  readonly goneSeconds: number
}

export interface Term {
  readonly term: number
  readonly leader: string
  /** Revision of the document when the term began: what has more in an older term is a fork. */
  readonly fromRevision: number
}

/** A place in the history of a document. */
export interface Mark {
  readonly lineage: string
  readonly term: number
  readonly leader: string
  readonly revision: number
}

export interface RollState {
  /** Apex of the zone: lower case, no final dot. */
  readonly zone: string
  /** 32 hexadecimal digits drawn when the first keys of the document were made. */
  readonly lineage: string
  readonly createdSeconds: number
  /** Made while peers were silent: yields to any that was not. */
  readonly isProvisional: boolean
  /** Counts changes of what is served; nodes tell which one they serve. */
  readonly version: number
  /** Counts all changes. */
  readonly revision: number
  /** The newest last; bounded. */
  readonly terms: readonly Term[]
  /** Other documents whose keys and past were taken in. */
  readonly absorbed: readonly Mark[]
  /** Names of the nodes that serve the zone, the leader among them. */
  readonly members: readonly string[]
  /**
   * Nodes that this node gave the document to and that are no members yet. Each node has its own:
   * it must outlast a restart, or the leader would never hear of a node that serves an old version.
   */
  readonly guests: readonly string[]
  readonly keys: readonly RollKey[]
  /** Keys that CDS and CDNSKEY speak of; none are published for []. */
  readonly offered: DsSet
  readonly offeredSeconds: number
  /** The longest TTLs that the present sets were served with. */
  readonly keyTtlSeconds: number
  readonly zoneTtlSeconds: number
  readonly pastKeySets: readonly Past<KeySet>[]
  readonly pastSignings: readonly Past<readonly KeyId[]>[]
  /** What was offered since the parent last showed what was offered. */
  readonly pastOffers: readonly Past<DsSet>[]
  readonly ds?: DsView
  readonly pastDs: readonly PastDs[]
  /** An emergency: margins are cut to what clocks may differ by. */
  readonly isUrgent: boolean
}

export interface RollPolicy {
  readonly algorithm: Algorithm
  /** A key for the key set and one for the rest, instead of one for all. */
  readonly isSplit: boolean
  readonly dnskeyTtlSeconds: number
  /** The longest TTL of the zone, that of negative answers included. */
  readonly zoneTtlSeconds: number
  /** Added to every TTL: the zone's way to all servers, and clocks that differ. */
  readonly safetySeconds: number
  /** How long the parent may take to publish what it was offered, once something else is. */
  readonly parentSeconds: number
  /** 0 for keys that are rolled when somebody asks for it. */
  readonly zskLifetimeSeconds: number
  /** Of a KSK or a CSK. */
  readonly kskLifetimeSeconds: number
}

/** What is known besides the document. */
export interface RollFacts {
  /** The version that every member serves at least; undefined while one was not heard. */
  readonly servedByAll: number | undefined
  /** Members that hold `servedByAll` back, for the words about it. */
  readonly behind: readonly string[]
  /**
   * Nodes that were never heard and may serve the zone with other keys. The first DS waits for
   * them: until there is one, keys that differ are harmless, and from then on they are bogus.
   */
  readonly unheard?: readonly string[]
  /** The clock may be wrong: no wait ends by it. */
  readonly isTimeUnsure?: boolean
}

export type RollEventKind =
  | 'keys-begun'
  | 'roll-started'
  | 'key-made'
  | 'key-published'
  | 'key-signs'
  | 'key-rests'
  | 'ds-offered'
  | 'ds-seen'
  | 'ds-gone'
  | 'key-withdrawn'
  | 'key-deleted'
  | 'roll-done'
  | 'leader-changed'
  | 'sets-joined'
  | 'member-joined'
  | 'member-forgotten'
  | 'ds-foreign'

export interface RollEvent {
  readonly kind: RollEventKind
  readonly zone: string
  readonly atSeconds: number
  /** A sentence for people. */
  readonly text: string
  readonly keyTag?: number
  readonly isAlarm: boolean
}

export type RollAction =
  /** Make a key pair, then `withKey` it. Asked again on each turn until it is there. */
  | { readonly kind: 'make-key'; readonly role: KeyRole; readonly algorithm: Algorithm }
  /** The private key is needed no more: no validator can hold a signature of it. */
  | { readonly kind: 'delete-key'; readonly id: KeyId }

/** What a move waits for. */
export interface RollWait {
  readonly text: string
  /** When it will be over, where that is known. */
  readonly untilSeconds?: number
}

export interface RollTurn {
  readonly state: RollState
  readonly actions: readonly RollAction[]
  readonly events: readonly RollEvent[]
  readonly waits: readonly RollWait[]
}

/** What an operator may ask for. */
export interface RollCommand {
  /** Which keys are replaced; all of them when left out. */
  readonly roles?: readonly KeyRole[]
  readonly keyTag?: number
  readonly isEmergency: boolean
}

/** What a zone is served with: the keys by the work they do. */
export interface ServingKeys {
  readonly version: number
  readonly published: readonly KeyId[]
  readonly signKeys: readonly KeyId[]
  readonly signZone: readonly KeyId[]
  readonly cds: readonly KeyId[]
}

/** A row of `dnssec status`. */
export interface RollRow {
  readonly zone: string
  readonly id: KeyId
  readonly keyTag: number
  readonly role: KeyRole
  readonly algorithm: Algorithm
  readonly createdSeconds: number
  readonly sinceSeconds: number
  readonly phase: 'made' | 'signing-ahead' | 'published' | 'active' | 'retiring' | 'withdrawn'
  readonly ds: 'unknown' | 'absent' | 'appearing' | 'seen' | 'vanishing'
  readonly hasCds: boolean
  readonly isPublished: boolean
  readonly signsKeys: boolean
  readonly signsZone: boolean
}
