/** Problems of a configuration in the log, each at the level its severity has. */
import { formatProblem, type Problem } from '../core/config/load.ts'
import type { Log } from '../kernel/log.ts'

export function logProblems(log: Log, problems: readonly Problem[]): void {
  for (const problem of problems)
    log[problem.severity === 'error' ? 'error' : 'warn'](formatProblem(problem))
}
