/**
 * What the replies of the parent's servers say of a zone's DS.
 *
 * The law: only an authoritative reply counts, and a server that gave none makes the look
 * incomplete. That way what cannot be seen is never taken for something that is gone.
 */
import { types } from '../../dns/types.ts'
import { nameToWire } from '../../dns/names.ts'
import { limits } from '../../base/limits.ts'
import type { Hashes } from '../crypto.ts'
import { type ZoneKey, rdataOfKey } from '../dnskey.ts'
import { digestTypes, dsRdata } from '../ds.ts'
import { keyIdOf } from '../roll/begin.ts'
import type { ParentLook } from '../roll/look.ts'
import type { DsSet } from '../roll/types.ts'
import type { Reply } from './message.ts'

/** The DS data that one server shows; undefined when its reply does not tell. */
export function dsOfReply(
  reply: Reply,
  zone: string,
): { readonly rdatas: readonly Uint8Array[]; readonly ttlSeconds: number } | undefined {
  const { rcode, isAuthoritative, isCut, answers } = reply
  const NOERROR = 0
  const NXDOMAIN = 3
  if (!isAuthoritative || isCut || (rcode !== NOERROR && rcode !== NXDOMAIN)) return undefined
  const found = answers.filter((record) => record.type === types.DS && record.owner === zone)
  if (found.length > 0) {
    const ttlSeconds = Math.max(...found.map((record) => record.ttlSeconds))
    const rdatas = found.slice(0, limits.rollDsRecords.default).map((record) => record.rdata)
    return { rdatas, ttlSeconds }
  }
  // RFC 4035 section 3.1.4.1: the child answers for itself with its own SOA; that is no parent.
  if (reply.soaOwner === undefined || reply.soaOwner === zone) return undefined
  return { rdatas: [], ttlSeconds: reply.negativeTtlSeconds ?? 0 }
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, at) => byte === b[at])

export type PublicKeyOfZone = Pick<ZoneKey, 'role' | 'publicKey'>

/** Which keys a set of DS records speaks of; those of no key of ours by algorithm and tag. */
export function keysOfDs(
  zone: string,
  rdatas: readonly Uint8Array[],
  keys: readonly PublicKeyOfZone[],
  hashes: Pick<Hashes, 'sha256' | 'sha384'>,
): DsSet {
  const owner = nameToWire(zone)
  if (!owner.ok) return []
  const known = keys.map((key) => {
    const dnskey = rdataOfKey(key)
    const digest = (type: 2 | 4) => dsRdata(owner.value, dnskey, type, hashes)
    const all = [digest(digestTypes.SHA256), digest(digestTypes.SHA384)]
    return { id: keyIdOf(key, hashes), all }
  })
  const ids = rdatas
    .filter((rdata) => rdata.length >= 5)
    .map((rdata) => {
      const key = known.find(({ all }) => all.some((each) => sameBytes(each, rdata)))
      const tag = (rdata[0]! << 8) | rdata[1]!
      return key?.id ?? `?${rdata[2]!}:${tag}`
    })
  return [...new Set(ids)].sort()
}

/** What one server of the parent said, or that it said nothing of use. */
export interface ServerAnswer {
  /** Name or address: servers of one name stand for each other. */
  readonly server: string
  readonly reply?: Reply
}

/** One look out of the answers of all servers; undefined when none of them told anything. */
export function lookOf(
  zone: string,
  answers: readonly ServerAnswer[],
  keys: readonly PublicKeyOfZone[],
  hashes: Pick<Hashes, 'sha256' | 'sha384'>,
  atSeconds: number,
): ParentLook | undefined {
  const heard = new Set<string>()
  const sets: DsSet[] = []
  let ttlSeconds = 0
  for (const { server, reply } of answers) {
    const ds = reply === undefined ? undefined : dsOfReply(reply, zone)
    if (ds === undefined) continue
    heard.add(server)
    sets.push(keysOfDs(zone, ds.rdatas, keys, hashes))
    ttlSeconds = Math.max(ttlSeconds, ds.ttlSeconds)
  }
  if (sets.length === 0) return undefined
  const isComplete = answers.every(({ server }) => heard.has(server))
  return { atSeconds, isComplete, sets, ttlSeconds }
}
