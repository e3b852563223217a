/**
 * `servers create`, `update` and `delete`: servers beside those of the file.
 */
import type { Command } from 'commander'
import { type Io, shellOf } from '../shell.ts'
import { enabledOf, forced, given, wholeOf } from './objects.ts'

interface CreateOptions {
  readonly address: string
  readonly port: string
  readonly service: string
  readonly region: string
  readonly weight: string
  readonly name?: string
  readonly protocol: string
}

interface UpdateOptions {
  readonly weight?: string
  readonly region?: string
  readonly enable?: boolean
  readonly disable?: boolean
  readonly force?: boolean
}

interface Answer {
  readonly server: { readonly id: string; readonly weight: number; readonly region: string }
}

const pathOf = (id: string) => `/api/v1/servers/${encodeURIComponent(id)}`

export function addServerEdits(servers: Command, io: Io): void {
  servers
    .command('create')
    .description('make a server')
    .requiredOption('--address <ip>', 'its address')
    .requiredOption('--port <port>', 'its port')
    .requiredOption('--service <name>', 'the domain it serves')
    .requiredOption('--region <name>', 'the region it stands in')
    .option('--weight <number>', 'its share of traffic under weighted', '100')
    .option('--name <text>', 'a description for people')
    .option('--protocol <word>', 'tcp, http, https or udp; for people', 'tcp')
    .action(async (options: CreateOptions, command: Command) => {
      const { address, service, region, name, protocol } = options
      const shell = shellOf(command, io)
      const answer = await shell.get<Answer>('POST', '/api/v1/servers', {
        ...{ address, service, region, protocol },
        port: wholeOf('--port', options.port),
        weight: wholeOf('--weight', options.weight),
        ...(name === undefined ? {} : { description: name }),
      })
      shell.print(answer, ({ server }) => `Server created: ${server.id}`)
    })
  servers
    .command('update')
    .description('change a server')
    .argument('<id>', 'service:address:port')
    .option('--weight <number>', 'its share of traffic under weighted')
    .option('--region <name>', 'the region it stands in')
    .option('--enable', 'serve it again')
    .option('--disable', 'do not serve it')
    .option('--force', 'do it although it would empty a pool')
    .action(async (id: string, options: UpdateOptions, command: Command) => {
      const { weight, region } = options
      const shell = shellOf(command, io)
      const body = given({
        weight: weight === undefined ? undefined : wholeOf('--weight', weight),
        ...{ region, enabled: enabledOf(options) },
      })
      const path = `${pathOf(id)}${forced(options.force)}`
      const answer = await shell.get<Answer>('PATCH', path, body)
      shell.print(answer, ({ server }) => `Server updated: ${server.id}`)
    })
  servers
    .command('delete')
    .description('take a server away; one of the file stays away until its entry changes')
    .argument('<id>', 'service:address:port')
    .option('--force', 'do it although it would empty a pool')
    .action(async (id: string, { force }: UpdateOptions, command: Command) => {
      const shell = shellOf(command, io)
      await shell.get('DELETE', `${pathOf(id)}${forced(force)}`)
      shell.print({ deleted: id }, () => `Server deleted: ${id}`)
    })
}
