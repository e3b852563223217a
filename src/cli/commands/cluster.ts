/**
 * `cluster`: who leads, who is a member, and how one leaves.
 */
import type { Command } from 'commander'
import { CommandFailed, type Io, shellOf } from '../shell.ts'
import { table } from '../table.ts'

interface Status {
  readonly mode?: string
  readonly node_id?: string
  readonly state?: string
  readonly leader_id?: string
  readonly leader_address?: string
  readonly answers?: boolean
  readonly cluster_size?: number
  readonly raft?: { readonly term: number; readonly commit_index: number }
  readonly engine?: { readonly kind: string; readonly version: string }
  readonly pending_records?: number
}

interface Member {
  readonly id: string
  readonly address: string
  readonly state: string
  readonly is_voter: boolean
  readonly is_alive: boolean
  readonly version: string
}

const MEMBERS = '/api/v1/cluster/members'
const HEADERS = ['NODE', 'ADDRESS', 'STATE', 'VOTES', 'ALIVE', 'VERSION']

export function addCluster(program: Command, io: Io): void {
  const cluster = program.command('cluster').description('the nodes of which one answers')
  cluster
    .command('status', { isDefault: true })
    .description('show who leads, and what this node is')
    .action(async (_options, command: Command) => {
      const shell = shellOf(command, io)
      const status = await shell.get<Status>('GET', '/api/v1/cluster/status')
      if (status.mode !== 'cluster')
        throw new CommandFailed('this node is alone', {
          hint: 'cluster mode is set with cluster.mode, or --mode cluster',
        })
      shell.print(status, lines)
    })
  cluster
    .command('members')
    .description('list the members')
    .action(async (_options, command: Command) => {
      const shell = shellOf(command, io)
      const answer = await shell.get<{ members: Member[] }>('GET', MEMBERS)
      shell.print(answer, ({ members }) => table(HEADERS, members.map(rowOf), shell.paint))
    })
  cluster
    .command('leave')
    .description('make the node that is asked a member no more; stop its process afterwards')
    .action(async (_options, command: Command) => {
      const shell = shellOf(command, io)
      const answer = await shell.get<{ message: string }>('POST', '/api/v1/cluster/leave', {})
      shell.print(answer, ({ message }) => message)
    })
  cluster
    .command('remove')
    .description('remove a member that does not come back')
    .argument('<node>', 'its name')
    .action(async (node: string, _options, command: Command) => {
      const shell = shellOf(command, io)
      const path = `${MEMBERS}/${encodeURIComponent(node)}`
      const answer = await shell.get<{ message: string }>('DELETE', path)
      shell.print(answer, ({ message }) => message)
    })
}

const rowOf = (one: Member): string[] => [
  one.id,
  one.address,
  one.state,
  one.is_voter ? 'yes' : 'no',
  one.is_alive ? 'yes' : 'no',
  one.version === '' ? '-' : one.version,
]

const lines = (status: Status): string =>
  [
    `Node ${status.node_id}: ${status.state}, ${status.answers ? 'answers' : 'refuses'} queries`,
    `  Leader:  ${status.leader_id || 'none'} ${status.leader_address ?? ''}`.trimEnd(),
    `  Members: ${status.cluster_size}`,
    `  Term:    ${status.raft?.term}, index ${status.raft?.commit_index}`,
    `  Engine:  ${status.engine?.kind} ${status.engine?.version ?? ''}`.trimEnd(),
    ...(status.pending_records ? [`  Waiting: ${status.pending_records} orders`] : []),
  ].join('\n')
