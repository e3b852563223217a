/** Problems of a configuration in the log, each at the level its severity has. */
import { formatProblem, type Problem } from '../core/config/load.ts'

/** The part of a log that is needed here. */
export interface Voice {
  warn(message: string): void
  error(message: string): void
}

export function logProblems(log: Voice, problems: readonly Problem[]): void {
  for (const problem of problems)
    log[problem.severity === 'error' ? 'error' : 'warn'](formatProblem(problem))
}
