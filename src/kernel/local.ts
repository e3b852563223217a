/**
 * Runs an actor on the main thread, in place.
 *
 * For what must not die with a thread, such as sockets. A fault ends its incarnation and the next
 * takes its place; a handler that never returns cannot be ended here, so such actors only pass
 * things on.
 */
import type { MessagePort } from 'node:worker_threads'
import { limits } from '../core/base/limits.ts'
import type { ActorHost } from './actor-host.ts'
import { type BootOptions, bootActor } from './boot.ts'
import { type Fault, faultOf, type FromActor, type ToActor } from './control.ts'
import type { LeveledLog } from './log-pino.ts'
import type { Placed, PlacedEvents } from './placement.ts'
import { portWire } from './thread-wire.ts'

export function startLocal(
  options: Omit<BootOptions, 'report'> & { readonly log: LeveledLog },
  ends: readonly (readonly [peer: string, end: MessagePort])[],
  events: PlacedEvents,
): Placed<MessagePort> {
  let host: ActorHost | undefined
  let over = false
  /** Control messages that came before the modules were loaded, in order. */
  let early: [ToActor, MessagePort | undefined][] = []

  const hear = (to: ActorHost, message: ToActor, end: MessagePort | undefined) => {
    if (message.kind === 'peer-connected' && end !== undefined) {
      to.connect(message.peer, portWire(end))
    }
    if (message.kind === 'set-log-level') options.log.setLevel(message.level)
    to.control(message)
  }
  const endWith = async (fault: Fault) => {
    if (over) return
    over = true
    host?.end()
    // The next incarnation may want the same sockets, but not wait for ever.
    const patience = new Promise((resolve) => {
      setTimeout(resolve, limits.stopDeadlineMs.default).unref()
    })
    await Promise.race([host?.close().catch(() => undefined), patience])
    events.exited(fault)
  }
  // Reports are taken up in their own turn, as they are when they come from a thread.
  const report = (message: FromActor) =>
    void setImmediate(() => {
      if (message.kind === 'ended') void endWith(message.fault)
      else if (!over) events.report(message)
    })

  const boot = async () => {
    const booted = await bootActor({ ...options, report })
    if (over) {
      await booted.close()
      return
    }
    host = booted
    for (const [peer, end] of ends) booted.connect(peer, portWire(end))
    for (const [message, end] of early) hear(booted, message, end)
    early = []
    await booted.start()
  }
  boot().catch((thrown) => report({ kind: 'ended', fault: faultOf(thrown) }))

  return {
    send: (message, end) => {
      setImmediate(() => {
        if (host === undefined) early.push([message, end])
        else hear(host, message, end)
      })
    },
    kill: (fault) => void endWith(fault),
  }
}
