/**
 * The first module of an actor's worker thread: boots the actor and listens to the supervisor.
 *
 * An exception that reaches the top of the thread ends the thread; the supervisor sees it end.
 */
import { receiveMessageOnPort, workerData } from 'node:worker_threads'
import type { ActorHost } from './actor-host.ts'
import { bootActor } from './boot.ts'
import { faultOf, type FromActor, stoppedFault } from './control.ts'
import { pinoLog } from './log-pino.ts'
import type { ThreadData, ToThread } from './thread.ts'
import { portWire } from './thread-wire.ts'

const { control, ends, logging, ...data } = workerData as ThreadData
const log = pinoLog({ ...logging, name: data.name })

function report(message: FromActor): void {
  control.postMessage(message)
  // Nothing the incarnation left open may keep the thread alive.
  if (message.kind === 'ended') process.exit(message.fault === stoppedFault ? 0 : 1)
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
