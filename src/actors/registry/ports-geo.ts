/**
 * Makes client maps: at once where there are only mappings, on a thread of its own where a database
 * is to be read.
 *
 * A city database takes seconds to read and some hundred megabytes while it is read, which neither
 * the registry nor those who answer may wait for. The thread stays, so that a new mapping needs no
 * new reading; without a database there is none.
 */
import { Worker } from 'node:worker_threads'
import type { Geographer, GeoOrder, GeoOutcome, GeoPlaced } from './contract.ts'
import { GeoFiles, stampsOf } from './ports-geo-files.ts'

/** Built beside this file; TypeScript sources cannot be started as threads on Node 20. */
const entryUrl = new URL('./ports-geo-entry.js', import.meta.url)

type Place = (order: GeoOrder) => GeoOutcome | Promise<GeoOutcome>

function geographer(place: Place, close: () => Promise<void>): Geographer {
  let looked = ''
  return {
    place: (order) => {
      looked = stampsOf(order)
      return place(order)
    },
    isChanged: (order) => stampsOf(order) !== looked,
    close,
  }
}

/** Reads and merges on the caller's thread. */
export function openGeographer(): Geographer {
  const files = new GeoFiles()
  return geographer(
    (order) => files.place(order),
    async () => {},
  )
}

/** Has files read by a thread. */
export function threadGeographer(): Geographer {
  const here = new GeoFiles()
  let worker: Worker | undefined
  let last: Promise<unknown> = Promise.resolve()
  const end = async () => {
    const ending = worker
    worker = undefined
    await ending?.terminate()
  }
  const ask = async (order: GeoOrder): Promise<GeoOutcome> => {
    worker ??= new Worker(entryUrl)
    const asked = worker
    const outcome = await answerOf(asked, order)
    if (outcome.code === 'placed') return outcome
    // The next order gets a thread of its own; what this one held is read again.
    if (worker === asked) await end()
    throw new Error(outcome.message)
  }
  const without = (order: GeoOrder, error: unknown): GeoOutcome => ({
    code: 'failed',
    message: error instanceof Error ? error.message : String(error),
    without: here.place({ ...order, databasePath: '', asnPath: '' }).parts,
  })
  return geographer((order) => {
    if (order.databasePath === '' && order.asnPath === '') {
      void end()
      return here.place(order)
    }
    // One at a time: answers carry no number.
    const asked = last.then(() => ask(order)).catch((error: unknown) => without(order, error))
    last = asked
    return asked
  }, end)
}

type Answer = GeoPlaced | { readonly code: 'failed'; readonly message: string }

function answerOf(worker: Worker, order: GeoOrder): Promise<Answer> {
  return new Promise((resolve) => {
    const settle = (outcome: Answer) => {
      worker.off('message', settle)
      worker.off('error', onError)
      worker.off('exit', onExit)
      worker.unref()
      resolve(outcome)
    }
    const onError = (error: Error) => settle({ code: 'failed', message: error.message })
    const onExit = (code: number) => settle({ code: 'failed', message: `it ended with ${code}` })
    worker.ref()
    worker.once('message', settle)
    worker.once('error', onError)
    worker.once('exit', onExit)
    worker.postMessage(order)
  })
}
