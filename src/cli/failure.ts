/**
 * Failures of a command: what is shown, which exit code, and what to look at next.
 */
import type { ExitName } from './exit-codes.ts'

export interface FailedMore {
  /** Which exit code; `refused` where nothing else is said. */
  readonly exit?: ExitName
  /** What to look at next, one sentence. */
  readonly hint?: string | undefined
  /** The HTTP status, where the API answered. */
  readonly status?: number | undefined
}

/** A failure of a command: its message is shown, and it names the exit code. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed'
  readonly exit: ExitName
  readonly hint: string | undefined
  readonly status: number | undefined

  constructor(message: string, more: FailedMore = {}) {
    super(message)
    this.exit = more.exit ?? 'refused'
    this.hint = more.hint
    this.status = more.status
  }
}

/** A command line that cannot be obeyed: exit code 2. */
export const wrongUsage = (message: string, hint?: string): CommandFailed =>
  new CommandFailed(message, { exit: 'usage', hint })
