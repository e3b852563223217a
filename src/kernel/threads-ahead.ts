/**
 * Threads that are made, and load the modules of their actors, before it is their turn to start.
 *
 * Actors start one after the other, because each finds its publishers there. Making a thread and
 * loading its modules depends on nobody, so all of them do it at once, on whatever processor is
 * free.
 */
import type { Worker } from 'node:worker_threads'
import type { LoadedCount } from './births.ts'
import { makeThread } from './thread.ts'

/** A child that is to have a thread of its own. */
interface Awaited {
  readonly name: string
  readonly actorUrl: URL
  readonly portsUrl: URL
}

/** The modules of a child, in the order in which it loads them. */
export const modulesOf = ({ actorUrl, portsUrl }: Omit<Awaited, 'name'>): readonly string[] => [
  actorUrl.href,
  portsUrl.href,
]

export class ThreadsAhead {
  readonly #made: Map<string, Worker>

  /** @param children in the order of their start */
  constructor(children: readonly Awaited[], loaded: LoadedCount) {
    this.#made = new Map(children.map((one) => [one.name, makeThread(modulesOf(one), loaded)]))
  }

  /** The thread of a child: made ahead for its first start, now for a later one. */
  take(child: Awaited): Worker {
    const made = this.#made.get(child.name)
    this.#made.delete(child.name)
    // One that fell while it waited is no use to anybody; its successor tells why, if it falls too.
    return made !== undefined && made.threadId > 0 ? made : makeThread(modulesOf(child))
  }

  /** Ends those that nobody took. */
  async close(): Promise<void> {
    await Promise.all([...this.#made.values()].map((thread) => thread.terminate()))
    this.#made.clear()
  }
}
