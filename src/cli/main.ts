#!/usr/bin/env node
/**
 * opengslb-cli: the operator's command line.
 *
 * It speaks to a running node over its HTTP API, and reads a configuration file with the server's
 * own loader. Exit codes are in exit-codes.ts.
 */
import { readFileSync, realpathSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { Command, CommanderError } from 'commander'
import { nearest } from '../core/config/nearest.ts'
import { addAgents } from './commands/agents.ts'
import { addAudit } from './commands/audit.ts'
import { addBackends } from './commands/backends.ts'
import { addCluster } from './commands/cluster.ts'
import { addCompletion } from './commands/completion.ts'
import { addConfig } from './commands/config.ts'
import { addConvert } from './commands/convert.ts'
import { addDomains } from './commands/domains.ts'
import { addDrain } from './commands/drain.ts'
import { addKey } from './commands/key.ts'
import { addOverrides } from './commands/overrides.ts'
import { addRegions } from './commands/regions.ts'
import { addDnssec } from './commands/dnssec.ts'
import { addEvents } from './commands/events.ts'
import { addExternalDns } from './commands/external-dns.ts'
import { addGeo } from './commands/geo.ts'
import { addRouting } from './commands/routing.ts'
import { addServers } from './commands/servers.ts'
import { addReplay } from './commands/replay.ts'
import { addStatus } from './commands/status.ts'
import { addWhy } from './commands/why.ts'
import { addTop } from './commands/top.ts'
import { exitCodes, exitMeanings } from './exit-codes.ts'
import { linesTo, lossOf } from './output.ts'
import { addGlobals } from './settings.ts'
import { CommandFailed, type Io } from './shell.ts'
import { ownTerminal } from './terminal.ts'

/** Runs one command line (without the program's own name) and gives its exit code. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const program = programOf(io)
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return exitCodes.ok
  } catch (error) {
    // Commander has already printed its message; help and version end with 0.
    if (error instanceof CommanderError) {
      if (error.code === 'commander.excessArguments') suggest(program, argv, io)
      return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
    }
    const failed =
      error instanceof CommandFailed
        ? error
        : new CommandFailed(error instanceof Error ? error.message : String(error))
    report(failed, program.opts<{ json?: boolean }>().json === true, io)
    return exitCodes[failed.exit]
  }
}

/** A word that is nearly a sub-command was taken for an argument of the group's default one. */
function suggest(program: Command, argv: readonly string[], io: Io): void {
  const names = program.commands.map((one) => one.name())
  const at = argv.findIndex((word) => names.includes(word))
  const group = program.commands.find((one) => one.name() === argv[at])
  const word = argv.slice(at + 1).find((one) => !one.startsWith('-'))
  const near = nearest(word ?? '', group?.commands.map((one) => one.name()) ?? [])
  if (near !== undefined) io.err(`(Did you mean ${near}?)`)
}

/** Says what failed: two lines for people, an object for scripts. */
function report({ message, hint, exit, status }: CommandFailed, json: boolean, io: Io): void {
  if (json) {
    io.err(JSON.stringify({ error: message, exit, status, hint }, null, 2))
    return
  }
  io.err(`Error: ${message}`)
  if (hint !== undefined) io.err(`Hint: ${hint}`)
}

/** The program with all its commands; it writes to `io`, and never ends the process. */
export function programOf(io: Io): Command {
  const program = addGlobals(new Command('opengslb-cli'), io.env)
    .description('Look at and steer a running OpenGSLB.')
    .version(versionOf(), '-v, --version')
    .showSuggestionAfterError(true)
    .showHelpAfterError('(opengslb-cli --help lists the commands)')
    .addHelpText('after', `\nExit codes:\n${exitLines()}`)
    .configureOutput({
      writeOut: (text) => io.out(text.trimEnd()),
      writeErr: (text) => io.err(text.trimEnd()),
    })
    .exitOverride()
  for (const add of commands) add(program, io)
  inherit(program)
  return program
}

const commands: readonly ((program: Command, io: Io) => void)[] = [
  ...[addStatus, addTop, addEvents, addServers, addBackends, addOverrides, addDrain, addAgents],
  ...[addDomains, addRegions, addGeo, addDnssec, addRouting, addWhy, addReplay, addExternalDns],
  ...[addCluster, addConvert],
  ...[addConfig, addKey, addAudit, addCompletion],
]

const exitLines = () =>
  Object.entries(exitMeanings)
    .map(([name, meaning]) => `  ${exitCodes[name as keyof typeof exitCodes]}  ${meaning}`)
    .join('\n')

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

/** What ends a process from outside, and the exit code a shell gives it (128 and its number). */
const endings = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const

/** Ctrl-C and its like end what a command waits for, once it asks to be told; else the process. */
function interrupts(): () => AbortSignal {
  const controller = new AbortController()
  let isHeard = false
  for (const [signal, code] of Object.entries(endings))
    process.on(signal, () => {
      if (!isHeard || controller.signal.aborted) process.exit(code)
      controller.abort()
    })
  return () => {
    isHeard = true
    return controller.signal
  }
}

if (isProgram()) {
  const stopped = interrupts()
  const terminal = ownTerminal()
  const lost = (error: NodeJS.ErrnoException) => {
    const { code, text } = lossOf(error)
    if (text !== undefined) process.stderr.write(`${text}\n`)
    process.exit(code)
  }
  const io: Io = {
    out: linesTo(process.stdout, lost),
    err: (text) => void process.stderr.write(`${text}\n`),
    env: process.env,
    ...(terminal === undefined ? {} : { terminal }),
    get stopped() {
      return stopped()
    },
  }
  void run(process.argv.slice(2), io).then((code) => {
    process.exitCode = code
  })
}
