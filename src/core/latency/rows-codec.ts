/**
 * Rows of round-trip times as octets: for the file of an overwatch, and for other overwatches.
 *
 *     u32  mark             "OGL1"
 *     u16  n, then n times u16 length and UTF-8: names of services, regions and sources
 *     u32  m, then m rows of 56 octets
 *     u32  CRC-32 of all before it
 *
 * A row: u8 family, u8 length, u16 service, u16 region, u16 source, 16 octets address, f32 mean,
 * deviation and least in ms, f64 samples, f64 observed, u32 0. Little-endian. Octets from elsewhere
 * are bounded by their length before anything is allocated, and never throw.
 */
import { crc32 } from '../base/crc32.ts'
import { fail, ok, type Result } from '../base/result.ts'
import { addressOf, type Prefix } from '../net/address.ts'
import type { Heard } from './table.ts'

const MARK = 0x314c474f
const ROW_BYTES = 56
const NAMES_MAX = 0xffff

export function encodeRows(rows: Iterable<Heard>): Uint8Array {
  const names = new Map<string, number>()
  const numberOf = (name: string): number => {
    const known = names.get(name)
    if (known !== undefined) return known
    if (names.size === NAMES_MAX) return -1
    names.set(name, names.size)
    return names.size - 1
  }
  const numbered: [Heard, number, number, number][] = []
  for (const row of rows) {
    const own = [row.service, row.region, row.source].map(numberOf)
    // Past so many names a row is left out: it is told again.
    if (!own.includes(-1)) numbered.push([row, own[0]!, own[1]!, own[2]!])
  }
  const texts = [...names.keys()].map((name) => new TextEncoder().encode(name))
  const namesBytes = texts.reduce((sum, { length }) => sum + 2 + length, 0)
  const octets = new Uint8Array(4 + 2 + namesBytes + 4 + numbered.length * ROW_BYTES + 4)
  const view = new DataView(octets.buffer)
  view.setUint32(0, MARK, true)
  view.setUint16(4, texts.length, true)
  let at = 6
  for (const text of texts) {
    view.setUint16(at, text.length, true)
    octets.set(text, at + 2)
    at += 2 + text.length
  }
  view.setUint32(at, numbered.length, true)
  at += 4
  for (const [row, service, region, source] of numbered) {
    writeRow(view, octets, at, row, [service, region, source])
    at += ROW_BYTES
  }
  view.setUint32(at, crc32(octets.subarray(0, at)), true)
  return octets
}

function writeRow(
  view: DataView,
  octets: Uint8Array,
  at: number,
  row: Heard,
  numbers: readonly number[],
): void {
  const { address, length } = row.prefix
  octets[at] = address.family
  octets[at + 1] = length
  for (const [index, number] of numbers.entries()) view.setUint16(at + 2 + index * 2, number, true)
  octets.set(address.bytes, at + 8)
  view.setFloat32(at + 24, row.rttMs, true)
  view.setFloat32(at + 28, row.deviationMs ?? 0, true)
  view.setFloat32(at + 32, row.minMs ?? row.rttMs, true)
  view.setFloat64(at + 36, row.samples, true)
  view.setFloat64(at + 44, row.observedMs, true)
}

/** The rows; the error says what is wrong. Whether a row makes sense is for the table to say. */
export function decodeRows(octets: Uint8Array, rowsMax: number): Result<readonly Heard[], string> {
  if (octets.length < 14) return fail('too short')
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength)
  if (view.getUint32(0, true) !== MARK) return fail('not rows of round-trip times')
  const end = octets.length - 4
  if (view.getUint32(end, true) !== crc32(octets.subarray(0, end))) return fail('damaged')
  const names: string[] = []
  let at = 6
  for (let left = view.getUint16(4, true); left > 0; left--) {
    const length = at + 2 <= end ? view.getUint16(at, true) : end
    if (at + 2 + length + 4 > end) return fail('a name runs past the end')
    names.push(new TextDecoder().decode(octets.slice(at + 2, at + 2 + length)))
    at += 2 + length
  }
  const count = view.getUint32(at, true)
  at += 4
  if (count > rowsMax || count * ROW_BYTES !== end - at) return fail('the count is wrong')
  const rows: Heard[] = []
  for (; at < end; at += ROW_BYTES) {
    const row = readRow(view, octets, at, names)
    if (row !== undefined) rows.push(row)
  }
  return ok(rows)
}

function readRow(
  view: DataView,
  octets: Uint8Array,
  at: number,
  names: readonly string[],
): Heard | undefined {
  const family = octets[at]
  const length = octets[at + 1]!
  if ((family !== 4 && family !== 6) || length > (family === 4 ? 32 : 128)) return undefined
  const [service, region, source] = [2, 4, 6].map((from) => names[view.getUint16(at + from, true)])
  if (service === undefined || region === undefined || source === undefined) return undefined
  const address = addressOf(octets.slice(at + 8, at + 8 + (family === 4 ? 4 : 16)))
  // An address of IPv4 written as one of IPv6 is not ours.
  if (address.family !== family) return undefined
  const prefix: Prefix = { address, length }
  return {
    ...{ prefix, service, region, source },
    rttMs: view.getFloat32(at + 24, true),
    deviationMs: view.getFloat32(at + 28, true),
    minMs: view.getFloat32(at + 32, true),
    samples: view.getFloat64(at + 36, true),
    observedMs: view.getFloat64(at + 44, true),
  }
}
