/**
 * What a dns actor counts, read into metrics in the same thread, as the main thread reads it.
 */
import { DnsScrape } from '../../src/actors/dns/scrape.ts'
import type { Metrics } from '../../src/kernel/metrics.ts'

/** The `lend` of an actor whose counts end up in these metrics. */
export function countsInto(metrics: Metrics): (memory: unknown) => () => void {
  const scrape = new DnsScrape(metrics)
  let loans = 0
  return (memory) => {
    const loan = { name: 'dns', incarnation: 1, loan: ++loans }
    scrape.lent(loan, memory)
    return () => scrape.returned(loan)
  }
}
