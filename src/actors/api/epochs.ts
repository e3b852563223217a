/**
 * The tables of the newest epochs, in the memory that the DNS threads read too, with the names of
 * their pools, so that an answer of before a reload can still be made again.
 */
import { limits } from '../../core/base/limits.ts'
import type { GeoParts } from '../../core/geo/parts.ts'
import { type SignedParts, signedBytes } from '../../core/dnssec/parts.ts'
import type { ServingParts } from '../../core/dns/serving.ts'
import type { PoolSnapshot, ServingPool } from '../../core/steer/snapshot.ts'

export interface Epoch {
  readonly epoch: number
  readonly parts: ServingParts
  readonly pools: readonly ServingPool[]
}

interface Held {
  parts?: ServingParts
  /** The newest of its signatures, oldest first. */
  signed?: readonly SignedParts[]
  pools?: readonly ServingPool[]
}

export class Epochs {
  /** Oldest first. */
  readonly #held = new Map<number, Held>()

  compiled({ epoch, parts }: { readonly epoch: number; readonly parts: ServingParts }): void {
    this.#at(epoch).parts = parts
    if (parts.signed !== undefined) this.signed({ signed: parts.signed })
    this.#forget()
  }

  /** Newer signatures of the tables of an epoch. */
  signed({ signed }: { readonly signed: SignedParts }): void {
    const held = this.#held.get(signed.epoch)
    if (held === undefined || held.signed?.at(-1)?.version === signed.version) return
    held.signed = [...(held.signed ?? []), signed].slice(-limits.sampleSignatures.default)
  }

  /** The signatures of an epoch that have that version. */
  signaturesOf(epoch: number, version: number): SignedParts | undefined {
    return this.#held.get(epoch)?.signed?.find((signed) => signed.version === version)
  }

  /** The newest signatures of an epoch. */
  newestSignatures(epoch: number): SignedParts | undefined {
    return this.#held.get(epoch)?.signed?.at(-1)
  }

  named({ epoch, pools }: PoolSnapshot): void {
    this.#at(epoch).pools = pools
  }

  /** Where clients are, as the tables of an epoch have it. */
  geoOf(epoch: number): GeoParts | undefined {
    return this.#held.get(epoch)?.parts?.geo
  }

  /** The tables that answer now. */
  get newest(): ServingParts | undefined {
    return [...this.#held.values()].at(-1)?.parts
  }

  of(epoch: number): Epoch | undefined {
    const { parts, pools } = this.#held.get(epoch) ?? {}
    return parts === undefined || pools === undefined ? undefined : { epoch, parts, pools }
  }

  #at(epoch: number): Held {
    const known = this.#held.get(epoch)
    if (known !== undefined) return known
    const made: Held = {}
    this.#held.set(epoch, made)
    return made
  }

  /** Lets the oldest go while they are too many or too large; never the newest. */
  #forget(): void {
    let bytes = 0
    for (const held of this.#held.values()) bytes += bytesOf(held)
    for (const [epoch, held] of this.#held) {
      const few = this.#held.size <= limits.sampleEpochs.default
      if (this.#held.size === 1 || (few && bytes <= limits.sampleEpochBytes.default)) return
      this.#held.delete(epoch)
      bytes -= bytesOf(held)
    }
  }
}

function bytesOf({ parts, signed = [] }: Held): number {
  const signatures = signed.reduce((sum, one) => sum + signedBytes(one), 0)
  if (parts === undefined) return signatures
  const { table, pools, records, labels, geo } = parts
  const maps = geo === undefined ? [] : [geo.map.v4.starts, geo.map.v6.starts, geo.rankings]
  const all = [
    ...[table.words, table.slots, table.soas, pools.bytes, pools.firsts, records, labels],
    ...maps,
  ]
  return all.reduce((sum, { byteLength }) => sum + byteLength, signatures)
}
