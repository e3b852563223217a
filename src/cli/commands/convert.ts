/**
 * `convert`: a configuration of another program, as one of this program.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Command } from 'commander'
import { stringify } from 'yaml'
import { convertGdnsd, type DynamicName, dynamicNames } from '../gdnsd-convert.ts'
import { parseGdnsd } from '../gdnsd-parse.ts'
import { CommandFailed, type Io, shellOf } from '../shell.ts'

const FILE_BYTES_MAX = 16_777_216
const ZONES_MAX = 10_000

function textOf(path: string): string {
  try {
    if (statSync(path).size > FILE_BYTES_MAX) throw new Error('too large')
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new CommandFailed(`${path}: ${(error as Error).message}`)
  }
}

/** Zone files are named after their zones; `@` stands for a slash in reverse zones. */
function readZones(folder: string | undefined): {
  readonly zones: readonly string[]
  readonly names: readonly DynamicName[]
} {
  if (folder === undefined) return { zones: [], names: [] }
  let files: string[]
  try {
    files = readdirSync(folder).slice(0, ZONES_MAX)
  } catch (error) {
    throw new CommandFailed(`${folder}: ${(error as Error).message}`)
  }
  const zones = files
    .filter(
      (name) =>
        !name.startsWith('.') &&
        statSync(join(folder, name), { throwIfNoEntry: false })?.isFile() === true,
    )
    .map((name) => ({ zone: basename(name).replace(/\.$/, ''), path: join(folder, name) }))
  return {
    zones: zones.map(({ zone }) => zone),
    names: zones.flatMap(({ zone, path }) => dynamicNames(zone, textOf(path))),
  }
}

export function addConvert(program: Command, io: Io): void {
  const convert = program.command('convert').description('a configuration of another program')
  convert
    .command('gdnsd')
    .description('write a configuration of gdnsd as YAML; what has no counterpart is said')
    .argument('<file>', 'its configuration, such as /etc/gdnsd/config')
    .option('--zones <folder>', 'its zone files, whose DYNA and DYNC lines name what is steered')
    .action((file: string, { zones: folder }: { zones?: string }, command: Command) => {
      const shell = shellOf(command, io)
      const parsed = parseGdnsd(textOf(file))
      if (!parsed.ok) throw new CommandFailed(`${file}: ${parsed.error}`)
      const { zones, names } = readZones(folder)
      const { config, notes } = convertGdnsd(parsed.value.root, zones, names)
      const all = [...parsed.value.notes, ...notes]
      shell.print({ config, notes: all }, () =>
        [...all.map((note) => `# ${note}`), stringify(config, { aliasDuplicateObjects: false })]
          .join('\n')
          .trimEnd(),
      )
    })
}
