/**
 * Compiles name tables: a small one at once, a large one on a thread made for it.
 *
 * The registry turns verdicts into answers and the DNS threads answer, so neither may be busy for
 * the second or two that a million names take. The thread ends with its work, and its memory with
 * it; what remains is the table, in memory that every thread reads.
 */
import { Worker } from 'node:worker_threads'
import { sharedMemory } from '../../core/base/memory.ts'
import { limits } from '../../core/base/limits.ts'
import { type TableSource, tableOf } from '../../core/zone/table-source.ts'
import type { TableParts } from '../../core/zone/table.ts'
import type { Compile, CompileOutcome } from './contract.ts'

/** Built beside this file; TypeScript sources cannot be started as threads on Node 20. */
const entryUrl = new URL('./ports-compile-entry.js', import.meta.url)

export const compile: Compile = (source) => {
  const size = source.zones.length + source.names.length
  if (size > limits.compileAtOnceBytes.default) return onThread(source)
  return { code: 'compiled', table: tableOf(source, sharedMemory) }
}

function onThread(source: TableSource): Promise<CompileOutcome> {
  return new Promise((resolve) => {
    const worker = new Worker(entryUrl, { workerData: source })
    worker.once('message', (table: TableParts) => resolve({ code: 'compiled', table }))
    worker.once('error', (error) => resolve({ code: 'failed', message: error.message }))
    // Whatever came before has settled the outcome.
    worker.once('exit', (code) => resolve({ code: 'failed', message: `it ended with ${code}` }))
  })
}
