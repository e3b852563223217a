/**
 * `domains`: the names that are steered, of the file and of the API.
 */
import type { Command } from 'commander'
import { type Io, shellOf } from '../shell.ts'
import { table } from '../table.ts'
import { enabledOf, forced, given, listOf, wholeOf } from './objects.ts'

interface Domain {
  readonly name: string
  readonly ttl: number
  readonly routing_policy: string
  readonly regions?: readonly string[]
  readonly enabled: boolean
  readonly backend_count: number
  readonly healthy_backends: number
  readonly source?: string
}

interface EditOptions {
  readonly ttl?: string
  readonly policy?: string
  readonly regions?: string
  readonly answers?: string
  readonly whenAllDown?: string
  readonly description?: string
  readonly enable?: boolean
  readonly disable?: boolean
  readonly force?: boolean
}

const LIST = '/api/v1/domains'
const pathOf = (name: string) => `${LIST}/${encodeURIComponent(name)}`
const HEADERS = ['DOMAIN', 'ALGORITHM', 'REGIONS', 'TTL', 'HEALTHY', 'SOURCE', 'STATE']

export function addDomains(program: Command, io: Io): void {
  const domains = program.command('domains').description('the names that are steered')
  domains
    .command('list', { isDefault: true })
    .description('list the domains')
    .action(async (_options, command: Command) => {
      const shell = shellOf(command, io)
      const answer = await shell.get<{ domains: Domain[] }>('GET', LIST)
      shell.print(answer, ({ domains: all }) =>
        all.length === 0 ? 'No domains.' : table(HEADERS, all.map(rowOf)),
      )
    })
  const create = domains
    .command('create')
    .description('make a domain')
    .argument('<name>', 'its name')
  withFields(create).action(async (name: string, options: EditOptions, command: Command) => {
    const shell = shellOf(command, io)
    const body = { name, ...fieldsOf(options) }
    const answer = await shell.get<{ domain: Domain }>('POST', LIST, body)
    shell.print(answer, ({ domain }) => `Domain created: ${domain.name}`)
  })
  const update = domains
    .command('update')
    .description('change a domain')
    .argument('<name>', 'its name')
    .option('--enable', 'serve it again')
    .option('--disable', 'do not serve it')
    .option('--force', 'do it although it would empty a pool')
  withFields(update).action(async (name: string, options: EditOptions, command: Command) => {
    const shell = shellOf(command, io)
    const body = given({ ...fieldsOf(options), enabled: enabledOf(options) })
    const path = `${pathOf(name)}${forced(options.force)}`
    const answer = await shell.get<{ domain: Domain }>('PATCH', path, body)
    shell.print(answer, ({ domain }) => `Domain updated: ${domain.name}`)
  })
  domains
    .command('delete')
    .description('take a domain away, with the servers that the API made for it')
    .argument('<name>', 'its name')
    .action(async (name: string, _options, command: Command) => {
      const shell = shellOf(command, io)
      await shell.get('DELETE', pathOf(name))
      shell.print({ deleted: name }, () => `Domain deleted: ${name}`)
    })
}

const withFields = (command: Command): Command =>
  command
    .option('--ttl <seconds>', 'TTL of its answers')
    .option('--policy <algorithm>', 'how one server is chosen')
    .option('--regions <list>', 'regions it serves, in order, split by commas')
    .option('--answers <number>', 'records an answer holds')
    .option('--when-all-down <word>', 'what it answers when no server may be served')
    .option('--description <text>', 'for people')

function fieldsOf({ ttl, policy, regions, answers, whenAllDown, description }: EditOptions) {
  return {
    ...(ttl === undefined ? {} : { ttl: wholeOf('--ttl', ttl) }),
    ...(policy === undefined ? {} : { routing_policy: policy }),
    ...(regions === undefined ? {} : { regions: listOf(regions) }),
    ...(answers === undefined ? {} : { answers: wholeOf('--answers', answers) }),
    ...(whenAllDown === undefined ? {} : { when_all_down: whenAllDown }),
    ...(description === undefined ? {} : { description }),
  }
}

const rowOf = (one: Domain): string[] => [
  one.name,
  one.routing_policy,
  (one.regions ?? []).join(',') || '-',
  String(one.ttl),
  `${one.healthy_backends}/${one.backend_count}`,
  one.source ?? '-',
  one.enabled ? 'enabled' : 'disabled',
]
