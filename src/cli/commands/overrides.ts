/**
 * `overrides`: force servers healthy or unhealthy, and end that.
 */
import type { Command } from 'commander'
import { formatEndpoint } from '../../core/net/address.ts'
import { secondsOf } from '../seconds.ts'
import { type Io, shellOf } from '../shell.ts'
import { withService } from '../suggest.ts'
import { table } from '../table.ts'

interface Override {
  readonly service: string
  readonly address: string
  readonly port?: number
  readonly healthy: boolean
  readonly reason: string
  readonly source: string
  readonly created_at: string
  readonly expires_at?: string
}

interface SetOptions {
  readonly healthy?: boolean
  readonly reason: string
  readonly force?: boolean
  readonly expiresIn?: string
}

export function addOverrides(program: Command, io: Io): void {
  const overrides = program.command('overrides').description('forced states of servers')
  overrides
    .command('list', { isDefault: true })
    .description('list the overrides')
    .action(async (_options, command: Command) => {
      const shell = shellOf(command, io)
      const answer = await shell.get<{ overrides: Override[] }>('GET', '/api/v1/overrides')
      shell.print(answer, ({ overrides: all }) =>
        all.length === 0 ? 'No overrides.' : table(HEADERS, all.map(rowOf), shell.paint),
      )
    })
  overrides
    .command('set')
    .description('force a server unhealthy, or healthy with --healthy')
    .argument('<service>', 'service of the server')
    .argument('<address>', 'its address, or address:port')
    .option('--healthy', 'force it healthy')
    .requiredOption('--reason <text>', 'why, for whoever comes next')
    .option('--expires-in <time>', 'end by itself after 90s, 30m, 2h or 1d')
    .option('--force', 'do it although it would empty a pool')
    .action(async (service: string, address: string, options: SetOptions, command: Command) => {
      const shell = shellOf(command, io)
      const body = {
        healthy: options.healthy === true,
        reason: options.reason,
        source: io.env['USER'] || 'opengslb-cli',
        ...(options.force === true ? { force: true } : {}),
        ...(options.expiresIn === undefined
          ? {}
          : { expires_in_seconds: secondsOf('--expires-in', options.expiresIn) }),
      }
      const answer = await withService(shell, service, () =>
        shell.get<Override>('PUT', pathOf(service, address), body),
      )
      shell.print(answer, ({ healthy }) => {
        const state = healthy ? 'healthy' : 'unhealthy'
        return `Override set: ${service} ${address} is ${state}.`
      })
    })
  overrides
    .command('clear')
    .description('end an override')
    .argument('<service>', 'service of the server')
    .argument('<address>', 'its address, or address:port')
    .action(async (service: string, address: string, _options, command: Command) => {
      const shell = shellOf(command, io)
      await shell.get('DELETE', pathOf(service, address))
      shell.print({ cleared: true }, () => `Override cleared: ${service} ${address}.`)
    })
}

const HEADERS = ['SERVICE', 'ADDRESS', 'STATE', 'REASON', 'SOURCE', 'CREATED', 'EXPIRES']

const rowOf = (one: Override): string[] => [
  one.service,
  one.port === undefined ? one.address : formatEndpoint(one.address, one.port),
  one.healthy ? 'healthy' : 'unhealthy',
  one.reason,
  one.source,
  one.created_at,
  one.expires_at ?? '-',
]

const pathOf = (service: string, address: string): string =>
  `/api/v1/overrides/${encodeURIComponent(service)}/${encodeURIComponent(address)}`
