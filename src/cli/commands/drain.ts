/**
 * `drain`: take servers out of service gently, and learn when they may be stopped.
 */
import type { Command } from 'commander'
import { parseAddress, parseEndpoint } from '../../core/net/address.ts'
import { type Drain, DRAINS_PATH, drainPath, waitUntilSafe } from '../drain-wait.ts'
import { secondsOf } from '../seconds.ts'
import { type Io, type Shell, shellOf, wrongUsage } from '../shell.ts'
import { withService } from '../suggest.ts'
import { table } from '../table.ts'

interface WaitFlags {
  readonly wait?: boolean
  readonly waitTimeout?: string
  readonly byTime?: boolean
}

interface StartOptions extends WaitFlags {
  readonly agent?: string
  readonly reason: string
  readonly expiresIn?: string
  readonly force?: boolean
}

/** Often enough for a person; a drain takes seconds at the least. */
const ASK_EVERY_MS = 1_000

export function addDrain(program: Command, io: Io): void {
  const drain = program.command('drain').description('servers that go out of service')
  drain
    .command('list', { isDefault: true })
    .description('list the drains, and whether their servers may be stopped')
    .action(async (_options, command: Command) => {
      const shell = shellOf(command, io)
      const answer = await shell.get<{ drains: Drain[] }>('GET', DRAINS_PATH)
      shell.print(answer, ({ drains }) =>
        drains.length === 0 ? 'No drains.' : table(HEADERS, drains.map(rowOf), shell.paint),
      )
    })
  addStart(drain, io)
  waits(drain.command('show'), 'wait until its server may be stopped')
    .description('show one drain, and what it waits for')
    .argument('<id>', 'the drain')
    .action(async (id: string, flags: WaitFlags, command: Command) => {
      const shell = shellOf(command, io)
      const limitMs = limitOf(flags)
      if (flags.wait === true) return waitFor(shell, [id], limitMs, flags)
      const answer = await shell.get<{ drain: Drain }>('GET', drainPath(id))
      shell.print(answer, (value) => detailOf(value.drain))
    })
  drain
    .command('stop')
    .description('end a drain')
    .argument('<id>', 'the drain')
    .action((id: string, _options, command: Command) => stop(shellOf(command, io), id))
}

/** The options of a command that can wait. */
const waits = (command: Command, text: string): Command =>
  command
    .option('--wait', text)
    .option('--wait-timeout <time>', 'wait no longer than 90s, 30m, 2h or 1d')
    .option('--by-time', 'where connections cannot be counted, wait for old answers to expire')

function addStart(drain: Command, io: Io): void {
  waits(drain.command('start'), 'wait until the servers may be stopped')
    .description('take servers out of service; on an agent, without arguments, all of its own')
    .argument('[service]', 'service of the servers')
    .argument('[address]', 'their address, or address:port')
    .option('--agent <id>', 'the servers that this agent speaks for')
    .requiredOption('--reason <text>', 'why, for whoever comes next')
    .option('--expires-in <time>', 'end by itself after 90s, 30m, 2h or 1d')
    .option('--force', 'do it although it would empty a pool')
    .action(async (service, address, options: StartOptions, command: Command) => {
      const shell = shellOf(command, io)
      const body = bodyOf(service, address, options)
      // Read before anything is asked for: a wrong command line must have done nothing.
      const limitMs = limitOf(options)
      const answer = await withService(shell, service, () =>
        shell.get<{ message: string; ids: string[] }>('POST', DRAINS_PATH, body),
      )
      const isWaiting = options.wait === true
      if (!(isWaiting && shell.json))
        shell.print(answer, ({ message, ids }) =>
          [`${message}.`, ...ids.map((id) => `  ${id}`)].join('\n'),
        )
      if (isWaiting) await waitFor(shell, answer.ids, limitMs, options)
    })
}

function bodyOf(
  service: string | undefined,
  address: string | undefined,
  options: StartOptions,
): Readonly<Record<string, unknown>> {
  return {
    ...(service === undefined ? {} : { service }),
    ...targetOf(address),
    ...(options.agent === undefined ? {} : { agent_id: options.agent }),
    reason: options.reason,
    ...(options.force === true ? { force: true } : {}),
    ...(options.expiresIn === undefined
      ? {}
      : { expires_in_seconds: secondsOf('--expires-in', options.expiresIn) }),
  }
}

/** How long to wait at most, ms; undefined is for ever. */
const limitOf = ({ waitTimeout }: WaitFlags): number | undefined =>
  waitTimeout === undefined ? undefined : secondsOf('--wait-timeout', waitTimeout) * 1_000

async function waitFor(
  shell: Shell,
  ids: readonly string[],
  limitMs: number | undefined,
  flags: WaitFlags,
): Promise<void> {
  const byTime = flags.byTime === true
  const drains = await waitUntilSafe(shell, ids, { limitMs, everyMs: ASK_EVERY_MS, byTime })
  const text = (one: Drain) =>
    `Safe to stop${one.safe === true ? '' : ' as far as time tells'}: ${one.backend}.`
  shell.print({ safe: true, drains }, () => drains.map(text).join('\n'))
}

async function stop(shell: Shell, id: string): Promise<void> {
  await shell.get('DELETE', drainPath(id))
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
  if (!endpoint.ok) throw wrongUsage(`"${text}" is neither an address nor address:port`)
  return { address: endpoint.value.host, port: endpoint.value.port }
}
