/**
 * How a document of keys begins, gets new keys, and is asked to roll.
 */
import type { Hashes } from '../crypto.ts'
import { limits } from '../../base/limits.ts'
import { toHex } from '../../gossip/app/base64.ts'
import { type ZoneKey, rdataOfKey, tagOfKey } from '../dnskey.ts'
import { replacedBy } from './goals.ts'
import { signsKeysByRole, signsZoneByRole } from './moves.ts'
import type {
  KeyId,
  KeySet,
  Past,
  RollCommand,
  RollEvent,
  RollKey,
  RollPolicy,
  RollState,
} from './types.ts'

type PublicPart = Pick<ZoneKey, 'role' | 'publicKey'>

/** Half of a SHA-256 names a key among all keys that anybody will ever make. */
export const keyIdOf = (key: PublicPart, { sha256 }: Pick<Hashes, 'sha256'>): KeyId =>
  toHex(sha256(rdataOfKey(key)).subarray(0, 16))

/** A key as the document knows it, with no work to do yet. */
export const rollKeyOf = (
  key: PublicPart,
  hashes: Pick<Hashes, 'sha256'>,
  createdSeconds: number,
): RollKey => ({
  id: keyIdOf(key, hashes),
  role: key.role,
  algorithm: key.publicKey.algorithm,
  tag: tagOfKey(key),
  createdSeconds,
  goal: 'in-use',
  isPublished: false,
  signsKeys: false,
  signsZone: false,
  sinceSeconds: createdSeconds,
})

export interface Beginning {
  readonly zone: string
  /** 32 hexadecimal digits that nobody else draws. */
  readonly lineage: string
  readonly node: string
  readonly keys: readonly RollKey[]
  readonly isProvisional: boolean
  /**
   * Whether the zone was served with these keys before, as when an operator imports them: then the
   * parent may have their DS already.
   */
  readonly wasSigned: boolean
}

/** A validator may hold that there is no key, and answers without signatures. */
const unsignedUntil = (endedVersion: number, ...ttls: readonly number[]): Past<KeySet> => ({
  value: { members: [], signers: [] },
  endedVersion,
  ttlSeconds: Math.max(...ttls),
})

/**
 * The first document of a zone: its keys work at once. One whose goal is to go has signed before:
 * it stays published until caches have lost that.
 */
export function beginRoll(
  { zone, lineage, node, keys, isProvisional, wasSigned }: Beginning,
  policy: RollPolicy,
  nowSeconds: number,
): RollState {
  const working = keys.map((key): RollKey => {
    const signsKeys = signsKeysByRole(key)
    if (key.goal === 'gone') return { ...key, isPublished: true, signsKeys, signsZone: false }
    const signsZone = signsZoneByRole(key)
    return { ...key, isPublished: true, signsKeys, signsZone, activeSeconds: nowSeconds }
  })
  const resting = working.filter((key) => key.goal === 'gone' && signsZoneByRole(key))
  const unsigned = unsignedUntil(1, policy.dnskeyTtlSeconds, policy.zoneTtlSeconds)
  return {
    zone,
    lineage,
    createdSeconds: nowSeconds,
    isProvisional,
    version: 1,
    revision: 1,
    terms: [{ term: 1, leader: node, fromRevision: 1 }],
    absorbed: [],
    members: [node],
    guests: [],
    keys: working,
    offered: wasSigned
      ? working.filter((key) => key.signsKeys && key.goal === 'in-use').map((key) => key.id)
      : [],
    offeredSeconds: nowSeconds,
    keyTtlSeconds: policy.dnskeyTtlSeconds,
    zoneTtlSeconds: policy.zoneTtlSeconds,
    pastKeySets: wasSigned ? [] : [unsigned],
    pastSignings: resting.map(({ id }) => ({
      ...{ value: [id], endedVersion: 1, ttlSeconds: policy.zoneTtlSeconds },
    })),
    pastOffers: [],
    pastDs: [],
    isUrgent: false,
  }
}

const isUnsigned = ({ value }: Past<KeySet>): boolean => value.members.length === 0

/**
 * The document of a zone that is signed no more: its keys wait, and once it is signed again the
 * parent is offered them when no cache holds that it is not. The same where it says so already.
 */
export function restRoll(state: RollState): RollState {
  const { offered, pastKeySets, pastOffers, keyTtlSeconds, zoneTtlSeconds } = state
  const rests = (past: Past<KeySet>) =>
    isUnsigned(past) && past.endedVersion === state.version && past.confirmedSeconds === undefined
  if (offered.length === 0 && pastKeySets.some(rests)) return state
  const endedVersion = state.version + 1
  const unsigned = unsignedUntil(endedVersion, keyTtlSeconds, zoneTtlSeconds)
  const others = pastOffers.filter(({ value }) => value.join() !== offered.join())
  // The parent may have read it, and take it up at any time.
  const offer = { value: offered, endedVersion, ttlSeconds: keyTtlSeconds }
  return {
    ...state,
    version: endedVersion,
    revision: state.revision + 1,
    offered: [],
    pastKeySets: [...pastKeySets.filter((past) => !isUnsigned(past)), unsigned],
    pastOffers: offered.length === 0 ? pastOffers : [...others, offer],
  }
}

export const beginEvent = ({ zone, keys, createdSeconds }: RollState): RollEvent => ({
  kind: 'keys-begun',
  zone,
  atSeconds: createdSeconds,
  text: `The zone is signed with the keys ${keys.map((key) => key.tag).join(' and ')}.`,
  isAlarm: false,
})

/** Whether a key with the tag would be mistaken for another one of the zone: make another then. */
export const isTagTaken = (state: RollState, key: RollKey): boolean =>
  state.keys.some(({ tag, algorithm }) => tag === key.tag && algorithm === key.algorithm)

/** RFC 6781 section 4.1.4: what is of another algorithm stays until the new one has it all. */
const succeeds = (key: RollKey, old: RollKey): boolean =>
  old.goal === 'in-use' && old.role === key.role && old.algorithm === key.algorithm

export interface Joined {
  readonly state: RollState
  readonly events: readonly RollEvent[]
}

/** The document with a new key, to take the place of those of its role and algorithm. */
export function withKey(state: RollState, key: RollKey, nowSeconds: number): Joined {
  const isKnown = state.keys.some(({ id }) => id === key.id)
  if (isKnown || state.keys.length >= limits.rollKeys.default) return { state, events: [] }
  const going = state.keys.filter((old) => succeeds(key, old))
  const keys = state.keys.map(
    (old): RollKey => (going.includes(old) ? { ...old, goal: 'gone' } : old),
  )
  const next: RollState = {
    ...state,
    revision: state.revision + 1,
    keys: [...keys, { ...key, goal: 'in-use', sinceSeconds: nowSeconds }],
  }
  const instead =
    going.length === 0 ? '' : `, to take the place of ${going.map(({ tag }) => tag).join(', ')}`
  const base = { zone: state.zone, atSeconds: nowSeconds, keyTag: key.tag, isAlarm: false } as const
  const made: RollEvent = {
    ...base,
    kind: 'key-made',
    text: `Key ${key.tag} (${key.role}) is made${instead}.`,
  }
  if (going.length === 0) return { state: next, events: [made] }
  const started: RollEvent = { ...base, kind: 'roll-started', text: 'A rollover begins.' }
  return { state: next, events: [started, made] }
}

/** The document once an operator asked for a rollover; `keys` are new, one for each role asked. */
export function startRoll(
  state: RollState,
  command: RollCommand,
  keys: readonly RollKey[],
  nowSeconds: number,
): Joined {
  const going = replacedBy(state, command)
  if (going.length === 0) return { state, events: [] }
  let next: RollState = { ...state, isUrgent: state.isUrgent || command.isEmergency }
  const events: RollEvent[] = []
  for (const key of keys) {
    const joined = withKey(next, key, nowSeconds)
    next = joined.state
    events.push(...joined.events)
  }
  if (!command.isEmergency) return { state: next, events }
  const text = `An emergency rollover of ${going.map(({ tag }) => tag).join(', ')} begins.`
  const { zone } = state
  const urgent: RollEvent = {
    kind: 'roll-started',
    zone,
    atSeconds: nowSeconds,
    text,
    isAlarm: true,
  }
  return { state: next, events: [urgent, ...events] }
}
