/** The reading of counts, by the real clock and on the real sockets; for the main thread. */
import { countsOf, slabOf } from '../../native/index.ts'
import type { Metrics } from '../../kernel/metrics.ts'
import type { LentSocket } from './contract.ts'
import { STRIDE } from './ports-native.ts'
import { DnsScrape, type SocketLosses } from './scrape.ts'

/** Counts have 32 bits; nobody has to scrape for them to be read in time. */
const READ_EVERY_MS = 60_000

/** Reads the counts of all DNS threads and of the sockets lent to them. */
export const readCounts =
  (sockets: readonly (readonly LentSocket[])[]) =>
  (metrics: Metrics): DnsScrape => {
    const slabs = sockets.flat().map(({ batch, memory }) => slabOf(batch, STRIDE, memory))
    const sum = (name: keyof SocketLosses) =>
      slabs.reduce((total, slab) => total + countsOf(slab)[name], 0)
    const losses = () => ({
      ...{ sendFaults: sum('sendFaults'), kernelDrops: sum('kernelDrops') },
      pollFaults: sum('pollFaults'),
    })
    const scrape = new DnsScrape(metrics, losses)
    setInterval(() => scrape.read(), READ_EVERY_MS).unref()
    return scrape
  }
