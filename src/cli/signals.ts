/**
 * SIGHUP, SIGINT and SIGTERM, heard from the first moment on.
 *
 * Without a handler a SIGHUP ends the process, so one that comes while it is still starting is
 * remembered and obeyed once it runs. A stop during the start ends the process at once: nothing
 * was promised to anybody yet.
 */
import { sdNotify } from './sd-notify.ts'

export interface Signalled {
  reload(): void
  /** Ends the process. */
  drain(code: number): void
}

/** Listens at once; the function returned says who obeys from now on. */
export function hearSignals(): (running: Signalled) => void {
  let running: Signalled | undefined
  let reloadWanted = false
  const reload = (one: Signalled) => {
    void sdNotify('RELOADING=1')
    one.reload()
    void sdNotify('READY=1')
  }
  process.on('SIGHUP', () => {
    if (running === undefined) reloadWanted = true
    else reload(running)
  })
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      if (running === undefined) process.exit(0)
      running.drain(0)
    })
  return (one) => {
    running = one
    if (reloadWanted) reload(one)
  }
}
