/**
 * The rrsets of a draft as they are served, and which names their data points at, so that addresses
 * can be added without looking them up again.
 */
import { limits } from '../base/limits.ts'
import { wireNameLength } from '../dns/names.ts'
import { typeName, types } from '../dns/types.ts'
import type { RecordSpec } from '../steer/topology.ts'
import { canonicalRdata } from './rdata.ts'
import type { Draft, DraftNode } from './table-draft.ts'
import { writeRrFixed } from './table-soa.ts'
import { NONE, RR_FIXED_BYTES } from './table.ts'

/** The owner of a written record is a compression pointer of two octets. */
const OWNER_BYTES = 2

/** Where in the rdata the name lies whose addresses are worth adding (RFC 1035, 2782, 9460). */
const TARGET_AT = new Map<number, number>([
  [types.NS, 0],
  [types.MX, 2],
  [types.SRV, 6],
  [types.SVCB, 2],
  [types.HTTPS, 2],
])

/** Types of which a name owns one record, whose data must be one whole name. */
const ALIASES = new Set<number>([types.CNAME, types.DNAME])

export interface DraftSet {
  readonly type: number
  readonly ttlSeconds: number
  readonly rdatas: readonly Uint8Array[]
}

/** The records of one type at a node, or undefined when nothing of them can be served. */
function setOf(node: DraftNode, type: number, faults: string[]): DraftSet | undefined {
  const records = node.records.filter((record) => record.type === type)
  const name = records[0]!.name
  const rdatas: Uint8Array[] = []
  const seen = new Set<string>()
  let ttlSeconds = 0x7fffffff
  for (const { rdata, ttlSeconds: own } of records) {
    if (ALIASES.has(type) && (rdatas.length > 0 || wireNameLength(rdata) !== rdata.length)) {
      faults.push(`${name} ${typeName(type)} has more than one target or none`)
      continue
    }
    if (rdata.length > 0xffff || rdatas.length >= 0xffff) continue
    // RFC 2181 section 5: no duplicates in an rrset, and one TTL for all of it. Other letter case
    // makes no other record: what is signed has one of them.
    const data = records.length === 1 ? '' : canonicalRdata(type, rdata).join()
    if (!seen.has(data)) rdatas.push(rdata)
    seen.add(data)
    ttlSeconds = Math.min(ttlSeconds, Math.max(0, own))
  }
  return rdatas.length === 0 ? undefined : { type, ttlSeconds, rdatas }
}

const NO_SETS: DraftSet[] = []

/** The sets a node answers with, in the order of their first records. */
export function setsOf(node: DraftNode, faults: string[]): DraftSet[] {
  if (node.records.length === 0) return NO_SETS
  const found = [...new Set(node.records.map((record: RecordSpec) => record.type))]
  // A steered name's alias was set aside; every other type may stand beside the pool.
  const kept = node.pool === NONE ? found : found.filter((type) => type !== types.CNAME)
  return kept.map((type) => setOf(node, type, faults)).filter((set) => set !== undefined)
}

export interface Target {
  readonly at: number
  readonly node: number
}

const NO_TARGETS: Target[] = []

/** The names a set points at that exist here and own addresses, each once. */
export function targetsOf(set: DraftSet, draft: Draft): Target[] {
  const inRdata = TARGET_AT.get(set.type)
  if (inRdata === undefined) return NO_TARGETS
  const targets: Target[] = []
  let at = 0
  for (const rdata of set.rdatas) {
    at += OWNER_BYTES + RR_FIXED_BYTES
    const length = rdata.length > inRdata ? wireNameLength(rdata, inRdata) : 0
    const node = length === 0 ? undefined : draft.find(rdata, inRdata, length)
    if (
      node?.pool === NONE &&
      node.records.some(({ type }) => type === types.A || type === types.AAAA) &&
      targets.length < limits.additionalTargets.default &&
      !targets.some((target) => target.node === node.index)
    )
      targets.push({ at: at + inRdata, node: node.index })
    at += rdata.length
  }
  return targets
}

/** Octets of the records without their owners. */
export const bytesOf = (set: DraftSet): number =>
  set.rdatas.reduce((sum, rdata) => sum + RR_FIXED_BYTES + rdata.length, 0)

/** Writes the records without their owners; returns where they end. */
export function writeSet(set: DraftSet, out: Uint8Array, from: number): number {
  let at = from
  for (const rdata of set.rdatas) {
    writeRrFixed(out, at, set.type, set.ttlSeconds, rdata.length)
    out.set(rdata, at + RR_FIXED_BYTES)
    at += RR_FIXED_BYTES + rdata.length
  }
  return at
}
