/**
 * The merged table as columns in memory that several threads read: what steering is compiled from.
 *
 * An entry is a client network, a service and a region, with what is learned of them. Entries are
 * in no order, and those of one network need not stand together.
 */
import type { Memory } from '../base/memory.ts'
import { addressBytes, familyOf, lengthOf } from './prefix-key.ts'
import { type LatencyTable, merged } from './table.ts'

export interface LearnedParts {
  readonly count: number
  /** Names of services; `service` holds indices of it. */
  readonly services: readonly string[]
  readonly regions: readonly string[]
  /** 4 or 6. */
  readonly family: Uint8Array
  /** Length of the network, in bits of its own family. */
  readonly length: Uint8Array
  /** 16 octets each; an IPv4 network has its four first. */
  readonly address: Uint8Array
  readonly service: Uint16Array
  readonly region: Uint16Array
  readonly rttMs: Float32Array
  readonly deviationMs: Float32Array
  /** Samples, decayed and discounted, at the time of making. */
  readonly weight: Float32Array
  /** When the last sample was taken, Unix milliseconds. */
  readonly observedMs: Float64Array
}

export function learnedParts(table: LatencyTable, nowMs: number, memory: Memory): LearnedParts {
  const { entries, services, regions } = table
  const { count } = entries
  const parts: LearnedParts = {
    count,
    services: [...services.list],
    regions: [...regions.list],
    family: new Uint8Array(memory(count)),
    length: new Uint8Array(memory(count)),
    address: new Uint8Array(memory(count * 16)),
    service: new Uint16Array(memory(count * 2)),
    region: new Uint16Array(memory(count * 2)),
    rttMs: new Float32Array(memory(count * 4)),
    deviationMs: new Float32Array(memory(count * 4)),
    weight: new Float32Array(memory(count * 4)),
    observedMs: new Float64Array(memory(count * 8)),
  }
  const into = merged()
  for (let entry = 0, at = 0; entry < entries.high; entry++) {
    if (!entries.isUsed(entry)) continue
    table.merge(entry, nowMs, into)
    parts.family[at] = familyOf(entries, entry, 0)
    parts.length[at] = lengthOf(entries, entry, 0)
    parts.address.set(addressBytes(entries, entry, 0), at * 16)
    parts.service[at] = table.serviceOf(entry)
    parts.region[at] = table.regionOf(entry)
    parts.rttMs[at] = into.rttMs
    parts.deviationMs[at] = into.deviationMs
    parts.weight[at] = into.weight
    parts.observedMs[at] = into.observedMs
    at++
  }
  return parts
}
