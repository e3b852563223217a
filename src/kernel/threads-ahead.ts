/**
 * Threads that are made, and load the modules of their actors, before it is their turn to start.
 *
 * Actors start one after the other, because each finds its publishers there. Loading their modules
 * is most of a start and depends on nobody, so the next few do it meanwhile; more than a few would
 * take the processors from those that the first answer waits for.
 */
import type { Worker } from 'node:worker_threads'
import { makeThread } from './thread.ts'

/** How many threads load ahead of the one that starts: a small machine has two processors. */
const AHEAD = 2

/** A child that is to have a thread of its own. */
interface Awaited {
  readonly name: string
  readonly actorUrl: URL
  readonly portsUrl: URL
}

/** The modules of a child, in the order in which it loads them. */
export const modulesOf = ({ actorUrl, portsUrl }: Awaited): readonly string[] => [
  actorUrl.href,
  portsUrl.href,
]

export class ThreadsAhead {
  readonly #waiting: Awaited[]
  readonly #made = new Map<string, Worker>()

  /** @param children in the order of their start */
  constructor(children: readonly Awaited[]) {
    this.#waiting = [...children]
    // Those that start before the first of them may run on the main thread, as on an agent.
    this.#make()
  }

  /** The thread of a child, made now if it is not there; those of the next few are made too. */
  take(child: Awaited): Worker {
    const made = this.#made.get(child.name)
    this.#made.delete(child.name)
    const at = this.#waiting.findIndex(({ name }) => name === child.name)
    if (at >= 0) this.#waiting.splice(at, 1)
    // One that fell while it waited is no use to anybody; its successor tells why, if it falls too.
    const thread = made !== undefined && made.threadId > 0 ? made : makeThread(modulesOf(child))
    if (at >= 0) this.#make()
    return thread
  }

  /** Ends those that nobody took. */
  async close(): Promise<void> {
    this.#waiting.length = 0
    await Promise.all([...this.#made.values()].map((thread) => thread.terminate()))
    this.#made.clear()
  }

  #make(): void {
    for (const child of this.#waiting.slice(0, AHEAD))
      if (!this.#made.has(child.name)) this.#made.set(child.name, makeThread(modulesOf(child)))
  }
}
