/**
 * `drain`: take servers out of service gently, and learn when they may be stopped.
 */
import type { Command } from 'commander'
import { parseAddress, parseEndpoint } from '../../core/net/address.ts'
import { secondsOf } from '../seconds.ts'
import { CommandFailed, type Io, type Shell, shellOf } from '../shell.ts'
import { table } from '../table.ts'

interface Drain {
  readonly id: string
  readonly backend: string
  readonly reason: string
  readonly by: string
  readonly declared_by?: string
  readonly since: string
  readonly expires_at?: string
  readonly safe?: boolean | 'unknown'
  readonly why?: string
  readonly safe_by_time?: string
  readonly connections?: {
    readonly remaining: number
    readonly networks: readonly { readonly network: string; readonly connections: number }[]
  }
}

interface StartOptions {
  readonly agent?: string
  readonly reason: string
  readonly expiresIn?: string
  readonly force?: boolean
}

const LIST = '/api/v1/drains'
const pathOf = (id: string) => `${LIST}/${encodeURIComponent(id)}`

export function addDrain(program: Command, io: Io): void {
  const drain = program.command('drain').description('servers that go out of service')
  drain
    .command('list', { isDefault: true })
    .description('list the drains, and whether their servers may be stopped')
    .action(async (_options, command: Command) => {
      const shell = shellOf(command, io)
      const answer = await shell.get<{ drains: Drain[] }>('GET', LIST)
      shell.print(answer, ({ drains }) =>
        drains.length === 0 ? 'No drains.' : table(HEADERS, drains.map(rowOf)),
      )
    })
  drain
    .command('start')
    .description('take servers out of service; on an agent, without arguments, all of its own')
    .argument('[service]', 'service of the servers')
    .argument('[address]', 'their address, or address:port')
    .option('--agent <id>', 'the servers that this agent speaks for')
    .requiredOption('--reason <text>', 'why, for whoever comes next')
    .option('--expires-in <time>', 'end by itself after 90s, 30m, 2h or 1d')
    .option('--force', 'do it although it would empty a pool')
    .action(async (service, address, options: StartOptions, command: Command) => {
      const shell = shellOf(command, io)
      const body = {
        ...(service === undefined ? {} : { service }),
        ...targetOf(address),
        ...(options.agent === undefined ? {} : { agent_id: options.agent }),
        reason: options.reason,
        ...(options.force === true ? { force: true } : {}),
        ...(options.expiresIn === undefined
          ? {}
          : { expires_in_seconds: secondsOf('--expires-in', options.expiresIn) }),
      }
      const answer = await shell.get<{ message: string; ids: string[] }>('POST', LIST, body)
      shell.print(answer, ({ message, ids }) =>
        [`${message}.`, ...ids.map((id) => `  ${id}`)].join('\n'),
      )
    })
  drain
    .command('show')
    .description('show one drain, and what it waits for')
    .argument('<id>', 'the drain')
    .action(async (id: string, _options, command: Command) => {
      const shell = shellOf(command, io)
      const answer = await shell.get<{ drain: Drain }>('GET', pathOf(id))
      shell.print(answer, (value) => detailOf(value.drain))
    })
  drain
    .command('stop')
    .description('end a drain')
    .argument('<id>', 'the drain')
    .action((id: string, _options, command: Command) => stop(shellOf(command, io), id))
}

async function stop(shell: Shell, id: string): Promise<void> {
  await shell.get('DELETE', pathOf(id))
  shell.print({ stopped: true, id }, () => `Drain ended: ${id}.`)
}

const HEADERS = ['ID', 'BACKEND', 'BY', 'REASON', 'SINCE', 'EXPIRES', 'SAFE TO STOP']

const WORDS = new Map<unknown, string>([
  [true, 'yes'],
  [false, 'no'],
  ['unknown', 'unknown'],
])

const rowOf = (one: Drain): string[] => [
  one.id,
  one.backend,
  one.declared_by ?? one.by,
  one.reason,
  one.since,
  one.expires_at ?? '-',
  WORDS.get(one.safe) ?? '-',
]

function detailOf(drain: Drain): string {
  const { connections } = drain
  const lines = [
    `Drain ${drain.id}: ${drain.backend}`,
    `  Declared by:  ${drain.declared_by ?? drain.by} (${drain.reason}) at ${drain.since}`,
    `  Expires:      ${drain.expires_at ?? 'when it is stopped'}`,
    `  Safe to stop: ${WORDS.get(drain.safe) ?? '-'}${drain.why ? `, ${drain.why}` : ''}`,
  ]
  if (drain.safe_by_time !== undefined) lines.push(`  By time:      ${drain.safe_by_time}`)
  if (connections === undefined) return lines.join('\n')
  lines.push(`  Connections:  ${connections.remaining}`)
  for (const { network, connections: count } of connections.networks)
    lines.push(`    ${network}  ${count}`)
  return lines.join('\n')
}

function targetOf(text: string | undefined): { address?: string; port?: number } {
  if (text === undefined) return {}
  const address = parseAddress(text)
  if (address.ok) return { address: address.value.text }
  const endpoint = parseEndpoint(text)
  if (!endpoint.ok) throw new CommandFailed(`"${text}" is neither an address nor address:port`)
  return { address: endpoint.value.host, port: endpoint.value.port }
}
