#!/usr/bin/env node
/**
 * opengslb-cli: the operator's command line.
 *
 * It speaks to a running node over its HTTP API, and reads a configuration file with the server's
 * own loader. Exit codes: 0 done, 1 not.
 */
import { readFileSync, realpathSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { Command, CommanderError } from 'commander'
import { addAgents } from './commands/agents.ts'
import { addAudit } from './commands/audit.ts'
import { addBackends } from './commands/backends.ts'
import { addCompletion } from './commands/completion.ts'
import { addConfig } from './commands/config.ts'
import { addDomains } from './commands/domains.ts'
import { addDrain } from './commands/drain.ts'
import { addKey } from './commands/key.ts'
import { addOverrides } from './commands/overrides.ts'
import { addRegions } from './commands/regions.ts'
import { addRouting } from './commands/routing.ts'
import { addServers } from './commands/servers.ts'
import { addReplay } from './commands/replay.ts'
import { addStatus } from './commands/status.ts'
import { addWhy } from './commands/why.ts'
import { CommandFailed, type Io } from './shell.ts'

/** Runs one command line (without the program's own name) and gives its exit code. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const program = programOf(io)
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return 0
  } catch (error) {
    // Commander has already printed its message; help and version end with 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 1
    if (!(error instanceof CommandFailed)) throw error
    io.err(`Error: ${error.message}`)
    return 1
  }
}

function programOf(io: Io): Command {
  const program = new Command('opengslb-cli')
    .description('Look at and steer a running OpenGSLB.')
    .version(versionOf(), '-v, --version')
    .option('--api <url>', 'address of the API', io.env['OPENGSLB_API'] || 'http://localhost:8080')
    .option('--timeout <time>', 'how long to wait for the API', '10s')
    .option(
      '--token <token>',
      'bearer token for the API (OPENGSLB_TOKEN)',
      io.env['OPENGSLB_TOKEN'],
    )
    .option('--json', 'print JSON')
    .showSuggestionAfterError(true)
    .configureOutput({
      writeOut: (text) => io.out(text.trimEnd()),
      writeErr: (text) => io.err(text.trimEnd()),
    })
    .exitOverride()
  const commands = [
    ...[addStatus, addServers, addBackends, addOverrides, addDrain, addAgents],
    ...[addDomains, addRegions, addRouting, addWhy, addReplay],
    ...[addConfig, addKey, addAudit, addCompletion],
  ]
  for (const add of commands) add(program, io)
  inherit(program)
  return program
}

/** Sub-commands are made with their own settings, so each needs those of the program. */
function inherit(command: Command): void {
  for (const one of command.commands) {
    one.copyInheritedSettings(command)
    inherit(one)
  }
}

function versionOf(): string {
  const file = new URL('../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}

/** True when this file is the program and not a module of a test; npm starts it by a link. */
function isProgram(): boolean {
  const started = process.argv[1]
  return started !== undefined && pathToFileURL(realpathSync(started)).href === import.meta.url
}

if (isProgram()) {
  const io: Io = {
    out: (text) => void process.stdout.write(`${text}\n`),
    err: (text) => void process.stderr.write(`${text}\n`),
    env: process.env,
  }
  // A reader that closes the pipe (`| head`) is no failure.
  process.stdout.on('error', () => process.exit(0))
  process.exitCode = await run(process.argv.slice(2), io)
}
