/**
 * What stands at the apexes of signed zones, as the signer said it last.
 *
 * Only zones that the configuration has signed get it; while one of them is missing here, nothing
 * of that configuration can be signed, and so nothing of it is served.
 */
import type { ApexRecords } from '../../core/dnssec/serving-plan.ts'
import type { RegistryConfig } from './contract.ts'

export interface KeysSet {
  /** Equal for equal records. */
  readonly version: string
  readonly zones: readonly ApexRecords[]
}

/** Octets of their own, where a message lends them with all that came beside them. */
const own = ({ apex, records }: ApexRecords): ApexRecords => ({
  apex,
  records: records.map((one) => ({ ...one, rdata: new Uint8Array(one.rdata) })),
})

export class Apexes {
  #version = ''
  #byApex: ReadonlyMap<string, ApexRecords> = new Map()

  /** Whether it is news. */
  take({ version, zones }: KeysSet): boolean {
    if (version === this.#version) return false
    this.#version = version
    this.#byApex = new Map(zones.map((zone) => [zone.apex, own(zone)]))
    return true
  }

  /** Empty while nothing is to be signed, or before the signer spoke. */
  versionFor({ signedZones = [] }: RegistryConfig): string {
    return signedZones.length === 0 ? '' : this.#version
  }

  /** The records of the zones that are signed. */
  of({ signedZones = [] }: RegistryConfig): readonly ApexRecords[] {
    return signedZones.flatMap((apex) => this.#byApex.get(apex) ?? [])
  }

  /** Whether an epoch has to be signed, and whether it can be. */
  signing({ signedZones = [] }: RegistryConfig): 'none' | 'wanted' | 'not-yet' {
    if (signedZones.length === 0) return 'none'
    return signedZones.every((apex) => this.#byApex.has(apex)) ? 'wanted' : 'not-yet'
  }
}
