/**
 * `routing test`: what a client would be answered, and why each server was or was not chosen.
 */
import { type Command, Option } from 'commander'
import { formatEndpoint } from '../../core/net/address.ts'
import { type Io, shellOf } from '../shell.ts'
import { withService } from '../suggest.ts'
import { table } from '../table.ts'

interface Candidate {
  readonly address: string
  readonly port: number
  readonly region: string
  readonly weight: number
  readonly chosen: boolean
  readonly status: string
  readonly reason: string
}

interface Result {
  readonly domain: string
  readonly query_type: string
  readonly client_ip: string
  readonly algorithm: string
  readonly decision: string
  readonly answers: readonly string[]
  readonly when_all_down?: string
  readonly ttl: number
  readonly candidates: readonly Candidate[]
}

interface Options {
  readonly client?: string
  readonly type: string
}

export function addRouting(program: Command, io: Io): void {
  const routing = program.command('routing').description('how answers are chosen')
  routing
    .command('test')
    .description('show what a client would be answered, and why')
    .argument('<name>', 'the domain name asked for')
    .option('--client <address>', 'address of the client')
    .addOption(new Option('--type <type>', 'A or AAAA').choices(['A', 'AAAA']).default('A'))
    .action(async (domain: string, options: Options, command: Command) => {
      const shell = shellOf(command, io)
      const body = {
        domain,
        query_type: options.type,
        ...(options.client === undefined ? {} : { client_ip: options.client }),
      }
      const answer = await withService(shell, domain, () =>
        shell.get<{ result: Result }>('POST', '/api/v1/routing/test', body),
      )
      shell.print(answer, ({ result }) => render(result))
    })
}

function render(result: Result): string {
  const all = result.when_all_down
  const answers = result.answers.length === 0 ? '(no address)' : result.answers.join(', ')
  const rows = result.candidates.map((one) => [
    one.chosen ? '*' : '',
    formatEndpoint(one.address, one.port),
    one.region,
    String(one.weight),
    one.status,
    one.reason,
  ])
  return [
    `${result.domain} ${result.query_type} for ${result.client_ip}: ${answers}`,
    `decision ${result.decision}, algorithm ${result.algorithm}, ttl ${result.ttl}`,
    ...(all === undefined ? [] : [`no server is healthy: when_all_down is ${all}`]),
    '',
    table(['', 'ADDRESS', 'REGION', 'WEIGHT', 'STATUS', 'WHY'], rows),
  ].join('\n')
}
