/**
 * The end of the process: the manager is told, the parts stop, and none may take for ever.
 */
import { limits } from '../core/base/limits.ts'
import { sdNotify } from './sd-notify.ts'

/** Ends the process: once asked to, replaced, or when the data plane cannot be kept up. */
export async function drain(
  stop: () => Promise<'clean' | 'timed-out'>,
  code: number,
  successor = 0,
): Promise<void> {
  await sdNotify(successor > 0 ? `MAINPID=${successor}` : 'STOPPING=1')
  // `process.exit` waits for every thread: for one that stands still it would wait for ever.
  const deadline = setTimeout(() => process.kill(process.pid, 'SIGKILL'), limits.shutdownMs.default)
  const outcome = await stop()
  clearTimeout(deadline)
  process.exit(outcome === 'clean' ? code : 1)
}
