/** Loads a configuration given as text, for tests. */
import { formatProblem, type Loaded, loadConfig } from '../../../../src/core/config/load.ts'
import { type MemoryFile, memoryFiles } from './memory-files.ts'

export interface Outcome {
  readonly loaded: Loaded | undefined
  readonly errors: readonly string[]
  readonly warnings: readonly string[]
}

type Extra = Partial<Omit<Parameters<typeof loadConfig>[1], 'files'>>

/** `main.yaml` of these files, or of this text. */
export function load(
  files: string | Readonly<Record<string, string | MemoryFile>>,
  extra: Extra = {},
): Outcome {
  const all = typeof files === 'string' ? { 'main.yaml': files } : files
  const result = loadConfig('main.yaml', { files: memoryFiles(all), env: {}, ...extra })
  const problems = result.ok ? result.value.warnings : result.error
  const told = (severity: string) =>
    problems.filter((one) => one.severity === severity).map(formatProblem)
  return {
    loaded: result.ok ? result.value : undefined,
    errors: told('error'),
    warnings: told('warning'),
  }
}

/** Loads what must load, and fails the test with the errors if it does not. */
export function loaded(files: Parameters<typeof load>[0], extra: Extra = {}): Loaded {
  const outcome = load(files, extra)
  if (outcome.loaded === undefined) throw new Error(outcome.errors.join('\n'))
  return outcome.loaded
}

/** A small overwatch; `more` is appended. */
export const SMALL = `
dns:
  zones: [example.com]
regions:
  - name: main
    servers: [{ address: 192.0.2.1, service: app.example.com }]
domains:
  - name: app.example.com
    regions: [main]
`
