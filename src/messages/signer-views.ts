/** The forms in which the signer tells of keys, zones and peers: public data alone. */

export type DnssecOutcome = 'done' | 'refused' | 'not-found' | 'unavailable'

export interface DsView {
  readonly digestType: number
  /** Hexadecimal, upper case. */
  readonly digest: string
}

export interface KeyView {
  readonly zone: string
  readonly keyTag: number
  readonly algorithm: number
  readonly algorithmName: string
  readonly flags: number
  readonly role: 'csk' | 'ksk' | 'zsk'
  /** Base64, as the DNSKEY has it. */
  readonly publicKey: string
  /** Unix milliseconds; 0 where it is not known. */
  readonly createdMs: number
  /** In the DNSKEY set. */
  readonly published: boolean
  /** Signs. */
  readonly active: boolean
  /** Where it is in its life, in a word. */
  readonly phase: string
  /** CDS and CDNSKEY ask the parent for a DS of it. */
  readonly offered: boolean
  /** Whether the parent publishes a DS of it, as it was seen last. */
  readonly parentDs: string
  /** What the parent zone may be given; none for a key that no DS points at. */
  readonly ds: readonly DsView[]
}

export interface ZoneView {
  readonly zone: string
  readonly denial: 'nsec' | 'nsec3' | 'compact'
  /** What its keys are doing, a sentence each. */
  readonly steps: readonly string[]
}

export interface PeerView {
  readonly peer: string
  /** Unix milliseconds; 0 for never. */
  readonly lastTriedMs: number
  readonly lastSuccessMs: number
  readonly lastError: string
}

export interface SyncView {
  readonly enabled: boolean
  readonly pollMs: number
  /** Unix milliseconds; 0 for never. */
  readonly lastSyncMs: number
  readonly lastError: string
  readonly nextSyncMs: number
  readonly peers: readonly PeerView[]
}
