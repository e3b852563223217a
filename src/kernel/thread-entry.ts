/**
 * The first module of an actor's worker thread.
 *
 * An exception that reaches the top of the thread ends the thread; the supervisor sees it end.
 */
import { workerData } from 'node:worker_threads'
import { stoppedFault } from './control.ts'
import type { ThreadData } from './thread.ts'
import { runActor } from './thread-actor.ts'

// Nothing the incarnation left open may keep the thread alive.
await runActor(workerData as ThreadData, (fault) => process.exit(fault === stoppedFault ? 0 : 1))
