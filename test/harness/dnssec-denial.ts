/**
 * The example zones of RFC 4035 and RFC 5155, and what a chain and the validator say of a question.
 */
import type { DenialCase, DenialChain } from '../../src/core/dnssec/denial.ts'
import { type Nsec3, nsec3Proof, readNsec3 } from '../../src/core/dnssec/check/nsec3.ts'
import { nsecProof, readNsec } from '../../src/core/dnssec/check/nsec.ts'
import { type WireRecord, wholeName } from '../../src/core/dnssec/check/wire.ts'
import { orderOf } from '../../src/core/dnssec/order.ts'
import { type ZoneName, zoneNames } from '../../src/core/dnssec/zone-names.ts'
import { nameToWire, wireToName } from '../../src/core/dns/names.ts'
import { typeNumber } from '../../src/core/dns/types.ts'
import { formatRdata } from '../../src/core/zone/rdata.ts'
import { crypto } from './dnssec.ts'

export function wire(name: string): Uint8Array {
  const read = nameToWire(name)
  if (!read.ok) throw new Error(read.error)
  return read.value
}

/** Lines of a name and its types. */
export const namesOf = (apex: string, lines: readonly string[]): ZoneName[] =>
  zoneNames(
    wire(apex),
    lines.map((line) => {
      const [name, ...types] = line.split(' ')
      return { owner: wire(name!), types: types.map((type) => typeNumber(type)!) }
    }),
  )

export const chainLines = ({ type, records }: DenialChain): string[] =>
  records.map(({ owner, rdata }) => `${wireToName(owner)} ${formatRdata(type, rdata)}`)

const asWire = (chain: DenialChain, at: number): WireRecord => ({
  owner: chain.records[at]!.owner,
  type: chain.type,
  class: 1,
  ttlSeconds: 300,
  rdata: chain.records[at]!.rdata,
})

/** Owners of the proof, sorted. */
export const proofOwners = (chain: DenialChain, denied: DenialCase, name: string): string[] =>
  chain
    .prove(denied, orderOf(wire(name)))
    .map((at) => wireToName(chain.records[at]!.owner))
    .sort()

/** What the validator makes of the proof, its signatures left aside. */
export function verdict(
  chain: DenialChain,
  denied: DenialCase,
  name: string,
  type: string,
): string | undefined {
  const records = chain.prove(denied, orderOf(wire(name))).map((at) => asWire(chain, at))
  const labels = wholeName(wire(name))!
  const number = typeNumber(type)!
  const nsecs = records.map(readNsec).filter((nsec) => nsec !== undefined)
  if (nsecs.length > 0) return nsecProof(nsecs, labels, number)?.kind
  const nsec3s: Nsec3[] = records.map(readNsec3).filter((nsec3) => nsec3 !== undefined)
  return nsec3Proof(nsec3s, labels, number, crypto.sha1)?.kind
}
