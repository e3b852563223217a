/** The thread that compiles one name table and ends. */
import { setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { sharedMemory } from '../../core/base/memory.ts'
import { type TableSource, tableOf } from '../../core/zone/table-source.ts'

/** On Linux a priority belongs to a thread; elsewhere it is left as it is. */
const COMPILE_NICENESS = 10

try {
  // Where cores are few it must not take its time from the threads that answer.
  if (process.platform === 'linux') setPriority(COMPILE_NICENESS)
} catch {
  // A system that does not let go of priority is served as well.
}
parentPort!.postMessage(tableOf(workerData as TableSource, sharedMemory))
