/**
 * A set and its key as octets that tell it from every other: what a signature is found
 * by (signatures.ts).
 *
 * Records are taken as they come. The same set in another order has other octets, and the signature
 * is then found by its digest.
 */
import type { Rrset } from './canonical.ts'

/** Octets before the owner: id of the key, length of the apex, type, TTL, length of the owner. */
const KEY_BYTES = 8
const FIXED_BYTES = KEY_BYTES + 8

export class SetOctets {
  octets = new Uint8Array(4_096)
  length = 0
  #view = new DataView(this.octets.buffer)

  /** @param keyId octets of the key's own, as characters */
  take(keyId: string, apexBytes: number, { owner, type, ttlSeconds, rdatas }: Rrset): void {
    let length = FIXED_BYTES + owner.length
    for (const rdata of rdatas) length += 2 + rdata.length
    this.#ensure(length)
    const { octets } = this
    const view = this.#view
    for (let at = 0; at < KEY_BYTES; at++) octets[at] = keyId.charCodeAt(at)
    // The apex ends the owner, so its length tells it.
    octets[KEY_BYTES] = apexBytes
    view.setUint16(KEY_BYTES + 1, type)
    view.setUint32(KEY_BYTES + 3, ttlSeconds)
    octets[KEY_BYTES + 7] = owner.length
    let to = FIXED_BYTES
    for (let at = 0; at < owner.length; at++) octets[to++] = owner[at]!
    for (const rdata of rdatas) {
      view.setUint16(to, rdata.length)
      to += 2
      for (let at = 0; at < rdata.length; at++) octets[to++] = rdata[at]!
    }
    this.length = length
  }

  #ensure(length: number): void {
    if (length <= this.octets.length) return
    this.octets = new Uint8Array(length * 2)
    this.#view = new DataView(this.octets.buffer)
  }
}
