/**
 * `status`: one page on how the node is doing, and an exit code for scripts: 0 while it serves,
 * degraded or not, and 1 when it is unhealthy or not ready.
 */
import type { Command } from 'commander'
import { CommandFailed, type Io, type Shell, shellOf } from '../shell.ts'

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
}

interface Stats {
  readonly total_backends: number
  readonly healthy_backends: number
  readonly unknown_backends?: number
  readonly active_overrides: number
  readonly active_agents: number
  readonly unique_services: number
}

interface Status {
  readonly health: Health
  readonly ready: Ready
  readonly stats: Stats
}

export function addStatus(program: Command, io: Io): void {
  program
    .command('status')
    .description('show how the node is doing')
    .action(async (_options, command: Command) => {
      const shell = shellOf(command, io)
      const health = await shell.get<Health>('GET', '/api/health')
      const stats = await shell.get<Stats>('GET', '/api/v1/overwatch/stats')
      const ready = await readiness(shell)
      shell.print({ health, ready, stats }, render)
      if (health.status === 'unhealthy') throw new CommandFailed('the node is unhealthy')
      if (!ready.ready) throw new CommandFailed('the node is not ready')
    })
}

/** Not ready is an answer, told by a 503. */
async function readiness(shell: Shell): Promise<Ready> {
  const reply = await shell.api.look('GET', '/api/v1/ready')
  if (!reply.ok) throw new CommandFailed(reply.error)
  return reply.value.value as Ready
}

const HEADLINE: Readonly<Record<string, string>> = {
  healthy: 'Healthy',
  degraded: 'Degraded',
  unhealthy: 'Unhealthy',
}

function render({ health, ready, stats }: Status): string {
  const some = stats.healthy_backends < stats.total_backends
  const state = health.status === 'healthy' && some ? 'degraded' : health.status
  const lines = [
    `OpenGSLB Overwatch Status: ${HEADLINE[state] ?? state}`,
    '',
    `  Version:   ${health.version}`,
    `  Mode:      ${health.mode ?? 'overwatch'}`,
    `  Uptime:    ${duration(health.uptime_seconds)}`,
    `  DNS:       ${ready.dns_ready ? 'answering' : 'not answering'}`,
    `  Agents:    ${stats.active_agents}`,
    `  Backends:  ${stats.healthy_backends}/${stats.total_backends} healthy`,
    `  Domains:   ${stats.unique_services}`,
    `  Overrides: ${stats.active_overrides}`,
  ]
  const warning = warningOf(ready, stats)
  return warning === undefined ? lines.join('\n') : [...lines, '', `Warning: ${warning}`].join('\n')
}

function warningOf(ready: Ready, stats: Stats): string | undefined {
  if (!ready.ready) return ready.message ?? 'not ready'
  const held = ready.guard_rail_domains ?? 0
  if (held > 0) return `the guard-rail keeps servers of ${held} domains that a reload took away`
  const down = stats.total_backends - stats.healthy_backends
  return down > 0 ? `${down} of ${stats.total_backends} backends are not healthy` : undefined
}

function duration(seconds: number): string {
  const days = Math.floor(seconds / 86_400)
  const hours = Math.floor((seconds % 86_400) / 3_600)
  const minutes = Math.floor((seconds % 3_600) / 60)
  if (days > 0) return `${days}d ${hours}h ${minutes}m`
  if (hours > 0) return `${hours}h ${minutes}m`
  return minutes > 0 ? `${minutes}m ${seconds % 60}s` : `${seconds}s`
}
