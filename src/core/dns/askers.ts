/**
 * Who asks without saying for whom, and which regions they were told: counted of sampled answers of
 * names that are steered by learned latency, by network of the resolver.
 *
 * It is called for samples alone, so nothing of it lies on the path of a query.
 */
import { steerLimits } from '../base/limits/steer.ts'
import { readGeoNames } from '../geo/parts.ts'
import { formatAddress } from '../net/address.ts'
import type { Authority } from './authority.ts'
import { type PoolLabels, readLabels } from './labels.ts'
import type { Serving } from './serving.ts'

/** Octets of the network of a resolver. */
const KEPT = { 4: 3, 16: 6 } as const

/** Name, address of the resolver's network, region told, and how many sampled answers. */
export type AskerRow = readonly [string, string, string, number]

interface Names {
  readonly serving: Serving
  readonly pools: readonly PoolLabels[]
  readonly regions: readonly string[]
}

export class AskerCounts {
  readonly #counts = new Map<string, [string, string, string, number]>()
  #names: Names | undefined

  /** Looks at the answer just given. */
  note({ last: x, serving }: Authority): void {
    // An answer for a client subnet says for whom it is (RFC 7871).
    if (serving === undefined || x.method < 0 || x.chosen === 0 || x.subject !== x.client) return
    const { layout } = serving.pools
    const number = layout.regions[serving.pools.addressFrom(x.pool) + x.choice[0]!] ?? -1
    const names = this.#namesOf(serving)
    const [name, region] = [names?.pools[x.pool]?.name, names?.regions[number]]
    if (name === undefined || region === undefined) return
    const kept = x.client.length === 16 ? KEPT[16] : KEPT[4]
    const asker = formatAddress(x.client.map((byte, at) => (at < kept ? byte : 0)))
    const key = `${name} ${asker} ${region}`
    const known = this.#counts.get(key)
    if (known !== undefined) known[3]++
    else if (this.#counts.size < steerLimits.askersMax.default)
      this.#counts.set(key, [name, asker, region, 1])
  }

  /** What was counted since the last time. */
  take(): AskerRow[] {
    const rows = [...this.#counts.values()]
    this.#counts.clear()
    return rows
  }

  #namesOf(serving: Serving): Names | undefined {
    if (this.#names?.serving === serving) return this.#names
    const { geo } = serving.pools
    if (geo === undefined) return undefined
    const { regions } = readGeoNames(geo.parts.labels)
    this.#names = { serving, pools: readLabels(serving.parts.labels), regions }
    return this.#names
  }
}
