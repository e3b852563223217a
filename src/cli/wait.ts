/**
 * Waiting on a command line: a pause that Ctrl-C ends.
 */

/** Resolves after `delayMs`, or at once when it is stopped; true unless it was stopped. */
export function pause(delayMs: number, stopped: AbortSignal | undefined): Promise<boolean> {
  if (stopped?.aborted === true) return Promise.resolve(false)
  return new Promise((settle) => {
    const end = (value: boolean) => {
      clearTimeout(timer)
      stopped?.removeEventListener('abort', onStop)
      settle(value)
    }
    const onStop = () => end(false)
    const timer = setTimeout(() => end(true), delayMs)
    stopped?.addEventListener('abort', onStop, { once: true })
  })
}
