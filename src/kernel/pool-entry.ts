/**
 * The module that every thread of a pool loads, and its one task: an actor for as long as it lives.
 *
 * A thread loads the modules of the actor before it says that it is ready, so that the task finds
 * them there. A fault ends the thread, because nothing an incarnation left behind may reach the
 * next; the pool makes another thread, and the supervisor decides when an actor starts in it.
 */
import { threadId, workerData } from 'node:worker_threads'
import { countLoaded } from './births.ts'
import { stoppedFault } from './control.ts'
import { loadModule } from './modules.ts'
import type { PoolData, PooledThread } from './pool.ts'
import type { ThreadData } from './thread.ts'
import { runActor } from './thread-actor.ts'

const { warm, loaded } = workerData as PoolData

/** Ends when the actor was stopped. */
async function runInPool(data: ThreadData): Promise<void> {
  data.control.postMessage({ kind: 'thread', id: threadId } satisfies PooledThread)
  await new Promise<void>((resolve) => {
    void runActor(data, (fault) => {
      if (fault !== stoppedFault) process.exit(1)
      data.control.close()
      resolve()
    })
  })
}

/** The task, once the thread may say that it is ready: the pool waits for it. */
async function readied(): Promise<typeof runInPool> {
  // A module that does not load is met again, and reported, when the actor starts.
  await Promise.allSettled(warm.map((url) => loadModule(url)))
  countLoaded(loaded)
  return runInPool
}

export const runPooled = readied()

/** The task that only has a thread made. */
export const runNothing = (): void => {}
