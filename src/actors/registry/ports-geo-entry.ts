/** The thread that reads database files and makes client maps of them, one order at a time. */
import { setPriority } from 'node:os'
import { parentPort } from 'node:worker_threads'
import type { GeoOrder } from './contract.ts'
import { GeoFiles } from './ports-geo-files.ts'

/** On Linux a priority belongs to a thread; elsewhere it is left as it is. */
const GEO_NICENESS = 10

try {
  // Where cores are few it must not take its time from the threads that answer.
  if (process.platform === 'linux') setPriority(GEO_NICENESS)
} catch {
  // A system that does not let go of priority is served as well.
}
const files = new GeoFiles()
parentPort!.on('message', (order: GeoOrder) => parentPort!.postMessage(files.place(order)))
