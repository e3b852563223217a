/** The reading of counts, by the real clock and on the real sockets; for the main thread. */
import { countsOf, loadNative, type Native, type SlabCounts, slabOf } from '../../native/index.ts'
import type { Metrics } from '../../kernel/metrics.ts'
import type { LentSocket } from './contract.ts'
import { STRIDE } from './ports-native.ts'
import { DnsScrape } from './scrape.ts'

/** Counts have 32 bits; nobody has to scrape for them to be read in time. */
const READ_EVERY_MS = 60_000

/** Counts what the kernel drops on a socket, from its running count of 32 bits that wraps. */
function dropsOf(native: Native, { receiver, drops }: LentSocket): () => number {
  let told = drops ?? 0
  let total = 0
  return () => {
    const now = native.dropped(receiver)
    if (now < 0) return total
    total += (now - told) >>> 0
    told = now
    return total
  }
}

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0)

/** Reads the counts of all DNS threads and of the sockets lent to them. */
export const readCounts =
  (sockets: readonly (readonly LentSocket[])[]) =>
  (metrics: Metrics): DnsScrape => {
    const lent = sockets.flat()
    const slabs = lent.map(({ batch, memory }) => slabOf(batch, STRIDE, memory))
    const sum = (name: keyof SlabCounts) => sumOf(slabs.map((slab) => countsOf(slab)[name]))
    const native = loadNative()
    const drops = native.ok ? lent.map((socket) => dropsOf(native.value, socket)) : []
    const scrape = new DnsScrape(metrics, () => ({
      ...{ sendFaults: sum('sendFaults'), pollFaults: sum('pollFaults') },
      kernelDrops: sumOf(drops.map((read) => read())),
    }))
    setInterval(() => scrape.read(), READ_EVERY_MS).unref()
    return scrape
  }
