/**
 * Tells the service manager how the process is doing: READY=1, RELOADING=1, STOPPING=1, MAINPID=…,
 * STATUS=…, WATCHDOG=1, in the protocol of sd_notify(3).
 *
 * It is one datagram to a socket of the Unix domain, which Node lacks: the native addon sends it,
 * and where there is none systemd's own `systemd-notify`, as a child of ours, so that the unit then
 * needs `NotifyAccess=all`. Outside a unit, without NOTIFY_SOCKET, nothing happens; no start fails
 * over any of this.
 */
import { spawn } from 'node:child_process'

/** A manager that does not take the message in this time is not waited for. */
const NOTIFY_MS = 2_000

/** Sends octets to a path; below 0 when it did not. */
type Send = (path: string, octets: Uint8Array) => number

let sendDirectly: Send | undefined

/** From now on the manager is told without a child process. */
export function notifyBy(send: Send): void {
  sendDirectly = send
}

/** Resolves when the manager has been told, or cannot be; never rejects. */
export function sdNotify(state: string, env: NodeJS.ProcessEnv = process.env): Promise<void> {
  const socket = env['NOTIFY_SOCKET']
  if (socket === undefined || socket === '') return Promise.resolve()
  // One line is one assignment; a line break inside a status would start another.
  const line = state.replace(/[\r\n]+/g, ' ')
  if (sendDirectly !== undefined && sendDirectly(socket, Buffer.from(line)) >= 0)
    return Promise.resolve()
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
