/**
 * Actors on the threads of a piscina pool, seen from the main thread.
 *
 * A thread of the pool runs one task that never ends: an actor. Nothing is handed out per query.
 * There is one thread more than there are actors, with its modules loaded, so that an actor that
 * fell need not wait for a thread. It is made once the start is over: a start, and more so a
 * process that takes the place of another, shares the processors with what answers. Whether and
 * when an actor is started again is the supervisor's decision. An abort of the task is how an actor
 * is ended from outside: the thread ends with it.
 */
import { fileURLToPath } from 'node:url'
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import { Piscina } from 'piscina'
import { limits } from '../core/base/limits.ts'
import type { LoadedCount } from './births.ts'
import { type Fault, type FromActor, faultOf, stoppedFault } from './control.ts'
import type { Log } from './log.ts'
import type { PlacedEvents } from './placement.ts'
import type { Thread, ThreadData, ToThread } from './thread.ts'

/** Which thread took the task. */
export interface PooledThread {
  readonly kind: 'thread'
  readonly id: number
}

/** What a thread is told at its birth. */
export interface PoolData {
  /** Modules to load ahead. */
  readonly warm: readonly string[]
  readonly loaded: LoadedCount
}

export interface ThreadPool {
  start(data: Omit<ThreadData, 'control'>, events: PlacedEvents): Thread
  /** Ends its threads. */
  close(): Promise<void>
}

/** Built beside this file; TypeScript sources cannot be started as threads on Node 20. */
const entryUrl = new URL('./pool-entry.js', import.meta.url)

/**
 * A new thread needs 100 ms and more until it can run an actor, most of them for loading modules;
 * in that time the queue of a busy socket overflows.
 */
const SPARE_THREADS = 1

/**
 * A pool for so many actors, whose threads load the modules `warm` ahead.
 * @param ready no actor starts before
 */
export function threadPool(
  actors: number,
  warm: readonly string[],
  loaded: LoadedCount,
  ready: Promise<void>,
  log: Log,
): ThreadPool {
  const size = actors + SPARE_THREADS
  const pool = new Piscina({
    filename: fileURLToPath(entryUrl),
    name: 'runPooled',
    minThreads: actors,
    maxThreads: size,
    // The spare thread has nothing to do, and stays.
    idleTimeout: Number.POSITIVE_INFINITY,
    // Threads that wait for tasks by Atomics.wait could not run an event loop.
    atomics: 'disabled',
    recordTiming: false,
    workerData: { warm, loaded } satisfies PoolData,
  })
  pool.on('error', (error) => log.error('a thread of the pool fell', { error: faultOf(error) }))
  // A task that ends at once has the pool make the thread that is missing, and leaves it free.
  const refill = () => {
    if (pool.threads.length < size) pool.run(undefined, { name: 'runNothing' }).catch(() => {})
  }
  const first = setTimeout(refill, limits.spareThreadAfterMs.default)
  first.unref()
  return {
    start: (data, events) =>
      startPooled(pool, ready, data, {
        ...events,
        exited: (fault) => {
          events.exited(fault)
          // Whoever is to be started again has taken the spare thread, or the next that is made.
          if (fault.code !== stoppedFault.code) refill()
        },
      }),
    close: () => {
      clearTimeout(first)
      return pool.destroy()
    },
  }
}

/** Resolves when the thread has ended; at once for one that never ran. */
function threadEnd(pool: Piscina, id: number | undefined): Promise<void> {
  const thread = id === undefined ? undefined : pool.threads.find((one) => one.threadId === id)
  if (thread === undefined) return Promise.resolve()
  return new Promise((resolve) => void thread.once('exit', () => resolve()))
}

function startPooled(
  pool: Piscina,
  ready: Promise<void>,
  data: Omit<ThreadData, 'control'>,
  events: PlacedEvents,
): Thread {
  const { port1: ours, port2: theirs } = new MessageChannel()
  const abort = new AbortController()
  let fault: Fault | undefined
  let ended: Promise<void> | undefined
  const hear = (message: FromActor | PooledThread) => {
    if (message.kind === 'thread') ended = threadEnd(pool, message.id)
    // The thread still holds its files: its end is told when it is gone.
    else if (message.kind === 'ended') fault ??= message.fault
    else events.report(message)
  }
  const hearRest = () => {
    for (let last = receiveMessageOnPort(ours); last; last = receiveMessageOnPort(ours)) {
      hear(last.message as FromActor | PooledThread)
    }
  }
  ours.on('message', hear)

  async function run(): Promise<void> {
    const transferList = [theirs, ...data.ends.map(([, end]) => end)]
    try {
      await ready
      await pool.run({ ...data, control: theirs } satisfies ThreadData, {
        transferList: transferList as MessagePort[],
        signal: abort.signal,
      })
    } catch (thrown) {
      hearRest()
      // An abort and an exception are told before the thread has ended, and with it what it does.
      await ended
      hearRest()
      fault ??= faultOf(thrown)
    }
    hearRest()
    ours.close()
    events.exited(fault ?? { code: 'thread-ended', message: 'the task ended' })
  }

  return {
    gone: run(),
    send: (message, end) =>
      ours.postMessage({ message, end } satisfies ToThread, end === undefined ? [] : [end]),
    kill: (why) => {
      fault ??= why
      abort.abort()
    },
  }
}
