/** Builds queries, well-formed or as broken as a test asks. */
import { nameToWire } from '../../src/core/dns/names.ts'
import { CLASS_IN, typeNumber } from '../../src/core/dns/types.ts'

export interface EdnsParts {
  readonly payload?: number
  readonly version?: number
  readonly dnssecOk?: boolean
  /** Bits of the flags below DO. */
  readonly z?: number
  /** Pairs of option code and data. */
  readonly options?: readonly (readonly [number, readonly number[]])[]
  /** Owner of the OPT record in wire form, by default the root. */
  readonly owner?: readonly number[]
}

export interface QueryParts {
  readonly name: string
  readonly type: string
  readonly id?: number
  readonly qclass?: number
  /** The 16 bits of the header's flags, by default RD alone. */
  readonly flags?: number
  readonly edns?: EdnsParts
  /** Whole records put before OPT in the additional section. */
  readonly records?: readonly (readonly number[])[]
  readonly trailing?: readonly number[]
}

const u16 = (value: number): number[] => [value >> 8, value & 0xff]

export function optRecord(edns: EdnsParts): number[] {
  const options = (edns.options ?? []).flatMap(([code, data]) => [
    ...u16(code),
    ...u16(data.length),
    ...data,
  ])
  return [
    ...(edns.owner ?? [0]),
    ...u16(41),
    ...u16(edns.payload ?? 1232),
    0,
    edns.version ?? 0,
    ...u16((edns.dnssecOk === true ? 0x8000 : 0) | (edns.z ?? 0)),
    ...u16(options.length),
    ...options,
  ]
}

export function buildQuery(parts: QueryParts): Uint8Array {
  const name = nameToWire(parts.name)
  const type = typeNumber(parts.type)
  if (!name.ok || type === undefined) throw new Error(`cannot ask for ${parts.name} ${parts.type}`)
  const records = [...(parts.records ?? [])]
  if (parts.edns !== undefined) records.push(optRecord(parts.edns))
  return Uint8Array.from([
    ...u16(parts.id ?? 0x1234),
    ...u16(parts.flags ?? 0x0100),
    ...u16(1),
    ...u16(0),
    ...u16(0),
    ...u16(records.length),
    ...name.value,
    ...u16(type),
    ...u16(parts.qclass ?? CLASS_IN),
    ...records.flat(),
    ...(parts.trailing ?? []),
  ])
}
