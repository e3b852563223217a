/**
 * Signatures and proofs of one compiled table and its pools, ready to be copied into replies.
 *
 * Plain memory, as the table itself is: made once, elsewhere, read by every thread that answers,
 * handed from thread to thread as it is. Everything is found by number: an rrset and a node by
 * where they lie in the arena of the table, an address and a pool by their index. 0 always means
 * that there is none. Private keys are not in it.
 *
 * Two kinds of things lie in `words`. A run is the RRSIG records of one rrset without their
 * owners: a head (how many, then their octets from bit 16), then the records. An entry is one
 * NSEC or NSEC3, or the SOA of negative answers: a head (octets of the owner without the apex,
 * from bit 8 its labels, from bit 16 octets of the record), its run, the entry of the chain that
 * it stands for (itself, as a rule), how many octets all of it has and from bit 16 how many
 * records; then what stands in a reply, in one piece: the owner's octets, the record and its
 * signatures, each with two octets before it where the pointer to its owner goes.
 */

export interface SignedParts {
  /** Of the table that is signed; with any other these numbers mean nothing. */
  readonly epoch: number
  /** Grows with each set of signatures, whatever the epoch. */
  readonly version: number
  /** Runs and entries; the first word is used by none. */
  readonly words: Int32Array
  /**
   * By a place in the table's arena divided by four: for an rrset its run, for a node its row. Both
   * take at least four words there, so no two share a number.
   */
  readonly refs: Int32Array
  /** ROW numbers for each node that a zone denies things of; the first row is nobody's. */
  readonly rows: Int32Array
  /** Entries of each zone in the order of its chain, one zone after another. */
  readonly chain: Int32Array
  /** NSEC: the labels right below each name as numbers in their order (label-keys.ts). */
  readonly labelKeys: Float64Array
  /** Beside them, the places of the chain where the names of each label begin. */
  readonly labelPlaces: Int32Array
  /** NSEC3: HASH_WORDS words of each hash beside `chain`, the first octet highest; else empty. */
  readonly hashes: Int32Array
  /** ZONE numbers for each zone of the table. */
  readonly zones: Int32Array
  /** By address, the run of the answer that consists of it alone. */
  readonly addresses: Int32Array
  /** POOL numbers for each pool and family: IPv4, then IPv6. */
  readonly pools: Int32Array
  /** Answers of several addresses: open addressing (answer-sets.ts). */
  readonly subsets: Int32Array
}

/** Words of an entry before its octets: the head, its run, the entry of the chain. */
export const ENTRY = 4
export const ENTRY_RUN = 1
export const ENTRY_OF = 2
export const ENTRY_WHOLE = 3
/** Octets set aside for a pointer to an owner. */
export const POINTER_BYTES = 2

/** Numbers of a row. */
export const ROW = 6
/** The entry that denies types of the node, times two; one more when it is the node's own. */
export const ROW_ENTRY = 0
/** The entry that denies the wildcard below the node, or is that wildcard's own. */
export const ROW_WILDCARD = 1
/** Places of the chain that hold the names below the node: NSEC alone. */
export const ROW_FROM = 2
export const ROW_TO = 3
/** Where in `labelKeys` those of the labels right below the node begin and end: NSEC alone. */
export const ROW_KEYS = 4
export const ROW_KEYS_END = 5

/** Numbers of a zone. */
export const ZONE = 6
/** How it denies: UNSIGNED, or one of the others. */
export const ZONE_KIND = 0
/** The entry of the SOA in negative answers. */
export const ZONE_SOA = 1
/** Its places of the chain. */
export const ZONE_FROM = 2
export const ZONE_TO = 3
/** Labels of the apex. */
export const ZONE_LABELS = 4
/** The entry of the zone above, when that is served here, which denies the DS of this one. */
export const ZONE_NO_DS = 5

/** Served as if there were no DNSSEC. */
export const UNSIGNED = 0
export const BY_NSEC = 1
export const BY_NSEC3 = 2

/** Numbers of a pool in one family. */
export const POOL = 4
/** Where its answers of several addresses begin, and one less than how many places they have. */
export const POOL_FROM = 0
export const POOL_MASK = 1
/** The most addresses of an answer, which is how many numbers each place has behind its run. */
export const POOL_MOST = 2
/** The entry that denies the family where servers of the other one still answer. */
export const POOL_NO_DATA = 3

export const HASH_WORDS = 5

/** Octets that all of it takes. */
export const signedBytes = (parts: SignedParts): number =>
  [
    ...[parts.words, parts.refs, parts.rows, parts.chain, parts.hashes],
    ...[parts.labelKeys, parts.labelPlaces],
    ...[parts.zones, parts.addresses, parts.pools, parts.subsets],
  ].reduce((sum, { byteLength }) => sum + byteLength, 0)
