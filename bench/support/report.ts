/**
 * What every bench prints: its machine, its commit, its figures, and a one-line verdict.
 */
import { execFileSync } from 'node:child_process'
import { cpus, totalmem } from 'node:os'

export const smoke = process.argv.includes('--smoke')
const json = process.argv.includes('--json')

/** The real value of a parameter, or its smoke value. */
export const sized = <T>(real: T, small: T): T => (smoke ? small : real)

export function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  } catch {
    return 'unknown'
  }
}

export interface Verdict {
  readonly holds: boolean
  readonly sentence: string
}

export const machine = () => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryGib: Math.round(totalmem() / 2 ** 30),
  node: process.version,
})

/** Prints the report and sets the exit code. */
export function report(
  name: string,
  figures: Readonly<Record<string, number | string>>,
  verdict: Verdict,
): void {
  process.exitCode = verdict.holds ? 0 : 1
  const facts = { name, size: smoke ? 'smoke' : 'full', commit: commit(), machine: machine() }
  if (json) {
    process.stdout.write(`${JSON.stringify({ ...facts, figures, ...verdict })}\n`)
    return
  }
  const { cpu, cores, memoryGib, node } = facts.machine
  process.stdout.write(`${name} (${facts.size}) commit ${facts.commit}\n`)
  process.stdout.write(`machine: ${cpu}, ${cores} cores, ${memoryGib} GiB, Node ${node}\n`)
  for (const [key, value] of Object.entries(figures))
    process.stdout.write(
      `  ${key.padEnd(44)} ${typeof value === 'number' ? round(value) : value}\n`,
    )
  process.stdout.write(`${verdict.holds ? 'HOLDS' : 'DOES NOT HOLD'}: ${verdict.sentence}\n`)
}

const round = (value: number): string =>
  Math.abs(value) >= 100 ? String(Math.round(value)) : value.toPrecision(4)

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((one, other) => one - other)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? 0)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}
