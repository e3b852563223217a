/**
 * What an agent tells of its table: pages of rows, by service.
 *
 * A report holds every network with enough samples that has news since it was last told, and, in
 * turn, some without, so that an overwatch that lost them has them again after a while. Both are
 * bounded; what does not fit goes into the next report.
 */
import { limits } from '../base/limits.ts'
import type { SubnetRow, Subnets } from './subnets.ts'

export interface ReportPage {
  /** Number of the service. */
  readonly service: number
  readonly rows: readonly SubnetRow[]
}

export class Reports {
  /** Where the next report goes on. */
  #newsAt = 0
  #quietAt = 0

  /** The pages of a report made now; their networks count as told. */
  take(subnets: Subnets, minSamples: number): readonly ReportPage[] {
    const pages: ReportPage[] = []
    const open = new Map<number, SubnetRow[]>()
    const add = (entry: number): void => {
      const service = subnets.serviceOf(entry)
      const rows = open.get(service) ?? []
      rows.push(subnets.row(entry))
      if (rows.length >= limits.latencyPageRows.default) {
        pages.push({ service, rows })
        open.delete(service)
      } else open.set(service, rows)
    }
    const ready = (entry: number) => subnets.isReady(entry, minSamples)
    const { latencyReportRows: most, latencyRefreshRows: refresh } = limits
    const quiet: number[] = []
    this.#quietAt = walk(subnets, this.#quietAt, refresh.default, (entry) => {
      if (!ready(entry) || subnets.hasNews(entry)) return false
      return quiet.push(entry) > 0
    })
    this.#newsAt = walk(subnets, this.#newsAt, most.default, (entry) => {
      if (!ready(entry) || !subnets.hasNews(entry)) return false
      subnets.told(entry)
      add(entry)
      return true
    })
    quiet.forEach(add)
    for (const [service, rows] of open) pages.push({ service, rows })
    return pages
  }
}

/** Looks at each entry once from `from` on, until `most` were taken; gives where it stopped. */
function walk(
  { slots }: Subnets,
  from: number,
  most: number,
  take: (entry: number) => boolean,
): number {
  const { high } = slots
  let taken = 0
  for (let step = 0; step < high; step++) {
    const entry = (from + step) % high
    if (taken === most) return entry
    if (take(entry)) taken++
  }
  return high === 0 ? 0 : from % high
}
