/**
 * Keeps the UDP sockets of a process that was killed open for a moment, so that its host is silent
 * instead of telling clients at once that nobody is there.
 *
 * Followers need some milliseconds to find that their leader is gone, and refuse meanwhile. A
 * resolver that hears REFUSED from them and a closed port from the leader in one such moment has
 * asked everybody; one that hears nothing from the leader comes round again, and by then the
 * followers are silent too (core/cluster/silence.ts). A small shell holds the descriptors, waits
 * for the end of its input, which is the end of this process, and ends a moment later. A process
 * that stops in order ends it first.
 */
import { spawn } from 'node:child_process'
import { limits } from '../../core/base/limits.ts'
import type { LentSocket } from './contract.ts'

/** What a service manager sends to all that is left of a service must not end it. */
const script = (seconds: number) => `trap "" TERM INT HUP; read x; sleep ${seconds}`

/** Holds what was lent; what is returned ends that. Without a shell nothing is held. */
export function holdSockets(threads: readonly (readonly LentSocket[])[]): () => void {
  const descriptors = threads.flat().map(({ receiver }) => receiver)
  if (descriptors.length === 0) return () => {}
  const words = ['-c', script(limits.clusterHoldMs.default / 1_000)]
  const holder = spawn('/bin/sh', words, {
    stdio: ['pipe', 'ignore', 'ignore', ...descriptors],
    detached: true,
  })
  holder.on('error', () => {})
  holder.stdin?.on('error', () => {})
  // Neither keeps this process from ending.
  holder.unref()
  const stdin = holder.stdin as (typeof holder.stdin & { unref?: () => void }) | null
  stdin?.unref?.()
  return () => void holder.kill('SIGKILL')
}

const LOOK_MS = 50

/**
 * Opens by `open`, and again for as long as a former process may be holding the address.
 * @param isTaken whether what was opened says that the address is in use
 */
export async function openHeld<T>(open: () => T, isTaken: (opened: T) => boolean): Promise<T> {
  const untilMs = performance.now() + 2 * limits.clusterHoldMs.default
  for (;;) {
    const opened = open()
    if (!isTaken(opened) || performance.now() > untilMs) return opened
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}
