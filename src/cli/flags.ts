/**
 * The command line of `opengslb`.
 *
 * The flags are those of the original: one dash or two, `--flag value` or `--flag=value`. A flag
 * that does not exist is an error with usage, exit code 2.
 */
import { fail, ok, type Result } from '../core/base/result.ts'

export interface Flags {
  readonly configPath: string
  readonly mode?: string
  readonly version: boolean
  /** Validate the configuration and exit. */
  readonly check: boolean
  readonly help: boolean
  /** Take the place of the process that runs on the data directory. */
  readonly takeOver: boolean
}

interface FlagRule {
  readonly takesValue: boolean
  readonly text: string
}

const rules: Readonly<Record<string, FlagRule>> = {
  config: {
    takesValue: true,
    text: 'PATH  configuration file (default /etc/opengslb/config.yaml)',
  },
  mode: { takesValue: true, text: 'MODE  agent or overwatch; overrides the file' },
  'take-over': {
    takesValue: false,
    text: 'take the place of the process that holds the data directory',
  },
  check: { takesValue: false, text: '      validate the configuration and exit' },
  version: { takesValue: false, text: '      print the version and exit' },
  help: { takesValue: false, text: '      print this text and exit' },
}

export const usage = `Usage: opengslb [flags]\n\n${Object.entries(rules)
  .map(([name, rule]) => `  ${`--${name}`.padEnd(11)} ${rule.text}`)
  .join('\n')}\n`

/** Reads the arguments after the program's name. The error is one line for stderr. */
export function parseFlags(words: readonly string[]): Result<Flags, string> {
  const values = new Map<string, string>()
  for (let at = 0; at < words.length; at++) {
    const match = /^--?([a-z][a-z-]*)(?:=(.*))?$/s.exec(words[at]!)
    if (match === null) return fail(`unexpected argument "${words[at]}"`)
    const name = match[1] === 'h' ? 'help' : match[1]!
    const rule = rules[name]
    if (rule === undefined) return fail(`flag provided but not defined: -${name}`)
    if (!rule.takesValue) {
      values.set(name, match[2] ?? 'true')
      continue
    }
    const value = match[2] ?? words[++at]
    if (value === undefined) return fail(`flag needs an argument: -${name}`)
    values.set(name, value)
  }
  const mode = values.get('mode')
  return ok({
    configPath: values.get('config') ?? '/etc/opengslb/config.yaml',
    ...(mode === undefined ? {} : { mode }),
    version: values.get('version') === 'true',
    check: values.get('check') === 'true',
    takeOver: values.get('take-over') === 'true',
    help: values.get('help') === 'true',
  })
}
