/**
 * A resolver's judgement of a reply: it believes nothing, reads the reply off the wire and asks the
 * validator of core/dnssec/check for every set, every "no" and every wildcard in it.
 */
import { limits } from '../../src/core/base/limits.ts'
import { foldCase, wireToName } from '../../src/core/dns/names.ts'
import { rcodeName, types } from '../../src/core/dns/types.ts'
import { formatRdata } from '../../src/core/zone/rdata.ts'
import {
  type CheckedKey,
  type SetToCheck,
  type WireRecord,
  checkDenial,
  checkSet,
  checkWildcard,
} from '../../src/core/dnssec/validate.ts'
import { crypto } from './dnssec.ts'

export interface Message {
  readonly bytes: Uint8Array
  readonly name: Uint8Array
  readonly type: number
  readonly rcode: string
  readonly truncated: boolean
  readonly authoritative: boolean
  readonly authentic: boolean
  readonly answer: readonly WireRecord[]
  readonly authority: readonly WireRecord[]
  readonly additional: readonly WireRecord[]
  readonly ede: number
}

function nameIn(bytes: Uint8Array, from: number): { wire: number[]; end: number } {
  const wire: number[] = []
  let end = -1
  for (let at = from; ; ) {
    const length = bytes[at]!
    if (length >= 0xc0) {
      if (end < 0) end = at + 2
      at = ((length & 0x3f) << 8) | bytes[at + 1]!
      continue
    }
    wire.push(...bytes.subarray(at, at + 1 + length))
    if (length === 0) return { wire, end: end < 0 ? at + 1 : end }
    at += 1 + length
  }
}

/** Reads a whole reply; its data must not be compressed, which ours never is. */
export function readMessage(bytes: Uint8Array): Message {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const question = nameIn(bytes, 12)
  let at = question.end + 4
  let ede = -1
  let upper = 0
  const section = (count: number): WireRecord[] => {
    const records: WireRecord[] = []
    for (let record = 0; record < count; record++) {
      const { wire, end } = nameIn(bytes, at)
      const [type, length] = [view.getUint16(end), view.getUint16(end + 8)]
      const rdata = bytes.slice(end + 10, end + 10 + length)
      at = end + 10 + length
      if (type === types.OPT) {
        upper = view.getUint8(end + 4)
        for (let from = 0; from + 4 <= rdata.length; ) {
          const size = (rdata[from + 2]! << 8) | rdata[from + 3]!
          if (rdata[from + 1] === 15) ede = (rdata[from + 4]! << 8) | rdata[from + 5]!
          from += 4 + size
        }
        continue
      }
      const owner = foldCase(Uint8Array.from(wire))
      const ttlSeconds = view.getUint32(end + 4)
      records.push({ owner, type, class: view.getUint16(end + 2), ttlSeconds, rdata })
    }
    return records
  }
  const [answer, authority] = [section(view.getUint16(6)), section(view.getUint16(8))]
  const additional = section(view.getUint16(10))
  if (at !== bytes.length) throw new Error(`ends at ${at} of ${bytes.length}`)
  const flags = view.getUint16(2)
  return {
    ...{ bytes, answer, authority, additional, ede },
    name: foldCase(Uint8Array.from(question.wire)),
    type: view.getUint16(question.end),
    rcode: rcodeName((flags & 15) | (upper << 4)),
    truncated: (flags & 0x200) !== 0,
    authoritative: (flags & 0x400) !== 0,
    authentic: (flags & 0x20) !== 0,
  }
}

export interface ZoneToJudge {
  readonly apex: Uint8Array
  /** Undefined where the zone is not signed. */
  readonly keys: readonly CheckedKey[] | undefined
}

const STOP_AT_DNAME: ReadonlySet<number> = new Set([types.CNAME, types.ANY])
const DENIALS: ReadonlySet<number> = new Set([types.NSEC, types.NSEC3])

/** Sets with their signatures, in the order they come. */
export function setsOf(records: readonly WireRecord[]): SetToCheck[] {
  const sets = new Map<string, { records: WireRecord[]; signatures: WireRecord[] }>()
  for (const record of records) {
    const covered =
      record.type === types.RRSIG ? (record.rdata[0]! << 8) | record.rdata[1]! : record.type
    const key = `${record.owner.join()} ${covered}`
    const set = sets.get(key) ?? { records: [], signatures: [] }
    sets.set(key, set)
    ;(record.type === types.RRSIG ? set.signatures : set.records).push(record)
  }
  return [...sets.values()]
}

const endsWith = (name: Uint8Array, apex: Uint8Array): boolean => {
  for (let at = 0; at < name.length; at += name[at]! + 1) {
    if (name.length - at === apex.length) return name.subarray(at).join() === apex.join()
    if (name[at] === 0) return false
  }
  return false
}

function zoneFor(name: Uint8Array, zones: readonly ZoneToJudge[]): ZoneToJudge | undefined {
  return zones
    .filter(({ apex }) => endsWith(name, apex))
    .sort((a, b) => b.apex.length - a.apex.length)[0]
}

/** What a validating resolver holds against the reply; empty when it is content. */
export function judgeMessage(
  message: Message,
  zones: readonly ZoneToJudge[],
  nowSeconds: number,
): string[] {
  const faults: string[] = []
  if (message.authentic) faults.push('AD is set')
  if (message.truncated) return [...faults, 'truncated']
  // RFC 8914 section 4.23: nobody is up; nothing is claimed.
  if (message.rcode === 'SERVFAIL' && message.ede === 22) return faults
  if (message.rcode === 'REFUSED' && message.answer.length === 0) return faults
  const proofs = setsOf(message.authority).filter(({ records }) =>
    DENIALS.has(records[0]?.type ?? 0),
  )
  const judge = new Judge(message, zones, proofs, nowSeconds, faults)
  judge.run()
  return faults
}

class Judge {
  readonly message: Message
  readonly zones: readonly ZoneToJudge[]
  readonly proofs: readonly SetToCheck[]
  readonly now: number
  readonly faults: string[]

  constructor(
    message: Message,
    zones: readonly ZoneToJudge[],
    proofs: readonly SetToCheck[],
    now: number,
    faults: string[],
  ) {
    this.message = message
    this.zones = zones
    this.proofs = proofs
    this.now = now
    this.faults = faults
  }

  #context(zone: ZoneToJudge, ttl: 'exact' | 'at-most' = 'exact') {
    return { zone: zone.apex, keys: zone.keys!, nowSeconds: this.now, ttl }
  }

  #proofsIn(zone: ZoneToJudge): SetToCheck[] {
    return this.proofs.filter(({ signatures }) => isOf(signatures, zone))
  }

  /** The set of a name and type in the answer, examined. */
  #take(name: Uint8Array, type: number): SetToCheck | undefined {
    const set = setsOf(this.message.answer).find(
      ({ records }) => records[0]?.type === type && records[0].owner.join() === name.join(),
    )
    if (set === undefined) return undefined
    const inZone = zoneFor(name, this.zones)
    const zone = type === types.DS ? (this.#above(name) ?? inZone) : inZone
    if (zone?.keys === undefined) return set
    const what = `${wireToName(name)} ${type}`
    const checked = checkSet(set, this.#context(zone), crypto)
    if (!checked.ok) this.faults.push(`${what}: ${checked.error}`)
    else if (checked.value.wildcardOf !== undefined) {
      const asked = { name, type, sets: this.#proofsIn(zone) }
      const wild = checkWildcard(checked.value, asked, this.#context(zone), crypto)
      if (!wild.ok) this.faults.push(`${what}: wildcard ${wild.error}`)
    }
    return set
  }

  /** The zone above that of an apex. */
  #above(name: Uint8Array): ZoneToJudge | undefined {
    return name[0] === 0 ? undefined : zoneFor(name.subarray(name[0]! + 1), this.zones)
  }

  run(): void {
    const { message } = this
    let name = message.name
    for (let step = 0; step < 40; step++) {
      const made = this.#belowDname(name)
      // What is made of a DNAME has no signature of its own.
      if (made !== undefined && STOP_AT_DNAME.has(message.type)) return
      if (made === undefined && message.type !== types.ANY && message.type !== types.RRSIG) {
        if (this.#take(name, message.type) !== undefined) return
      }
      const alias = made ?? this.#aliasAt(name)
      if (alias === undefined) break
      if (message.type === types.ANY && this.#own(name)) return
      name = alias
    }
    if (message.type === types.ANY || message.type === types.RRSIG) {
      if (this.#own(name)) return
    }
    this.#negative(name)
  }

  /** Whether something of that name was answered; all of it is examined. */
  #own(name: Uint8Array): boolean {
    const own = this.message.answer.filter(({ owner }) => owner.join() === name.join())
    if (this.message.type === types.RRSIG) return own.length > 0
    const kinds = new Set(own.map(({ type }) => type).filter((type) => type !== types.RRSIG))
    for (const type of kinds) this.#take(name, type)
    return kinds.size > 0
  }

  /** Where a DNAME above the name leads. */
  #belowDname(name: Uint8Array): Uint8Array | undefined {
    for (const record of this.message.answer) {
      if (record.type !== types.DNAME || record.owner.length >= name.length) continue
      if (!endsWith(name, record.owner)) continue
      this.#take(record.owner, types.DNAME)
      const prefix = name.subarray(0, name.length - record.owner.length)
      const target = foldCase(Uint8Array.from([...prefix, ...record.rdata]))
      const made = this.message.answer.find(
        ({ owner, type }) => type === types.CNAME && owner.join() === name.join(),
      )
      if (made === undefined) {
        const aliases = this.message.answer.filter(({ type }) => type === types.CNAME).length
        // A chain ends at its bound.
        const isOver = aliases >= limits.aliasChain.default
        if (this.message.rcode !== 'YXDOMAIN' && !isOver)
          this.faults.push('a DNAME without its CNAME')
        return undefined
      }
      if (foldCase(made.rdata).join() !== target.join()) this.faults.push('a CNAME that is wrong')
      return target
    }
    return undefined
  }

  /** Where a CNAME at the name leads. */
  #aliasAt(name: Uint8Array): Uint8Array | undefined {
    const cname = this.#take(name, types.CNAME)
    return cname === undefined ? undefined : foldCase(cname.records[0]!.rdata)
  }

  #negative(name: Uint8Array): void {
    const { message } = this
    const ns = setsOf(message.authority).find(({ records }) => records[0]?.type === types.NS)
    if (ns !== undefined) {
      this.#referral(ns)
      return
    }
    if (message.rcode === 'YXDOMAIN') return
    const soa = setsOf(message.authority).find(({ records }) => records[0]?.type === types.SOA)
    if (soa === undefined) {
      // An alias that leads on is an answer in itself.
      if (message.answer.length === 0) this.faults.push('neither answer nor SOA')
      return
    }
    const zone = this.zones.find(({ apex }) => apex.join() === soa.records[0]!.owner.join())
    if (zone?.keys === undefined) return
    const signed = checkSet(soa, this.#context(zone, 'at-most'), crypto)
    if (!signed.ok) this.faults.push(`SOA: ${signed.error}`)
    this.#denied(name, zone)
  }

  #denied(name: Uint8Array, zone: ZoneToJudge): void {
    // RFC 9824 section 5: who did not ask with CO is told NOERROR, and NXNAME at the name.
    const isMissing = this.message.rcode === 'NXDOMAIN' || this.#hasNxname(name)
    const denied = isMissing ? 'nxdomain' : 'nodata'
    const asked = { name, type: this.message.type, sets: this.#proofsIn(zone) }
    const checked = checkDenial(asked, denied, this.#context(zone), crypto)
    if (!checked.ok) this.faults.push(`${wireToName(name)} ${denied}: ${checked.error}`)
  }

  #hasNxname(name: Uint8Array): boolean {
    return this.proofs.some(({ records }) => {
      const [record] = records
      if (record?.type !== types.NSEC || record.owner.join() !== name.join()) return false
      return formatRdata(types.NSEC, record.rdata).split(' ').includes('NXNAME')
    })
  }

  #referral(ns: SetToCheck): void {
    const cut = ns.records[0]!.owner
    if (this.message.authoritative) this.faults.push('AA on a referral')
    if (ns.signatures.length > 0) this.faults.push('the NS of a referral are signed')
    const zone = this.#above(cut)
    if (zone?.keys === undefined) return
    const ds = setsOf(this.message.authority).find(({ records }) => records[0]?.type === types.DS)
    const checked =
      ds === undefined
        ? checkDenial(
            { name: cut, type: types.DS, sets: this.proofs },
            'nodata',
            this.#context(zone),
            crypto,
          )
        : checkSet(ds, this.#context(zone), crypto)
    if (!checked.ok) this.faults.push(`referral of ${wireToName(cut)}: ${checked.error}`)
  }
}

/** Whether signatures name the zone as their signer: all of ours have one key for all zones. */
function isOf(signatures: readonly WireRecord[], { apex }: ZoneToJudge): boolean {
  return signatures.some(({ rdata }) => {
    const signer = rdata.subarray(18, 18 + apex.length)
    return foldCase(signer).join() === apex.join()
  })
}
