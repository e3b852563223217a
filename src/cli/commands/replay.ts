/**
 * `capsule` writes an incident capsule of a running node; `replay` answers its questions again,
 * offline, under the configuration in it or another one.
 */
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import { limits } from '../../core/base/limits.ts'
import { fail, ok, type Result } from '../../core/base/result.ts'
import { formatProblem, loadConfig } from '../../core/config/load.ts'
import type { PlainConfig } from '../../core/config/plain.ts'
import { formatAddress } from '../../core/net/address.ts'
import {
  type CapsuleReplay,
  parseCapsule,
  type Replayed,
  replayCapsule,
} from '../../core/replay/capsule.ts'
import { nodeFiles } from '../config-files.ts'
import { CommandFailed, type Io, shellOf } from '../shell.ts'

interface ReplayOptions {
  readonly config?: string
  readonly json?: boolean
}

interface CapsuleOptions {
  readonly output: string
  readonly minutes: string
}

export function addReplay(program: Command, io: Io): void {
  program
    .command('capsule')
    .description('write an incident capsule: configuration, questions and events, no secrets')
    .requiredOption('-o, --output <file>', 'where to write it')
    .option('--minutes <number>', 'how far back', '15')
    .action(async ({ output, minutes }: CapsuleOptions, command: Command) => {
      const shell = shellOf(command, io)
      const body = { minutes: Number(minutes) }
      const made = await shell.get<{ samples: unknown[] }>('POST', '/api/v1/capsules', body)
      const text = `${JSON.stringify(made, undefined, 1)}\n`
      try {
        // Addresses of clients are in it.
        writeFileSync(output, text, { mode: 0o600 })
      } catch (error) {
        throw new CommandFailed(`${output} cannot be written: ${(error as Error).message}`)
      }
      const summary = { file: output, samples: made.samples.length, bytes: text.length }
      shell.print(summary, ({ samples }) => `${output}: ${samples} questions, ${text.length} bytes`)
    })
  program
    .command('replay')
    .description('answer the questions of a capsule again; needs no running node')
    .argument('<file>', 'the capsule')
    .option('--config <file>', 'answer them under this configuration instead of the one in it')
    .action((file: string, _options: ReplayOptions, command: Command) =>
      replay(file, command.optsWithGlobals<ReplayOptions>(), io),
    )
}

function readBounded(file: string): Result<Uint8Array, string> {
  try {
    if (statSync(file).size > limits.capsuleReadBytes.default) return fail('it is too large')
    return ok(readFileSync(file))
  } catch (error) {
    return fail((error as Error).message)
  }
}

/** A configuration as capsules hold one: merged, without secrets. */
function changedConfig(file: string | undefined, io: Io): PlainConfig | undefined {
  if (file === undefined) return undefined
  const loaded = loadConfig(file, { files: nodeFiles(), env: io.env })
  if (loaded.ok) return loaded.value.plain
  for (const problem of loaded.error) io.err(formatProblem(problem))
  throw new CommandFailed(`INVALID: ${file}`)
}

function replay(file: string, { config, json }: ReplayOptions, io: Io): void {
  const bytes = readBounded(file)
  if (!bytes.ok) throw new CommandFailed(`${file}: ${bytes.error}`)
  const capsule = parseCapsule(bytes.value)
  if (!capsule.ok) throw new CommandFailed(`${file} is not a capsule: ${capsule.error}`)
  const found = replayCapsule(capsule.value, changedConfig(config, io))
  if (!found.ok) throw new CommandFailed(`${file}: ${found.error}`)
  io.out(json === true ? JSON.stringify(found.value, null, 2) : render(found.value))
}

function render({ replayed, same, different, skipped }: CapsuleReplay): string {
  return [
    ...replayed.map(lineOf),
    `${same} answers are those that were given, ${different} are not`,
    ...Object.entries(skipped).map(([why, count]) => `${count} left out: ${why}`),
  ].join('\n')
}

function lineOf({ at_ms: atMs, name, type, client, turn, answer, same }: Replayed): string {
  const [head, ...records] = answer
  const shown = records.filter((line) => !line.startsWith(';;')).map((line) => line.split(' '))
  const data = shown.map((words) => words.slice(4).join(' ')).join(', ')
  const what = data === '' ? (head ?? '') : data
  const at = `${same ? '=' : '!'} ${new Date(atMs).toISOString()}`
  const asked = `${formatAddress(Uint8Array.from(client))} ${name} ${type} turn ${turn}`
  return `${at} ${asked}: ${what}`
}
