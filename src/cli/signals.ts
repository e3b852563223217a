/**
 * SIGHUP, SIGINT, SIGTERM and SIGUSR2, heard from the first moment on.
 *
 * Without a handler a SIGHUP ends the process, so one that comes while it is still starting is
 * remembered and obeyed once it runs. So is a stop, from the moment on at which actors start: one
 * of them may have registered a backend already, which is to be taken out in order. Before that
 * moment nothing was promised to anybody, and a stop ends the process at once. SIGUSR2 starts a
 * successor; one that comes too early is forgotten, since what starts is as new as can be.
 */
import { limits } from '../core/base/limits.ts'
import { sdNotify } from './sd-notify.ts'

export interface Signalled {
  reload(): void
  /** Ends the process. */
  drain(code: number): void
  /** Starts the program as it is installed now, to take this one's place. */
  replace(): void
}

export interface Signals {
  /** From now on a stop is not obeyed before there is somebody to obey it. */
  starting(): void
  /** Who obeys from now on, also what came meanwhile. */
  obey(running: Signalled): void
}

/** Listens at once. */
export function hearSignals(): Signals {
  let running: Signalled | undefined
  let isStarting = false
  let reloadWanted = false
  let stopWanted = false
  const reload = (one: Signalled) => {
    void sdNotify('RELOADING=1')
    one.reload()
    void sdNotify('READY=1')
  }
  process.on('SIGHUP', () => {
    if (running === undefined) reloadWanted = true
    else reload(running)
  })
  process.on('SIGUSR2', () => running?.replace())
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      if (running !== undefined) running.drain(0)
      else if (!isStarting) process.exit(0)
      else if (!stopWanted) {
        stopWanted = true
        // A start that never ends must not keep the process for ever.
        setTimeout(() => {
          if (running === undefined) process.exit(1)
        }, limits.shutdownMs.default).unref()
      }
    })
  return {
    starting: () => {
      isStarting = true
    },
    obey: (one) => {
      running = one
      if (stopWanted) one.drain(0)
      else if (reloadWanted) reload(one)
    },
  }
}
