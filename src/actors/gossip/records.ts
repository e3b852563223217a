/**
 * What of an overwatch's own knowledge is shared: pins, and the signed bytes of agents.
 *
 * Agents' words travel as they were signed, so another overwatch believes the agent and not us. A
 * pin that two overwatches made apart is merged by both in the same way, and told again when the
 * merge is something else than what was told.
 */
import { limits } from '../../core/base/limits.ts'
import { octetsOf } from '../../core/gossip/app/crypto.ts'
import { parseObject } from '../../core/gossip/app/json.ts'
import { type Pin, parsePin } from '../../core/gossip/app/pins.ts'
import type { SharedRecord } from '../../core/gossip/peers/record.ts'

const GONE = new Uint8Array(0)

/** `stamp` is the time of the change: a later word about a pin replaces an earlier one. */
export const pinRecord = (pin: Pin, origin: string, stamp: number): SharedRecord => ({
  kind: 'pin',
  id: pin.agentId,
  origin,
  stamp,
  seq: 0,
  keepUntilMs: 0,
  body: octetsOf(JSON.stringify(pin)),
})

export const unpinRecord = (agentId: string, origin: string, stamp: number): SharedRecord => ({
  kind: 'pin',
  id: agentId,
  origin,
  stamp,
  seq: 0,
  keepUntilMs: 0,
  body: GONE,
})

export function pinOf({ id, body }: SharedRecord): Pin | undefined {
  const object = parseObject(body, limits.sharedRecordBytesMax.default)
  const pin = object.ok ? parsePin(object.value) : undefined
  return pin?.ok === true && pin.value.agentId === id ? pin.value : undefined
}

/** Whether two pins say the same of whom to believe; how far was heard is not compared. */
export const samePin = (a: Pin, b: Pin): boolean =>
  a.fingerprint === b.fingerprint &&
  a.revoked === b.revoked &&
  a.revokedAtMs === b.revokedAtMs &&
  a.rotatedMs === b.rotatedMs &&
  a.firstSeenMs === b.firstSeenMs &&
  a.services.join('\n') === b.services.join('\n')

/** The pages of an agent's report, each a record; ids of later pages end in `#1`, `#2`, … */
export function reportRecords(
  agentId: string,
  { boot, seq }: { readonly boot: number; readonly seq: number },
  pages: readonly Uint8Array[],
  origin: string,
  nowMs: number,
): readonly SharedRecord[] {
  return pages.map((body, page) => ({
    kind: 'agent',
    id: page === 0 ? agentId : `${agentId}#${page}`,
    origin,
    stamp: boot,
    seq: Math.min(seq, 0xffff_ffff),
    keepUntilMs: nowMs + limits.gossipRecordMs.default,
    body,
  }))
}

/** When the record of a report was told of: it may have waited for a day since. */
export const toldMsOf = ({ keepUntilMs }: SharedRecord, nowMs: number): number =>
  Math.max(0, Math.min(nowMs, keepUntilMs - limits.gossipRecordMs.default))

/** Ids of the records an agent's report may be in. */
export const reportIds = (agentId: string): readonly string[] => [
  agentId,
  ...Array.from({ length: limits.reportPages.default - 1 }, (_, page) => `${agentId}#${page + 1}`),
]

/** A place to join after a restart. */
export const memberRecord = (
  name: string,
  place: string,
  origin: string,
  nowMs: number,
): SharedRecord => ({
  kind: 'member',
  id: name,
  origin,
  stamp: nowMs,
  seq: 0,
  keepUntilMs: nowMs + limits.gossipRememberMs.default,
  body: octetsOf(place),
})

/** The way a report of these octets travels. */
export const viaOf = (octets: Uint8Array) =>
  octets.length <= limits.reportPacketBytes.default ? 'packet' : 'stream'
