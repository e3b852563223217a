/**
 * The module that every thread of a pool loads, and its one task: an actor for as long as it lives.
 *
 * A thread loads the modules of the actor before it says that it is ready, so that the task finds
 * them there. A fault ends the thread, because nothing an incarnation left behind may reach the
 * next; the pool makes another thread, and the supervisor decides when an actor starts in it.
 */
import { threadId, workerData } from 'node:worker_threads'
import { stoppedFault } from './control.ts'
import { type PoolData, poolState } from './pool-births.ts'
import type { PooledThread } from './pool.ts'
import type { ThreadData } from './thread.ts'
import { runActor } from './thread-actor.ts'

const { warm, state } = workerData as PoolData
const load = () => Promise.allSettled(warm.map((url) => import(url)))
const at = (place: number) => Atomics.load(state, place)

// A module that does not load is met again, and reported, when the actor starts.
if (threadId <= at(poolState.lastActor) || threadId > at(poolState.lastSpare)) await load()
// The pool counts its first threads as ready from the start, so nothing may be waited for here.
else void Promise.resolve(Atomics.waitAsync(state, poolState.up, 0).value).then(load)

/** Ends when the actor was stopped. */
export async function runPooled(data: ThreadData): Promise<void> {
  data.control.postMessage({ kind: 'thread', id: threadId } satisfies PooledThread)
  await new Promise<void>((resolve) => {
    void runActor(data, (fault) => {
      if (fault !== stoppedFault) process.exit(1)
      data.control.close()
      resolve()
    })
  })
}
