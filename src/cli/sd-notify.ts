/**
 * Tells the service manager how the process is doing: READY=1, RELOADING=1, STOPPING=1,
 * STATUS=…, WATCHDOG=1.
 *
 * Node has no datagram sockets in the Unix domain, so systemd's own `systemd-notify` is run. It
 * speaks as a child of ours: the unit needs `NotifyAccess=all`. Without NOTIFY_SOCKET, that is
 * outside such a unit, or without the program nothing happens: no start fails over it.
 */
import { spawn } from 'node:child_process'

/** A manager that does not take the message in this time is not waited for. */
const NOTIFY_MS = 2_000

/** Resolves when the manager has been told, or cannot be; never rejects. */
export function sdNotify(state: string, env: NodeJS.ProcessEnv = process.env): Promise<void> {
  const socket = env['NOTIFY_SOCKET']
  if (socket === undefined || socket === '') return Promise.resolve()
  // One line is one assignment; a line break inside a status would start another.
  const line = state.replace(/[\r\n]+/g, ' ')
  return new Promise((settle) => {
    const child = spawn('systemd-notify', [`--pid=${process.pid}`, line], {
      env,
      stdio: 'ignore',
      timeout: NOTIFY_MS,
    })
    child.once('error', () => settle())
    child.once('close', () => settle())
  })
}
