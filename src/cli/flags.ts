/**
 * The command line of `opengslb`.
 *
 * The flags are those of the original: one dash or two, `--flag value` or `--flag=value`. A flag
 * that does not exist is an error with usage, exit code 2.
 */
import { fail, ok, type Result } from '../core/base/result.ts'
import type { FlagValues } from '../core/config/environment.ts'

export interface Flags {
  readonly configPath: string
  readonly mode?: string
  /** Flags that set keys of the configuration. */
  readonly values: FlagValues
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
  mode: {
    takesValue: true,
    text: 'MODE  agent, overwatch, standalone or cluster; overrides the file',
  },
  'take-over': {
    takesValue: false,
    text: '      take the place of the process that holds the data directory',
  },
  'node-name': { takesValue: true, text: 'NAME  name of this node in the cluster' },
  'bind-address': { takesValue: true, text: 'ADDR  host:port for the other nodes of the cluster' },
  bootstrap: { takesValue: false, text: '      found the cluster: the first node alone' },
  join: { takesValue: true, text: 'LIST  members to join, host:port,host:port' },
  'force-new-cluster': {
    takesValue: false,
    text: '      make this node the only member, with its data: after a quorum was lost',
  },
  check: { takesValue: false, text: '      validate the configuration and exit' },
  version: { takesValue: false, text: '      print the version and exit' },
  help: { takesValue: false, text: '      print this text and exit' },
}

export const usage = `Usage: opengslb [flags]\n\n${Object.entries(rules)
  .map(([name, rule]) => `  ${`--${name}`.padEnd(19)} ${rule.text}`)
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
  const given = (name: string) => (values.get(name) === 'true' ? true : undefined)
  return ok({
    configPath: values.get('config') ?? '/etc/opengslb/config.yaml',
    ...(mode === undefined ? {} : { mode }),
    values: {
      nodeName: values.get('node-name'),
      bindAddress: values.get('bind-address'),
      bootstrap: given('bootstrap'),
      join: values.get('join'),
      forceNewCluster: given('force-new-cluster'),
    },
    version: values.get('version') === 'true',
    check: values.get('check') === 'true',
    takeOver: values.get('take-over') === 'true',
    help: values.get('help') === 'true',
  })
}
