/**
 * Records that no zone serves, because another zone of the configuration holds their names: left
 * behind when a zone was split off, for one.
 */
import { parentName } from '../dns/names.ts'
import { typeName, types } from '../dns/types.ts'
import type { RecordSpec, ZoneSpec } from '../steer/topology.ts'
import type { ZoneFinding } from './check.ts'
import { canonicalRdata } from './rdata.ts'

/** The lowest apex at or above a name. */
function apexAround(name: string, apexes: ReadonlyMap<string, ZoneSpec>): string | undefined {
  let at: string | undefined = name
  while (at !== undefined && !apexes.has(at)) at = parentName(at)
  return at
}

const keyOf = ({ name, type, rdata }: RecordSpec): string =>
  `${name} ${type} ${canonicalRdata(type, rdata).join()}`

export class Holders {
  readonly #zones: ReadonlyMap<string, ZoneSpec>
  /** Of zones that were asked for, what they have themselves. */
  readonly #held = new Map<ZoneSpec, ReadonlySet<string>>()

  constructor(zones: readonly ZoneSpec[]) {
    this.#zones = new Map(zones.map((zone) => [zone.apex, zone]))
  }

  /** A finding for each name and type of the zone that another zone holds and does not have. */
  check(zone: ZoneSpec): ZoneFinding[] {
    const findings = new Map<string, ZoneFinding>()
    if (this.#zones.size < 2) return []
    for (const [record, spec] of zone.records.entries()) {
      const apex = apexAround(spec.name, this.#zones)
      const holder = apex === undefined ? undefined : this.#zones.get(apex)
      if (holder === undefined || holder.apex === zone.apex) continue
      if (this.#isCut(zone, spec, holder) || this.#heldBy(holder).has(keyOf(spec))) continue
      const what = `${spec.name} ${typeName(spec.type)}`
      if (findings.has(what)) continue
      const message = `${what}: never served, because the zone ${holder.apex} holds this name`
      findings.set(what, { severity: 'warning', message, record })
    }
    return [...findings.values()]
  }

  /** The delegation of a zone that is served here too. */
  #isCut(zone: ZoneSpec, { name, type }: RecordSpec, holder: ZoneSpec): boolean {
    if (name !== holder.apex || (type !== types.NS && type !== types.DS)) return false
    const above = parentName(name)
    return above !== undefined && apexAround(above, this.#zones) === zone.apex
  }

  #heldBy(zone: ZoneSpec): ReadonlySet<string> {
    const known = this.#held.get(zone)
    if (known !== undefined) return known
    const held = new Set(zone.records.map(keyOf))
    this.#held.set(zone, held)
    return held
  }
}
