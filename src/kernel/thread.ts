/**
 * Puts actors on worker threads, seen from the main thread.
 *
 * A thread loads the modules it is told of at its birth, and is given its actor, its channels and a
 * control port whenever it is that one's turn. Its standard streams are untouched.
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads'
import type { Catalogue } from '../messages/entry.ts'
import type { LoadedCount } from './births.ts'
import { type Fault, type FromActor, faultOf, type ToActor } from './control.ts'
import type { LogOptions } from './log-pino.ts'
import type { Placed, PlacedEvents } from './placement.ts'

/** How each thread makes its own log: data only, since it crosses to the thread. */
export type ThreadLogging = Omit<LogOptions, 'name' | 'write'>

export interface ThreadData {
  readonly catalogue: Catalogue
  readonly name: string
  readonly actorUrl: string
  readonly portsUrl: string
  readonly config: unknown
  readonly incarnation: number
  readonly seed: number
  readonly logging: ThreadLogging
  readonly control: MessagePort
  readonly ends: readonly (readonly [peer: string, end: MessagePort])[]
}

/** What a thread is told at its birth. */
export interface ThreadBirth {
  /** Modules to load until its actor is told. */
  readonly warm: readonly string[]
  /** Of the threads of a start, each of which adds itself; absent for one that is made later. */
  readonly loaded?: LoadedCount
}

/** What travels on the control port; the end of a channel lies beside its message. */
export interface ToThread {
  readonly message: ToActor
  readonly end: MessagePort | undefined
}

/** Built beside this file; TypeScript sources cannot be started as threads on Node 20. */
const entryUrl = new URL('./thread-entry.js', import.meta.url)

export interface Thread extends Placed<MessagePort> {
  /** Resolves when the thread is gone. */
  readonly gone: Promise<void>
}

/** A thread without an actor yet. */
export function makeThread(warm: readonly string[], loaded?: LoadedCount): Worker {
  const birth: ThreadBirth = { warm, ...(loaded === undefined ? {} : { loaded }) }
  const worker = new Worker(entryUrl, { workerData: birth })
  // One that falls before its actor came is replaced when it comes.
  worker.on('error', () => {})
  return worker
}

/** Puts an actor on a thread that has none. */
export function startThread(
  worker: Worker,
  data: Omit<ThreadData, 'control'>,
  events: PlacedEvents,
): Thread {
  const { port1: ours, port2: theirs } = new MessageChannel()
  const ends = data.ends.map(([, end]) => end)
  worker.postMessage({ ...data, control: theirs } satisfies ThreadData, [theirs, ...ends])
  let fault: Fault | undefined
  const hear = (message: FromActor) => {
    // The thread still holds its sockets and files: its end is told when it is gone.
    if (message.kind === 'ended') fault ??= message.fault
    else events.report(message)
  }
  ours.on('message', hear)
  worker.on('error', (thrown) => {
    fault ??= faultOf(thrown)
  })
  const gone = new Promise<void>((resolve) => {
    worker.on('exit', (exitCode) => {
      // Its last words may still be on the way: they name the fault better than an exit code.
      for (let last = receiveMessageOnPort(ours); last; last = receiveMessageOnPort(ours)) {
        hear(last.message as FromActor)
      }
      ours.close()
      events.exited(fault ?? { code: 'thread-ended', message: `exit code ${exitCode}` })
      resolve()
    })
  })
  return {
    gone,
    send: (message, end) =>
      ours.postMessage({ message, end } satisfies ToThread, end === undefined ? [] : [end]),
    kill: (why) => {
      fault ??= why
      void worker.terminate()
    },
  }
}
