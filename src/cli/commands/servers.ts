/**
 * `servers`: what is served, and how healthy it is.
 */
import type { Command } from 'commander'
import { formatEndpoint } from '../../core/net/address.ts'
import { type Io, shellOf } from '../shell.ts'
import { hintOfService } from '../suggest.ts'
import { table } from '../table.ts'
import { addServerEdits } from './servers-edit.ts'

interface Backend {
  readonly service: string
  readonly address: string
  readonly port: number
  readonly region: string
  readonly source: string
  readonly effective_status: string
  readonly latency_ms?: number
  readonly override_status?: boolean
  readonly cause?: string
  readonly agent_id?: string
}

interface Filters {
  readonly service?: string
  readonly region?: string
  readonly status?: string
}

export function addServers(program: Command, io: Io): void {
  const servers = program.command('servers').description('the servers and their health')
  servers
    .command('list', { isDefault: true })
    .description('list the servers')
    .option('--service <name>', 'only of this service')
    .option('--region <name>', 'only of this region')
    .option('--status <status>', 'only in this state: healthy, unhealthy, unknown, stale, draining')
    .action(async (options: Filters, command: Command) => {
      const shell = shellOf(command, io)
      const query = new URLSearchParams({ ...options })
      const path = query.size === 0 ? '' : `?${query}`
      const answer = await shell.get<{ backends: Backend[] }>(
        'GET',
        `/api/v1/overwatch/backends${path}`,
      )
      shell.print(answer, ({ backends }) =>
        backends.length === 0 ? 'No servers.' : table(HEADERS, backends.map(rowOf), shell.paint),
      )
      if (answer.backends.length > 0 || options.service === undefined) return
      const hint = await hintOfService(shell, options.service)
      if (hint !== undefined) io.err(`Hint: ${hint}`)
    })
  addServerEdits(servers, io)
}

const HEADERS = ['SERVICE', 'ADDRESS', 'REGION', 'STATUS', 'LATENCY', 'AUTHORITY']

/** Who decided: an override, a drain, the checks, the agent; else where the server comes from. */
function authorityOf({ override_status: forced, cause, source }: Backend): string {
  if (forced !== undefined) return 'override'
  return cause === undefined || cause === 'none' ? source : cause
}

const rowOf = (backend: Backend): string[] => [
  backend.service,
  formatEndpoint(backend.address, backend.port),
  backend.region,
  backend.effective_status,
  backend.latency_ms === undefined ? '-' : `${backend.latency_ms.toFixed(1)}ms`,
  authorityOf(backend),
]
