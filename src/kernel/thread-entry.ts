/**
 * The first module of an actor's worker thread.
 *
 * An exception that reaches the top of the thread ends the thread; the supervisor sees it end.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { countLoaded } from './births.ts'
import { stoppedFault } from './control.ts'
import { loadModule } from './modules.ts'
import type { ThreadBirth, ThreadData } from './thread.ts'
import { runActor } from './thread-actor.ts'

const { warm, loaded } = workerData as ThreadBirth
const told = new Promise<ThreadData>((resolve) => parentPort!.once('message', resolve))

async function live(): Promise<void> {
  // A module that does not load is met again, and reported, when the actor starts.
  await Promise.allSettled(warm.map((url) => loadModule(url)))
  if (loaded !== undefined) countLoaded(loaded)
  const data = await told
  // Nothing the incarnation left open may keep the thread alive.
  await runActor(data, (fault) => process.exit(fault === stoppedFault ? 0 : 1))
}

void live()
