/**
 * An actor on the thread this module is loaded in: boots it and listens to the supervisor.
 *
 * How the thread came to be, and what becomes of it afterwards, is the affair of thread-entry.ts
 * (a thread of its own) and pool-entry.ts (a thread of a pool).
 */
import { receiveMessageOnPort } from 'node:worker_threads'
import type { ActorHost } from './actor-host.ts'
import { bootActor } from './boot.ts'
import { type Fault, faultOf, type FromActor } from './control.ts'
import { pinoLog } from './log-pino.ts'
import type { ThreadData, ToThread } from './thread.ts'
import { portWire } from './thread-wire.ts'

/** `onEnded` is called once, after the supervisor was told; nothing may go on after a fault. */
export async function runActor(
  { control, ends, logging, ...data }: ThreadData,
  onEnded: (fault: Fault) => void,
): Promise<void> {
  const log = pinoLog({ ...logging, name: data.name })

  function report(message: FromActor): void {
    control.postMessage(message)
    if (message.kind === 'ended') onEnded(message.fault)
  }

  function hear(host: ActorHost, { message, end }: ToThread): void {
    if (message.kind === 'peer-connected' && end !== undefined) {
      host.connect(message.peer, portWire(end))
    }
    if (message.kind === 'set-log-level') log.setLevel(message.level)
    host.control(message)
  }

  try {
    const host: ActorHost = await bootActor({
      ...data,
      log,
      report,
      pollControl: () => {
        for (let next = receiveMessageOnPort(control); next; next = receiveMessageOnPort(control)) {
          hear(host, next.message as ToThread)
        }
      },
    })
    for (const [peer, end] of ends) host.connect(peer, portWire(end))
    control.on('message', (message: ToThread) => hear(host, message))
    await host.start()
  } catch (thrown) {
    report({ kind: 'ended', fault: faultOf(thrown) })
  }
}
