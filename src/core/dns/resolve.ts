/**
 * The algorithm of an authority (RFC 1034 section 4.3.2, RFC 4592, RFC 6672): from a name to the
 * sections of the reply, following aliases inside the zones served here.
 */
import { CUT, HAS_CNAME, HAS_DNAME, NONE } from '../zone/table.ts'
import { putAdditional } from './additional.ts'
import { followCname, followDname } from './alias.ts'
import { putAny, putDenialTypes, setForAny, signAny } from './any.ts'
import { ANSWER, type Exchange } from './exchange.ts'
import { locate } from './locate.ts'
import { putNegative } from './negative.ts'
import { putSet } from './put.ts'
import { putReferral } from './referral.ts'
import type { Serving } from './serving.ts'
import { proveExpansion, proveNoData, proveNoName, putProofs, putSignatures } from './signed.ts'
import { putSteered, type Turns } from './steered.ts'
import { extendedErrors, rcodes, types } from './types.ts'

export function resolve(x: Exchange, serving: Serving, turns: Turns): void {
  // RFC 4035 section 3.1: signatures and proofs are for those who ask for them.
  if (x.dnssecOk) x.signed = serving.signed
  // Bounded: each round but the last takes one step of the alias chain, which has a limit.
  while (answerName(x, serving, turns));
  if (x.proofCount > 0) putProofs(x)
}

/** Answers the current name; true when an alias moved the lookup to another. */
function answerName(x: Exchange, serving: Serving, turns: Turns): boolean {
  const { table } = serving
  locate(x, table)
  const { node } = x
  if (node === NONE) return leaveZones(x)
  // The zone above a cut and the zone below it both have a record of denial at that name. In one
  // reply they would be one set (RFC 2181 section 5) that neither signature covers, so a reply that
  // owes a proof in one zone ends with the alias; the resolver asks on by itself.
  if (x.proofCount > 0 && table.zone(node) !== x.proofZone) return false
  if (x.aliases === 0) {
    x.source = node
    x.zone = table.zone(node)
    x.authoritative = true
  }
  const exact = x.nodeLabel === 0
  const hidden = table.hiddenBy(node)
  // RFC 4035 section 3.1.4.1: DS at a delegation is the delegating zone's own.
  if (hidden !== NONE && !(exact && hidden === node && x.qtype === types.DS)) {
    if ((table.flags(hidden) & CUT) === 0) return followDname(x, table, hidden)
    // Behind an alias the resolver asks on by itself; the alias alone is the answer.
    if (x.aliases === 0) putReferral(x, table, hidden)
    return false
  }
  if (exact) return answerNode(x, serving, node, turns)
  if ((table.flags(node) & HAS_DNAME) !== 0) return followDname(x, table, node)
  // RFC 4592 section 3.3.1: the wildcard of the closest encloser, and no other, is the source.
  const wildcard = table.wildcard(node)
  if (wildcard !== NONE) return answerNode(x, serving, wildcard, turns)
  const zone = table.zone(node)
  if (putNegative(x, table, zone, rcodes.NXDOMAIN) && x.signed !== undefined)
    proveNoName(x, serving, zone)
  return false
}

/** The name lies in no zone: refused, or the end of an alias chain. */
function leaveZones(x: Exchange): false {
  if (x.aliases > 0) return false
  x.rcode = rcodes.REFUSED
  // RFC 8914 section 4.21.
  x.ede = extendedErrors.NOT_AUTHORITATIVE
  return false
}

/** Answers from the records and the pool of a node; true when its CNAME leads on. */
function answerNode(x: Exchange, serving: Serving, node: number, turns: Turns): boolean {
  const { table } = serving
  const { qtype } = x
  const zone = qtype === types.DS ? table.dsZone(node) : table.zone(node)
  const poolIndex = table.pool(node)
  if (poolIndex !== NONE) x.pool = poolIndex
  if (poolIndex !== NONE && (qtype === types.A || qtype === types.AAAA)) {
    const family = qtype === types.AAAA ? 6 : 4
    // Static addresses beside a pool speak only for a family that the pool does not have.
    if (serving.pools.hasFamily(poolIndex, family) || table.setOf(node, qtype) === NONE) {
      putSteered(x, serving, node, zone, poolIndex, family, turns)
      return false
    }
  }
  const set = table.setOf(node, qtype)
  if (set !== NONE) {
    answerSet(x, serving, zone, set)
    return false
  }
  if (qtype === types.ANY && answerAny(x, serving, node, zone, turns)) return false
  // RFC 4035 section 2.5: these two stand beside an alias.
  const { signed } = serving
  if (signed !== undefined && (qtype === types.RRSIG || qtype === types.NSEC))
    if (putDenialTypes(x, serving, signed, zone, node)) return false
  if (qtype !== types.ANY && (table.flags(node) & HAS_CNAME) !== 0) {
    const cname = table.setOf(node, types.CNAME)
    if (cname !== NONE) return followCname(x, serving, node, cname)
  }
  if (putNegative(x, table, zone, rcodes.NOERROR) && x.signed !== undefined) {
    // The DS of a zone that is served here too is denied by the zone above.
    const own = table.zone(node)
    const entry = zone === own ? x.signed.entryOf(node) : x.signed.noDsOf(own)
    proveNoData(x, serving, zone, entry, zone !== own || x.signed.isOwn(node))
  }
  return false
}

function answerSet(x: Exchange, serving: Serving, zone: number, set: number): void {
  const { table } = serving
  const setAt = x.at
  if (!putSet(x, ANSWER, x.nameAt, table, set)) {
    x.truncated = true
    return
  }
  const { signed } = x
  if (signed !== undefined) {
    if (!putSignatures(x, ANSWER, x.nameAt, signed, zone, signed.ofSet(set))) return
    if (!proveExpansion(x, serving, zone)) return
    // The authority section comes before what is added next.
    putProofs(x)
  }
  putAdditional(x, table, set, setAt)
}

/** Answers ANY; false when the node owns nothing. */
function answerAny(
  x: Exchange,
  serving: Serving,
  node: number,
  zone: number,
  turns: Turns,
): boolean {
  const { table, pools } = serving
  // What is made up has no signature, so that where one is due something real is answered.
  if (x.signed === undefined || !x.signed.isSigned(zone)) return putAny(x, table, node)
  const set = setForAny(table, node)
  if (set !== NONE) {
    if (putSet(x, ANSWER, x.nameAt, table, set)) signAny(x, serving, zone, set)
    else x.truncated = true
    return true
  }
  const pool = table.pool(node)
  if (pool === NONE) return false
  putSteered(x, serving, node, zone, pool, pools.hasFamily(pool, 4) ? 4 : 6, turns)
  return true
}
