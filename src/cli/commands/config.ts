/**
 * `config validate`: reads a configuration as the server would, and says all that is wrong with it;
 * `config diff`: what the API edited beside it.
 */
import type { Command } from 'commander'
import { formatProblem, loadConfig, type Problem } from '../../core/config/load.ts'
import { nodeFiles } from '../config-files.ts'
import { CommandFailed, type Io } from '../shell.ts'
import { addDiff } from './config-diff.ts'

interface Options {
  readonly config: string
  readonly json?: boolean
}

export function addConfig(program: Command, io: Io): void {
  const config = program.command('config').description('configuration files')
  config
    .command('validate')
    .description('check a configuration file, its includes and its zone files')
    .requiredOption('-c, --config <file>', 'the file to check')
    .action((_options: Options, command: Command) => validate(command.optsWithGlobals(), io))
  addDiff(config, io)
}

function validate({ config, json }: Options, io: Io): void {
  const loaded = loadConfig(config, { files: nodeFiles(), env: io.env })
  const problems: readonly Problem[] = loaded.ok ? loaded.value.warnings : loaded.error
  const errors = problems.filter((one) => one.severity === 'error').length
  if (json === true) {
    io.out(JSON.stringify({ valid: loaded.ok, problems }, null, 2))
  } else {
    for (const problem of problems) io.err(formatProblem(problem))
    if (loaded.ok) io.out(`OK: ${config}${summary(loaded.value)}`)
  }
  if (!loaded.ok) throw new CommandFailed(`INVALID: ${config}: ${count(errors, 'error')}`)
}

function summary({ topology, warnings }: { topology: Topology; warnings: readonly unknown[] }) {
  const servers = topology.pools.reduce((sum, pool) => sum + pool.members.length, 0)
  const warned = warnings.length === 0 ? '' : `, ${count(warnings.length, 'warning')}`
  return ` (${count(topology.pools.length, 'domain')}, ${count(servers, 'server')}${warned})`
}

interface Topology {
  readonly pools: readonly { readonly members: readonly unknown[] }[]
}

const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`
