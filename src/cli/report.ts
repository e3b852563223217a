/** Problems of a configuration: in the log, each at the level its severity has, and of a check. */
import type { Result } from '../core/base/result.ts'
import { formatProblem, type Loaded, type Problem } from '../core/config/load.ts'

/** The part of a log that is needed here. */
export interface Voice {
  warn(message: string): void
  error(message: string): void
}

export function logProblems(log: Voice, problems: readonly Problem[]): void {
  for (const problem of problems)
    log[problem.severity === 'error' ? 'error' : 'warn'](formatProblem(problem))
}

/** What came of signing what would be served; the summary is empty where nothing is signed. */
export interface Signed {
  readonly faults: readonly string[]
  readonly summary: string
  /** Some of it was not tried. */
  readonly isPartial: boolean
}

/** Writes what `--check` found; returns the exit code. */
export async function reportCheck(
  path: string,
  read: Result<Loaded, readonly Problem[]>,
  sign: (loaded: Loaded) => Promise<Signed>,
): Promise<number> {
  const problems = read.ok ? read.value.warnings : read.error
  for (const problem of problems) process.stderr.write(`${formatProblem(problem)}\n`)
  if (!read.ok) return 1
  const { faults, summary, isPartial } = await sign(read.value)
  for (const fault of faults) process.stderr.write(`${path}: error: DNSSEC: ${fault}\n`)
  if (faults.length > 0) return 1
  if (isPartial) {
    process.stderr.write(`${path}: warning: DNSSEC: ${summary}; the others were not tried\n`)
    process.stdout.write(`${path}: no fault found, signatures checked in part\n`)
    return 0
  }
  const signed = summary === '' ? '' : ` (DNSSEC: ${summary})`
  process.stdout.write(`${path}: configuration OK${signed}\n`)
  return 0
}
