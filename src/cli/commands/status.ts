/**
 * `status`: one page on how the node is doing, and an exit code for scripts: not zero when it is
 * unhealthy or not ready, and with `--check` also when it is degraded.
 */
import type { Command } from 'commander'
import { CommandFailed, type Io, type Shell, shellOf } from '../shell.ts'
import type { DnssecStatus } from './dnssec.ts'

interface Health {
  readonly status: string
  readonly version: string
  readonly mode?: string
  readonly uptime_seconds: number
}

interface Ready {
  readonly ready: boolean
  readonly message?: string
  readonly dns_ready: boolean
  readonly health_ready: boolean
  readonly guard_rail_domains?: number
  readonly down_domains?: number
  readonly late_checks?: number
}

interface Stats {
  readonly total_backends: number
  readonly healthy_backends: number
  readonly unhealthy_backends?: number
  readonly stale_backends?: number
  readonly draining_backends?: number
  readonly unknown_backends?: number
  readonly active_overrides: number
  readonly active_agents: number
  readonly unique_services: number
}

export interface Status {
  /** `healthy`, `degraded` or `unhealthy`, from all that is below. */
  readonly state: string
  readonly warnings: readonly string[]
  readonly health: Health
  readonly ready: Ready
  readonly stats: Stats
  readonly dnssec: DnssecStatus | null
}

export function addStatus(program: Command, io: Io): void {
  program
    .command('status')
    .description('show how the node is doing')
    .option('--check', 'fail also when it is degraded')
    .action(async ({ check }: { check?: boolean }, command: Command) => {
      const shell = shellOf(command, io)
      const status = await readStatus(shell)
      shell.print(status, (value) => render(value, shell))
      fault(status, check === true)
    })
}

function fault({ state, ready, warnings }: Status, check: boolean): void {
  const exit = 'unsafe'
  if (state === 'unhealthy') throw new CommandFailed('the node is unhealthy', { exit })
  if (!ready.ready) throw new CommandFailed('the node is not ready', { exit })
  if (check && state !== 'healthy')
    throw new CommandFailed(`the node is degraded: ${warnings[0] ?? state}`, { exit })
}

/** Asks all that the page shows. */
export async function readStatus(shell: Shell): Promise<Status> {
  const health = await shell.get<Health>('GET', '/api/health')
  const [stats, ready, dnssec] = await Promise.all([
    shell.get<Stats>('GET', '/api/v1/overwatch/stats'),
    readiness(shell),
    shell.api.ask('GET', '/api/v1/dnssec/status'),
  ])
  const warnings = warningsOf(ready, stats)
  const state = health.status === 'healthy' && warnings.length > 0 ? 'degraded' : health.status
  // A node that does not sign has no such endpoint, and the page is not to fail over it.
  const signing = dnssec.ok ? (dnssec.value.value as DnssecStatus) : null
  return { state, warnings, health, ready, stats, dnssec: signing }
}

/** Not ready is an answer, told by a 503. */
async function readiness(shell: Shell): Promise<Ready> {
  const reply = await shell.api.look('GET', '/api/v1/ready')
  if (!reply.ok) throw new CommandFailed(reply.error, { exit: 'unreachable' })
  return reply.value.value as Ready
}

const HEADLINE: Readonly<Record<string, string>> = {
  healthy: 'Healthy',
  degraded: 'Degraded',
  unhealthy: 'Unhealthy',
}

function render({ state, warnings, health, ready, stats, dnssec }: Status, shell: Shell): string {
  const paint = (text: string, good: boolean) => shell.paint(text, good ? 'healthy' : 'unhealthy')
  const all = stats.healthy_backends === stats.total_backends
  const rest = [
    ['unhealthy', stats.unhealthy_backends],
    ['draining', stats.draining_backends],
    ['stale', stats.stale_backends],
    ['unknown', stats.unknown_backends],
  ].flatMap(([name, count]) => (count ? [`${count} ${name}`] : []))
  const backends = `${stats.healthy_backends}/${stats.total_backends} healthy`
  return [
    `OpenGSLB Overwatch Status: ${shell.paint(HEADLINE[state] ?? state)}`,
    '',
    `  Version:   ${health.version}`,
    `  Mode:      ${health.mode ?? 'overwatch'}`,
    `  Uptime:    ${duration(health.uptime_seconds)}`,
    `  DNS:       ${paint(ready.dns_ready ? 'answering' : 'not answering', ready.dns_ready)}`,
    `  Agents:    ${stats.active_agents}`,
    `  Backends:  ${[all ? backends : shell.paint(backends, 'degraded'), ...rest].join(', ')}`,
    `  Domains:   ${stats.unique_services}`,
    `  DNSSEC:    ${dnssecText(dnssec)}`,
    `  Overrides: ${stats.active_overrides}`,
    ...(warnings.length === 0 ? [] : ['']),
    ...warnings.map((warning) => `${shell.paint('Warning')}: ${warning}`),
  ].join('\n')
}

function dnssecText(status: DnssecStatus | null): string {
  if (status === null || !status.enabled) return 'not signing'
  const keys = status.keys ?? []
  const idle = keys.filter((key) => key.can_sign === false).length
  const zones = new Set(keys.map((key) => key.zone)).size
  const waiting = idle > 0 ? `, ${idle} keys idle` : ''
  return `signing ${zones} ${zones === 1 ? 'zone' : 'zones'}${waiting}`
}

function warningsOf(ready: Ready, stats: Stats): string[] {
  const warnings: string[] = []
  if (!ready.ready) warnings.push(ready.message ?? 'not ready')
  const held = ready.guard_rail_domains ?? 0
  if (held > 0)
    warnings.push(`the guard-rail keeps servers of ${held} domains that a change took away`)
  const lost = ready.down_domains ?? 0
  if (lost > 0) warnings.push(`no server of ${lost} ${lost === 1 ? 'domain' : 'domains'} serves`)
  const late = ready.late_checks ?? 0
  if (late > 0) warnings.push(`${late} health checks are late: both lanes of checks are full`)
  const down = stats.total_backends - stats.healthy_backends
  if (down > 0) warnings.push(`${down} of ${stats.total_backends} backends are not healthy`)
  return warnings
}

export function duration(seconds: number): string {
  const days = Math.floor(seconds / 86_400)
  const hours = Math.floor((seconds % 86_400) / 3_600)
  const minutes = Math.floor((seconds % 3_600) / 60)
  if (days > 0) return `${days}d ${hours}h ${minutes}m`
  if (hours > 0) return `${hours}h ${minutes}m`
  return minutes > 0 ? `${minutes}m ${Math.floor(seconds % 60)}s` : `${Math.floor(seconds)}s`
}
