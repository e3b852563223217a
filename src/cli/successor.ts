/**
 * Starts the program as it is installed now, to take the place of this process.
 *
 * The same command with `--take-over`: whoever upgrades the package and sends SIGUSR2 gets the new
 * version without a query lost. What goes wrong with the successor ends the successor.
 */
import { spawn } from 'node:child_process'

export const TAKE_OVER = '--take-over'
/** Said to one process, and to none that follows it. */
const ONCE: ReadonlySet<string> = new Set([TAKE_OVER, '--force-new-cluster'])

interface Log {
  info(message: string, fields?: Record<string, unknown>): void
  warn(message: string): void
  error(message: string, fields?: Record<string, unknown>): void
}

/**
 * The log hears of its start, and of its end where that comes before the end of this process.
 *
 * @param isOffering whether there is something to hand over in this mode
 */
export function startSuccessor(log: Log, isOffering: boolean): void {
  if (!isOffering) {
    log.warn('this mode has nothing to hand over: restart it')
    return
  }
  const [program = '', ...words] = process.argv.slice(1)
  const args = [program, ...words.filter((word) => !ONCE.has(word)), TAKE_OVER]
  // The watchdog is told of the new main process by number, and this number would be ours.
  const { WATCHDOG_PID: _, ...env } = process.env
  const child = spawn(process.execPath, [...process.execArgv, ...args], {
    env,
    stdio: 'inherit',
    // In a group of its own: what a terminal sends to this one is not meant for it.
    detached: true,
  })
  child.once('error', (error) => log.error('no successor started', { error: error.message }))
  child.once('exit', (code) => log.error('the successor ended', { code: code ?? -1 }))
  child.unref()
  log.info('successor started', { successor: child.pid ?? 0 })
}
