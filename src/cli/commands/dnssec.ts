/**
 * `dnssec`: keys, the DS records that the parent zone needs, rollovers, and keys in files.
 *
 * What a node holds is asked of its API, which tells no private key. Exporting and importing keys
 * is done on the node's own disk (`key-files.ts`), by whoever may read its secrets.
 */
import type { Command } from 'commander'
import { exportKeys, importKeys } from '../key-files.ts'
import { wrongUsage } from '../failure.ts'
import { secondsOf } from '../seconds.ts'
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
  readonly role?: string
  readonly phase?: string
  readonly parent_ds?: string
  readonly can_sign?: boolean
  readonly created_at?: string
}

export interface DnssecStatus {
  readonly enabled: boolean
  readonly message?: string
  readonly keys?: readonly Key[] | null
  readonly zones?: readonly { readonly zone: string; readonly steps?: readonly string[] }[]
  readonly sync?: {
    readonly last_sync?: string | null
    readonly last_sync_error?: string | null
    readonly peers?:
      | readonly { readonly peer: string; readonly last_error?: string | null }[]
      | null
  }
}

interface Options {
  readonly zone?: string
}

interface RollOptions {
  readonly role?: string
  readonly emergency?: boolean
  readonly force?: boolean
}

interface ToldOptions {
  readonly none?: boolean
  readonly ttl?: string
}

interface FileOptions {
  readonly config: string
  readonly zone?: string
  readonly to: string
}

const ZONE = ['--zone <name>', 'only of this zone'] as const
const CONFIG = ['-c, --config <file>', 'configuration of the node, for where its keys lie'] as const

export function addDnssec(program: Command, io: Io): void {
  const dnssec = program.command('dnssec').description('signatures and their keys')
  addStatus(dnssec, io)
  addDs(dnssec, io)
  addOrders(dnssec, io)
  addFiles(dnssec, io)
}

function addStatus(dnssec: Command, io: Io): void {
  dnssec
    .command('status', { isDefault: true })
    .description(
      'show the keys, what they wait for, and how they are shared with other overwatches',
    )
    .option(...ZONE)
    .action(async ({ zone }: Options, command: Command) => {
      const shell = shellOf(command, io)
      const answer = await get<DnssecStatus>(shell, `/api/v1/dnssec/status${queryOf(zone)}`)
      shell.print(answer, statusText)
    })
  dnssec
    .command('keys')
    .description('list the public keys')
    .option(...ZONE)
    .action(async ({ zone }: Options, command: Command) => {
      const shell = shellOf(command, io)
      const answer = await get<DnssecStatus>(shell, `/api/v1/dnssec/keys${queryOf(zone)}`)
      shell.print(answer, ({ keys }) =>
        (keys ?? []).length === 0 ? 'No keys.' : table(HEADERS, (keys ?? []).map(rowOf)),
      )
    })
}

function addDs(dnssec: Command, io: Io): void {
  dnssec
    .command('ds')
    .description('print the DS records for the parent zone')
    .option(...ZONE)
    .action(async ({ zone }: Options, command: Command) => {
      const shell = shellOf(command, io)
      const answer = await get<{ enabled: boolean; message?: string; ds_records: Ds[] | null }>(
        shell,
        `/api/v1/dnssec/ds${queryOf(zone)}`,
      )
      const records = answer.ds_records ?? []
      shell.print(answer, () => records.map((one) => one.ds_record).join('\n') || 'No DS records.')
    })
}

function addOrders(dnssec: Command, io: Io): void {
  dnssec
    .command('sync')
    .description('look for keys at the other overwatches now')
    .action(async (_options, command: Command) => {
      const shell = shellOf(command, io)
      const answer = await shell.get<{ message: string }>('POST', '/api/v1/dnssec/sync')
      shell.print(answer, ({ message }) => message)
    })
  dnssec
    .command('roll')
    .description('begin to replace a key of a zone')
    .argument('<zone>', 'apex of the zone')
    .option('--role <role>', 'which key: csk, ksk or zsk; else every one')
    .option('--emergency', 'the key is taken for stolen: as fast as caches allow')
    .option('--force', 'overwatches that are not heard are dead and answer no DNS: wait for none')
    .action(async (zone: string, options: RollOptions, command: Command) => {
      const shell = shellOf(command, io)
      const body = { zone, ...options }
      const answer = await shell.get<{ message: string }>('POST', '/api/v1/dnssec/rollover', body)
      shell.print(answer, ({ message }) => message)
    })
  dnssec
    .command('parent-ds')
    .description('tell which DS the parent has, where the node cannot ask it')
    .argument('<zone>', 'apex of the zone')
    .argument('[tags...]', 'tags of the keys that a DS speaks of')
    .option('--none', 'the parent has no DS at all')
    .option('--ttl <time>', 'how long caches hold it, as dig shows: 2d; else a week is taken')
    .action(async (zone: string, tags: readonly string[], told: ToldOptions, command: Command) => {
      const shell = shellOf(command, io)
      const { none = false, ttl } = told
      if ((tags.length === 0) !== none)
        throw wrongUsage('parent-ds: name the tags of the keys, or --none where there is no DS')
      const seconds = ttl === undefined ? {} : { ttl_seconds: secondsOf('--ttl', ttl) }
      const body = { zone, key_tags: tags.map(Number), none, ...seconds }
      const answer = await shell.get<{ message: string }>('POST', '/api/v1/dnssec/parent-ds', body)
      shell.print(answer, ({ message }) => message)
    })
}

function addFiles(dnssec: Command, io: Io): void {
  dnssec
    .command('export')
    .description('write keys with their private parts into files of BIND; on the node itself')
    .requiredOption(...CONFIG)
    .requiredOption('--to <folder>', 'where to; files there are not replaced')
    .option(...ZONE)
    .action((options: FileOptions, command: Command) => {
      const zone = options.zone === undefined ? undefined : plainName(options.zone)
      const files = exportKeys(command.optsWithGlobals<FileOptions>().config, zone, options.to, io)
      shellOf(command, io).print({ files }, () => files.join('\n') || 'No keys.')
    })
  dnssec
    .command('import')
    .description('hand keys in files of BIND to the node, which takes them at its next start')
    .requiredOption(...CONFIG)
    .argument('<files...>', 'files K….private, with K….key beside each')
    .action((files: string[], _options: FileOptions, command: Command) => {
      const { config } = command.optsWithGlobals<FileOptions>()
      const { taken, left } = importKeys(config, files, io, Math.floor(Date.now() / 1_000))
      for (const line of left) io.err(line)
      shellOf(command, io).print({ keys: taken }, () => taken.join('\n'))
    })
}

const plainName = (name: string) => name.toLowerCase().replace(/\.$/, '')
const queryOf = (zone: string | undefined): string =>
  zone === undefined ? '' : `?zone=${encodeURIComponent(zone)}`

async function get<T>(shell: Shell, path: string): Promise<T> {
  const reply = await shell.api.ask('GET', path)
  if (reply.ok) return reply.value.value as T
  const { message, hint, status } = reply.error
  if (status !== 404 || /no zone/.test(message))
    throw new CommandFailed(message, {
      exit: status === undefined ? 'unreachable' : 'refused',
      hint,
      status,
    })
  throw new CommandFailed('this node does not sign: it has no DNSSEC endpoints', {
    status: 404,
    hint: 'overwatch.dnssec.enabled turns signing on, in a version that offers it',
  })
}

function statusText({ enabled, message, keys, zones, sync }: DnssecStatus): string {
  const head = `DNSSEC: ${enabled ? 'enabled' : 'disabled'}${message ? ` (${message})` : ''}`
  const rows = (keys ?? []).map(rowOf)
  const steps = (zones ?? []).flatMap(({ zone, steps: all }) =>
    (all ?? []).map((step) => `  ${zone}: ${step}`),
  )
  const errors = (sync?.peers ?? []).flatMap(({ peer, last_error: error }) =>
    error ? [`  ${peer}: ${error}`] : [],
  )
  return [
    head,
    ...(rows.length === 0 ? [] : ['', table(HEADERS, rows)]),
    ...(steps.length === 0 ? [] : ['', 'In the making:', ...steps]),
    ...(sync?.last_sync ? ['', `Last shared: ${sync.last_sync}`] : []),
    ...(errors.length === 0 ? [] : ['', 'Peers that failed:', ...errors]),
  ].join('\n')
}

const HEADERS = ['ZONE', 'KEY TAG', 'ALGORITHM', 'ROLE', 'PHASE', 'PARENT DS', 'SIGNS', 'CREATED']

const rowOf = (key: Key): string[] => [
  key.zone,
  String(key.key_tag),
  String(key.algorithm),
  key.role ?? '-',
  key.phase ?? '-',
  key.parent_ds ?? '-',
  key.can_sign === false ? 'no' : 'yes',
  key.created_at ?? '-',
]
