/**
 * `audit`: who changed what, as the API tells it; and whether the files of the log were touched.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { ChainReader, type ChainFault } from '../../core/audit/chain.ts'
import { limits } from '../../core/base/limits.ts'
import { CommandFailed, type Io, shellOf } from '../shell.ts'
import { table } from '../table.ts'

interface Entry {
  readonly id: string
  readonly timestamp: string
  readonly action: string
  readonly resource: string
  readonly resource_id?: string
  readonly actor: string
  readonly actor_type: string
  readonly actor_ip?: string
  readonly status: string
}

interface ListOptions {
  readonly limit: string
  readonly search?: string
  readonly actor?: string
  readonly since?: string
}

export function addAudit(program: Command, io: Io): void {
  const audit = program.command('audit').description('the record of changes')
  audit
    .command('list', { isDefault: true })
    .description('the newest records')
    .option('--limit <n>', 'how many', '20')
    .option('--search <text>', 'only those that hold this text')
    .option('--actor <name>', 'only those of this actor')
    .option('--since <time>', 'only those since an RFC 3339 time')
    .action(async (options: ListOptions, command: Command) => {
      const shell = shellOf(command, io)
      const query = new URLSearchParams({ limit: options.limit })
      if (options.search !== undefined) query.set('search', options.search)
      if (options.actor !== undefined) query.set('actors', options.actor)
      if (options.since !== undefined) query.set('start_time', options.since)
      const path = `/api/v1/audit-logs?${query}`
      const answer = await shell.get<{ entries: Entry[] }>('GET', path)
      shell.print(answer, ({ entries }) =>
        entries.length === 0 ? 'No records.' : table(HEADERS, entries.map(rowOf)),
      )
    })
  audit
    .command('verify')
    .description('check the chain of an audit log on this machine')
    .argument('<folder>', 'the folder audit in the data directory')
    .option('--head <hash>', 'a hash noted earlier, which must be in the log')
    .action((folder: string, options: { head?: string }, command: Command) =>
      verify(folder, options.head, command, io),
    )
}

const HEADERS = ['ID', 'TIME', 'ACTION', 'RESOURCE', 'OF', 'ACTOR', 'FROM', 'STATUS']

const rowOf = (entry: Entry): string[] => [
  entry.id,
  entry.timestamp,
  entry.action,
  entry.resource,
  entry.resource_id ?? '-',
  `${entry.actor} (${entry.actor_type})`,
  entry.actor_ip ?? '-',
  entry.status,
]

interface Verified {
  readonly intact: boolean
  readonly segments: number
  readonly records: number
  readonly head_hash: string | undefined
  readonly faults: readonly ChainFault[]
  readonly fault_count: number
}

function verify(folder: string, head: string | undefined, command: Command, io: Io): void {
  if (head !== undefined && !/^[0-9a-f]{64}$/.test(head))
    throw new CommandFailed('--head: is not 64 hex digits')
  const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest()
  const reader = new ChainReader(sha256, head === undefined ? [] : [head])
  for (const name of segmentsIn(folder)) reader.read(name, textOf(join(folder, name)))
  reader.finish()
  const missing = head !== undefined && !reader.met.has(head)
  const verified: Verified = {
    intact: reader.faultCount === 0 && !missing,
    segments: reader.segments,
    records: reader.records,
    head_hash: reader.head?.hash,
    faults: reader.faults,
    fault_count: reader.faultCount,
  }
  shellOf(command, io).print(verified, textOfVerified)
  if (reader.faultCount > 0)
    throw new CommandFailed('the chain is broken: records were damaged, changed or removed')
  if (missing) throw new CommandFailed(`no record has the hash ${head}: newer records are missing`)
}

function textOfVerified({ segments, records, head_hash: hash, faults, ...more }: Verified): string {
  const told = faults.map(({ segment, line, what }) => `${segment}, line ${line}: ${what}`)
  const untold = more.fault_count - faults.length
  return [
    ...told,
    ...(untold > 0 ? [`and ${untold} more`] : []),
    `${records} records in ${segments} segments; newest hash ${hash ?? 'none'}`,
  ].join('\n')
}

function segmentsIn(folder: string): string[] {
  try {
    const names = readdirSync(folder).filter((name) => /^\d{8}\.log$/.test(name))
    if (names.length > 0) return names.sort()
  } catch (error) {
    throw new CommandFailed(`${folder}: ${(error as Error).message}`)
  }
  throw new CommandFailed(`${folder}: holds no segment of an audit log`)
}

function textOf(path: string): string {
  const { size } = statSync(path)
  if (size <= limits.auditSegmentBytes.max * 2) return readFileSync(path, 'utf8')
  throw new CommandFailed(`${path}: is too large to be a segment`)
}
