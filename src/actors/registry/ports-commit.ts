/**
 * Group commit: what is queued shortly after one another reaches the disk together.
 *
 * One commit runs at a time. While it runs the next group gathers; a failed one is tried again
 * after a pause, so a full disk costs retries and never the process.
 */
import { limits } from '../../core/base/limits.ts'
import type { CommitOutcome, DiskFaults } from './contract.ts'

export interface GroupCommit {
  /** Something is waiting: commit soon. */
  wake(): void
  /** Commits now; resolves with the outcome of a commit that began after this call. */
  flush(): Promise<CommitOutcome>
  /** Flushes once more and stops. */
  close(): Promise<void>
}

/**
 * @param isEmpty whether nothing waits
 * @param commit writes all that waits; on a fault it puts it back and throws
 * @param gatherMs one commit begins no sooner than this after the one before it
 * @param leadMs how long the first after a pause is waited for others; all of `gatherMs` by default
 */
export function groupCommit(
  isEmpty: () => boolean,
  commit: () => Promise<void>,
  faults: DiskFaults,
  gatherMs: number = limits.stateCommitDelayMs.default,
  leadMs = gatherMs,
): GroupCommit {
  let timer: NodeJS.Timeout | undefined
  let running: Promise<CommitOutcome> | undefined
  let closed = false
  let startedMs = Number.NEGATIVE_INFINITY

  async function runOnce(): Promise<CommitOutcome> {
    if (isEmpty()) return 'committed'
    try {
      await commit()
      return 'committed'
    } catch {
      faults.failedCommits++
      return 'failed'
    }
  }

  function start(): Promise<CommitOutcome> {
    clearTimeout(timer)
    timer = undefined
    startedMs = performance.now()
    const run = runOnce().then((outcome) => {
      running = undefined
      if (!isEmpty() && !closed) arm(outcome === 'failed' ? limits.diskRetryMs.default : undefined)
      return outcome
    })
    running = run
    return run
  }

  function nextDelayMs(): number {
    return Math.max(leadMs, gatherMs - (performance.now() - startedMs))
  }

  function arm(delayMs = nextDelayMs()): void {
    if (timer !== undefined || running !== undefined || closed) return
    timer = setTimeout(() => void start(), delayMs)
    // A process that is otherwise done need not wait: closing flushes.
    timer.unref()
  }

  async function flush(): Promise<CommitOutcome> {
    // A commit under way may have begun before the caller's last change, so another one follows.
    while (running !== undefined) await running
    return isEmpty() ? 'committed' : start()
  }

  return {
    wake: () => arm(),
    flush,
    close: async () => {
      await flush()
      closed = true
      clearTimeout(timer)
    },
  }
}
