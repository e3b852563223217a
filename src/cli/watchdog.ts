/**
 * Feeds the watchdog of the service manager for as long as the data plane lives.
 *
 * systemd says in WATCHDOG_USEC how long it waits between two signs of life before it kills and
 * restarts the process (sd_watchdog_enabled(3)). A sign is given three times in that span, and only
 * when queries are read or our own question is answered: a process that runs but does not answer is
 * of no use to anybody.
 */
import { sdNotify } from './sd-notify.ts'

/** Signs of life within the span the manager waits. */
const SIGNS = 3
/** A shorter span could not be kept on a busy machine. */
const SHORTEST_MS = 300

/** Milliseconds between two signs; undefined where nobody waits for those of this process. */
export function watchdogEveryMs(env: NodeJS.ProcessEnv, pid: number): number | undefined {
  const microseconds = Number(env['WATCHDOG_USEC'])
  const meant = env['WATCHDOG_PID']
  if (meant !== undefined && meant !== '' && Number(meant) !== pid) return undefined
  if (!Number.isFinite(microseconds) || microseconds <= 0) return undefined
  return Math.max(SHORTEST_MS, Math.floor(microseconds / 1_000 / SIGNS))
}

/** Gives signs while `isAlive` holds; stops with the process. */
export function feedWatchdog(
  isAlive: () => Promise<boolean>,
  env: NodeJS.ProcessEnv = process.env,
): void {
  const everyMs = watchdogEveryMs(env, process.pid)
  if (everyMs === undefined) return
  const look = async () => {
    if (await isAlive()) await sdNotify('WATCHDOG=1', env)
  }
  setInterval(() => void look().catch(() => {}), everyMs).unref()
}
