/**
 * One attempt against the clock: it ends once, in time, and closes what it opened.
 */
import type { Outcome } from '../../core/health/outcome.ts'
import type { MemberSpec } from '../../core/steer/topology.ts'
import type { Fault } from './ports-faults.ts'

/** Lateness of our own timer past which this thread, not the target, was slow. */
const STALL_MS = 50

export interface Attempt {
  /** It passed, or failed for the reason given; only the first call counts. */
  end(fault?: Fault): void
  sawCertificate(expiresMs: number): void
}

/** What every check needs besides its server. */
export interface CheckWorld {
  /** Told the local port of each connection, before anything else happens on it. */
  connected(localPort: number | undefined): void
  /** Where to connect to, and from which local address if that is not left to the system. */
  endOf(member: MemberSpec): { host: string; port: number; localAddress?: string }
}

/**
 * Calls `start`, which opens a connection and gives the function that closes it, and waits for the
 * attempt to end, for `timeoutMs`, or for the signal.
 */
export function attempt(
  timeoutMs: number,
  signal: AbortSignal | undefined,
  start: (attempt: Attempt) => () => void,
): Promise<Outcome> {
  return new Promise((resolve) => {
    const startedMs = performance.now()
    let certificateExpiresMs: number | undefined
    let over = false
    let close: (() => void) | undefined
    const end = (fault?: Fault) => {
      if (over) return
      over = true
      clear()
      signal?.removeEventListener('abort', cancelled)
      close?.()
      const latencyMs = performance.now() - startedMs
      resolve({
        ok: fault === undefined,
        latencyMs,
        ...fault,
        ...(certificateExpiresMs === undefined ? {} : { certificateExpiresMs }),
      })
    }
    const cancelled = () => end({ error: 'cancelled', inconclusive: true })
    const clear = deadline(timeoutMs, () => end({ error: 'timed-out' }))
    if (signal?.aborted === true) return cancelled()
    signal?.addEventListener('abort', cancelled)
    const sawCertificate = (expiresMs: number) => {
      certificateExpiresMs = expiresMs
    }
    close = start({ end, sawCertificate })
    if (over) close()
  })
}

/**
 * Calls `expired` after `timeoutMs`; the function it gives calls that off.
 *
 * After a stall of this thread its timers run before the replies that wait in the sockets are
 * read. So a reply gets one more turn of the loop, and a deadline missed by a stall is put off once
 * by as much, at most by itself.
 */
function deadline(timeoutMs: number, expired: () => void): () => void {
  let dueMs = performance.now() + timeoutMs
  let extended = false
  let immediate: NodeJS.Immediate | undefined
  const look = () => {
    const lateMs = performance.now() - dueMs
    if (lateMs > STALL_MS && !extended) {
      extended = true
      dueMs += lateMs + Math.min(lateMs, timeoutMs)
    } else if (lateMs > -1) {
      immediate = setImmediate(expired)
      return
    }
    // A timer counts from the start of its turn, which in a full turn is a little early.
    timer = setTimeout(look, dueMs - performance.now())
  }
  let timer = setTimeout(look, timeoutMs)
  return () => {
    clearTimeout(timer)
    clearImmediate(immediate)
  }
}
