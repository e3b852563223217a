/**
 * Counts the threads that a start makes, until each has loaded its modules.
 *
 * Settings of V8 belong to the process, and compiled code that was kept, Node's own as well as
 * ours, is taken only under the settings it was made with: a thread that is born after they have
 * changed compiles all anew, at twice the price. So what the answering threads need is set when
 * everything is loaded, and nothing is answered, or compiled for speed, before.
 */
import { setFlagsFromString } from 'node:v8'
import { limits } from '../core/base/limits.ts'

/**
 * How much code the optimising compiler may put into one function, in octets of bytecode. What
 * answers a query is written as some thirty functions; at V8's own 460 and 920 it falls into a
 * dozen compiled pieces, which pass everything through memory: a query costs 20 to 50 % more.
 */
const INLINING = ['--max-inlined-bytecode-size=1000', '--max-inlined-bytecode-size-cumulative=4000']

/**
 * A large signing keeps all it makes until it is done, and V8 would conclude that what is made
 * there lives long: each later change of one record would be laid where only whole collections
 * reach it, and every tenth change would wait for one, 10 to 40 ms.
 */
const SHORT_LIVES = '--no-allocation-site-pretenuring'

/** What is set once all have loaded. */
export const SETTINGS = [...INLINING, SHORT_LIVES]

/** One word, shared with the threads: how many of them have loaded. */
export type LoadedCount = Int32Array

export const loadedCount = (): LoadedCount => new Int32Array(new SharedArrayBuffer(4))

/** What a thread says of itself, once. */
export function countLoaded(count: LoadedCount): void {
  Atomics.add(count, 0, 1)
  Atomics.notify(count, 0)
}

/**
 * Sets what answering needs once so many threads have loaded. One that falls meanwhile is not
 * waited for longer than the limit says.
 */
export async function inlineOnceLoaded(count: LoadedCount, threads: number): Promise<void> {
  const untilMs = performance.now() + limits.threadsLoadMs.default
  for (;;) {
    const loaded = Atomics.load(count, 0)
    const leftMs = untilMs - performance.now()
    if (loaded >= threads || leftMs <= 0) break
    await Atomics.waitAsync(count, 0, loaded, leftMs).value
  }
  for (const flag of SETTINGS) setFlagsFromString(flag)
}
