/**
 * `dnssec`: the DS records that the parent zone needs, and how signing is doing.
 */
import type { Command } from 'commander'
import { CommandFailed, type Io, type Shell, shellOf } from '../shell.ts'
import { table } from '../table.ts'

interface Ds {
  readonly zone: string
  readonly key_tag: number
  readonly algorithm: string | number
  readonly ds_record: string
}

interface Key {
  readonly zone: string
  readonly key_tag: number
  readonly algorithm: string | number
  readonly can_sign?: boolean
  readonly created_at?: string
}

export interface DnssecStatus {
  readonly enabled: boolean
  readonly message?: string
  readonly keys?: readonly Key[] | null
  readonly sync?: {
    readonly last_sync?: string
    readonly last_sync_error?: string
    readonly peers?: readonly { readonly peer: string; readonly last_error?: string }[] | null
  }
}

interface Options {
  readonly zone?: string
}

const ZONE = ['--zone <name>', 'only of this zone'] as const

export function addDnssec(program: Command, io: Io): void {
  const dnssec = program.command('dnssec').description('signatures and their keys')
  dnssec
    .command('status', { isDefault: true })
    .description('show the keys, and how they are shared with other overwatches')
    .option(...ZONE)
    .action(async ({ zone }: Options, command: Command) => {
      const shell = shellOf(command, io)
      const answer = await get<DnssecStatus>(shell, '/api/v1/dnssec/status')
      const keys = (answer.keys ?? []).filter((key) => isOf(key, zone))
      shell.print({ ...answer, keys }, statusText)
    })
  dnssec
    .command('ds')
    .description('print the DS records for the parent zone')
    .option(...ZONE)
    .action(async ({ zone }: Options, command: Command) => {
      const shell = shellOf(command, io)
      const query = zone === undefined ? '' : `?zone=${encodeURIComponent(zone)}`
      const answer = await get<{ enabled: boolean; message?: string; ds_records: Ds[] | null }>(
        shell,
        `/api/v1/dnssec/ds${query}`,
      )
      const records = answer.ds_records ?? []
      shell.print(answer, () => records.map((one) => one.ds_record).join('\n') || 'No DS records.')
    })
}

const plainName = (name: string) => name.toLowerCase().replace(/\.$/, '')
const isOf = (key: Key, zone: string | undefined) =>
  zone === undefined || plainName(key.zone) === plainName(zone)

async function get<T>(shell: Shell, path: string): Promise<T> {
  const answer = await shell.find<T>('GET', path)
  if (answer !== undefined) return answer
  throw new CommandFailed('this node does not sign: it has no DNSSEC endpoints', {
    status: 404,
    hint: 'overwatch.dnssec.enabled turns signing on, in a version that offers it',
  })
}

function statusText({ enabled, message, keys, sync }: DnssecStatus): string {
  const head = `DNSSEC: ${enabled ? 'enabled' : 'disabled'}${message ? ` (${message})` : ''}`
  const rows = (keys ?? []).map((key) => [
    key.zone,
    String(key.key_tag),
    String(key.algorithm),
    key.can_sign === false ? 'no' : 'yes',
    key.created_at ?? '-',
  ])
  const errors = (sync?.peers ?? []).flatMap(({ peer, last_error: error }) =>
    error ? [`  ${peer}: ${error}`] : [],
  )
  return [
    head,
    ...(rows.length === 0 ? [] : ['', table(HEADERS, rows)]),
    ...(sync?.last_sync === undefined ? [] : ['', `Last shared: ${sync.last_sync}`]),
    ...(errors.length === 0 ? [] : ['', 'Peers that failed:', ...errors]),
  ].join('\n')
}

const HEADERS = ['ZONE', 'KEY TAG', 'ALGORITHM', 'SIGNS', 'CREATED']
