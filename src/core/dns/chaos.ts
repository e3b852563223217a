/**
 * Class CH: who and what the server is, for those who debug it (RFC 4892). Each name is refused
 * unless the configuration gives it something to say.
 */
import { viewOf } from '../base/octets.ts'
import { RR_FIXED_BYTES } from '../zone/table.ts'
import { ANSWER, type Exchange } from './exchange.ts'
import { packFolded, sameFolded } from './hash.ts'
import { nameToWire } from './names.ts'
import { putRecord } from './put.ts'
import { CLASS_CH, extendedErrors, rcodes, types } from './types.ts'

/** One name of class CH with its TXT record without owner. */
export interface ChaosName {
  readonly words: Int32Array
  readonly nameBytes: number
  readonly record: DataView
}

/** A TXT record of class CH without its owner, of at most 255 octets of text. */
export function txt(text: Uint8Array): Uint8Array {
  const rdataBytes = text.length + 1
  const record = new Uint8Array(RR_FIXED_BYTES + rdataBytes)
  // Type TXT, class CH, TTL 0: what is said now need not hold for the next asker.
  record.set([0, types.TXT, 0, CLASS_CH, 0, 0, 0, 0, rdataBytes >> 8, rdataBytes & 0xff])
  record[RR_FIXED_BYTES] = text.length
  record.set(text, RR_FIXED_BYTES + 1)
  return record
}

/** The names served: those of `version` and of `nsid`, where they are not empty. */
export function chaosNames(version: Uint8Array, nsid: Uint8Array): readonly ChaosName[] {
  const named = (text: Uint8Array, names: readonly string[]) =>
    text.length === 0 ? [] : names.map((name) => ({ name, record: txt(text) }))
  const all = [
    ...named(version, ['version.bind', 'version.server']),
    ...named(nsid, ['id.server', 'hostname.bind']),
  ]
  return all.flatMap(({ name, record }) => {
    const wire = nameToWire(name)
    if (!wire.ok) return []
    const words = new Int32Array((wire.value.length + 3) >> 2)
    packFolded(wire.value, 0, wire.value.length, words, 0)
    return [{ words, nameBytes: wire.value.length, record: viewOf(record) }]
  })
}

export function answerChaos(x: Exchange, names: readonly ChaosName[]): void {
  for (let index = 0; index < names.length; index++) {
    const { words, nameBytes, record } = names[index]!
    if (nameBytes !== x.nameBytes || !sameFolded(x.view, x.nameAt, nameBytes, words, 0)) continue
    x.authoritative = true
    if (x.qtype !== types.TXT && x.qtype !== types.ANY) return
    if (!putRecord(x, ANSWER, x.nameAt, record, 0, record.byteLength)) x.truncated = true
    return
  }
  x.rcode = rcodes.REFUSED
  x.ede = extendedErrors.NOT_AUTHORITATIVE
}
