/**
 * `agents`: who reports to this overwatch, and the end of trust in one.
 */
import type { Command } from 'commander'
import { CommandFailed, type Io, shellOf } from '../shell.ts'
import { table } from '../table.ts'

interface Agent {
  readonly agent_id: string
  readonly region: string
  readonly fingerprint: string
  readonly algorithm: string
  readonly first_seen: string
  readonly last_seen: string
  readonly not_after?: string
  readonly expires_in_hours?: number
  readonly revoked: boolean
  readonly revoked_at?: string
  readonly revoked_reason?: string
  readonly connected: boolean
  readonly backends: number
  readonly services: readonly string[]
}

interface Rotated {
  readonly message: string
  readonly fingerprint: string
}

const LIST = '/api/v1/overwatch/agents'
const pathOf = (id: string) => `${LIST}/${encodeURIComponent(id)}`

export function addAgents(program: Command, io: Io): void {
  const agents = program.command('agents').description('the agents this overwatch knows')
  agents
    .command('list', { isDefault: true })
    .description('list the agents')
    .action(async (_options, command: Command) => {
      const shell = shellOf(command, io)
      const answer = await shell.get<{ agents: Agent[] }>('GET', LIST)
      shell.print(answer, ({ agents: all }) =>
        all.length === 0 ? 'No agents.' : table(HEADERS, all.map(rowOf), shell.paint),
      )
    })
  agents
    .command('show')
    .description('show one agent')
    .argument('<id>', 'the agent')
    .action(async (id: string, _options, command: Command) => {
      const shell = shellOf(command, io)
      shell.print(await shell.get<Agent>('GET', pathOf(id)), detailOf)
    })
  agents
    .command('expiring')
    .description('agents whose certificate ends soon')
    .option('--days <number>', 'within so many days', '30')
    .action(async ({ days }: { days: string }, command: Command) => {
      const shell = shellOf(command, io)
      const path = `${LIST}/expiring?threshold_days=${encodeURIComponent(days)}`
      const answer = await shell.get<{ expiring: Agent[] }>('GET', path)
      shell.print(answer, ({ expiring }) =>
        expiring.length === 0
          ? 'No certificate ends so soon.'
          : table(['AGENT', 'ENDS', 'HOURS LEFT'], expiring.map(endOf)),
      )
    })
  addPin(agents, io)
  addEndings(agents, io)
}

/** Fingerprints are written with and without colons, in either case. */
const bare = (fingerprint: string) => fingerprint.replace(/[:\s]/g, '').toLowerCase()

function addPin(agents: Command, io: Io): void {
  agents
    .command('pin')
    .description('show the key an agent is known by, and compare it with the one it has')
    .argument('<id>', 'the agent')
    .argument('[fingerprint]', 'what the machine of the agent itself shows')
    .action(async (id: string, expected: string | undefined, _options, command: Command) => {
      const shell = shellOf(command, io)
      const agent = await shell.get<Agent>('GET', pathOf(id))
      const { fingerprint, algorithm, first_seen: since } = agent
      const matches = expected === undefined ? undefined : bare(expected) === bare(fingerprint)
      const said = matches === undefined ? '' : `, ${matches ? 'the same' : 'another one'}`
      shell.print(
        { agent_id: id, fingerprint, algorithm, pinned_at: since, matches },
        () => `${fingerprint} (${algorithm}), pinned ${since}${said}`,
      )
      if (matches !== false) return
      throw new CommandFailed(`${id} is known by another key`, {
        exit: 'unsafe',
        hint: 'if the machine was rebuilt: "opengslb-cli agents forget"; if not: revoke it',
      })
    })
}

function addEndings(agents: Command, io: Io): void {
  agents
    .command('revoke')
    .description('never believe an agent again; its servers leave at once')
    .argument('<id>', 'the agent')
    .requiredOption('--reason <text>', 'why, for whoever comes next')
    .action(async (id: string, { reason }: { reason: string }, command: Command) => {
      const shell = shellOf(command, io)
      const answer = await shell.get('POST', `${pathOf(id)}/revoke`, { reason })
      shell.print(answer, () => `Agent revoked: ${id}.`)
    })
  agents
    .command('rotate')
    .description('have an agent make another key, which the present one introduces')
    .argument('<id>', 'the agent')
    .action(async (id: string, _options, command: Command) => {
      const shell = shellOf(command, io)
      const answer = await shell.get<Rotated>('POST', `${pathOf(id)}/rotate`)
      shell.print(answer, ({ message, fingerprint }) => `${message}: ${fingerprint}.`)
    })
  agents
    .command('forget')
    .description('forget the key of an agent, so that its next contact pins one anew')
    .argument('<id>', 'the agent')
    .action(async (id: string, _options, command: Command) => {
      const shell = shellOf(command, io)
      const answer = await shell.get('DELETE', pathOf(id))
      shell.print(answer, () => `Agent forgotten: ${id}.`)
    })
}

const HEADERS = ['AGENT', 'REGION', 'STATE', 'BACKENDS', 'LAST SEEN', 'KEY', 'CERTIFICATE ENDS']

const stateOf = ({ revoked, connected }: Agent) =>
  revoked ? 'revoked' : connected ? 'connected' : 'silent'

const rowOf = (one: Agent): string[] => [
  one.agent_id,
  one.region,
  stateOf(one),
  String(one.backends),
  one.last_seen,
  one.algorithm,
  one.not_after ?? '-',
]

const endOf = (one: Agent): string[] => [
  one.agent_id,
  one.not_after ?? '-',
  String(one.expires_in_hours ?? '-'),
]

const detailOf = (one: Agent): string =>
  [
    `Agent ${one.agent_id}: ${stateOf(one)}`,
    `  Region:      ${one.region}`,
    `  Fingerprint: ${one.fingerprint} (${one.algorithm})`,
    `  Services:    ${one.services.join(', ') || '-'}`,
    `  Backends:    ${one.backends}`,
    `  First seen:  ${one.first_seen}`,
    `  Last seen:   ${one.last_seen}`,
    `  Ends:        ${one.not_after ?? '-'}`,
    ...(one.revoked ? [`  Revoked:     ${one.revoked_at ?? ''} ${one.revoked_reason ?? ''}`] : []),
  ].join('\n')
