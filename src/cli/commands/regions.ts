/**
 * `regions`: groups of servers, and where their clients are.
 */
import type { Command } from 'commander'
import { type Io, shellOf } from '../shell.ts'
import { table } from '../table.ts'
import { enabledOf, forced, given, listOf } from './objects.ts'

interface Region {
  readonly name: string
  readonly countries: readonly string[]
  readonly continents?: readonly string[]
  readonly enabled: boolean
  readonly server_count: number
  readonly healthy_servers: number
  readonly source?: string
}

interface EditOptions {
  readonly countries?: string
  readonly continents?: string
  readonly description?: string
  readonly enable?: boolean
  readonly disable?: boolean
  readonly force?: boolean
}

const LIST = '/api/v1/regions'
const pathOf = (name: string) => `${LIST}/${encodeURIComponent(name)}`
const HEADERS = ['REGION', 'COUNTRIES', 'CONTINENTS', 'HEALTHY', 'SOURCE', 'STATE']

export function addRegions(program: Command, io: Io): void {
  const regions = program.command('regions').description('groups of servers')
  regions
    .command('list', { isDefault: true })
    .description('list the regions')
    .action(async (_options, command: Command) => {
      const shell = shellOf(command, io)
      const answer = await shell.get<{ regions: Region[] }>('GET', LIST)
      shell.print(answer, ({ regions: all }) =>
        all.length === 0 ? 'No regions.' : table(HEADERS, all.map(rowOf)),
      )
    })
  const create = regions
    .command('create')
    .description('make a region')
    .argument('<name>', 'its name')
  withFields(create).action(async (name: string, options: EditOptions, command: Command) => {
    const shell = shellOf(command, io)
    const body = { name, code: name, ...fieldsOf(options) }
    const answer = await shell.get<{ region: Region }>('POST', LIST, body)
    shell.print(answer, ({ region }) => `Region created: ${region.name}`)
  })
  const update = regions
    .command('update')
    .description('change a region')
    .argument('<name>', 'its name')
    .option('--enable', 'serve its servers again')
    .option('--disable', 'serve none of its servers')
    .option('--force', 'do it although it would empty a pool')
  withFields(update).action(async (name: string, options: EditOptions, command: Command) => {
    const shell = shellOf(command, io)
    const body = given({ ...fieldsOf(options), enabled: enabledOf(options) })
    const path = `${pathOf(name)}${forced(options.force)}`
    const answer = await shell.get<{ region: Region }>('PATCH', path, body)
    shell.print(answer, ({ region }) => `Region updated: ${region.name}`)
  })
  regions
    .command('delete')
    .description('take a region away that no server stands in and no domain lists')
    .argument('<name>', 'its name')
    .action(async (name: string, _options, command: Command) => {
      const shell = shellOf(command, io)
      await shell.get('DELETE', pathOf(name))
      shell.print({ deleted: name }, () => `Region deleted: ${name}`)
    })
}

const withFields = (command: Command): Command =>
  command
    .option('--countries <list>', 'countries it serves, split by commas')
    .option('--continents <list>', 'continents it serves, split by commas')
    .option('--description <text>', 'for people')

const fieldsOf = ({ countries, continents, description }: EditOptions) => ({
  ...(countries === undefined ? {} : { countries: listOf(countries) }),
  ...(continents === undefined ? {} : { continents: listOf(continents) }),
  ...(description === undefined ? {} : { description }),
})

const rowOf = (one: Region): string[] => [
  one.name,
  one.countries.join(',') || '-',
  (one.continents ?? []).join(',') || '-',
  `${one.healthy_servers}/${one.server_count}`,
  one.source ?? '-',
  one.enabled ? 'enabled' : 'disabled',
]
