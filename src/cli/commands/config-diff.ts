/**
 * `config diff`: what the API made, edited or took away beside the files of a running node.
 */
import type { Command } from 'commander'
import { type Io, shellOf } from '../shell.ts'
import { table } from '../table.ts'

interface Difference {
  readonly kind: string
  readonly id: string
  readonly change: 'made' | 'edited' | 'deleted'
  readonly fields: readonly {
    readonly name: string
    readonly file?: unknown
    readonly api: unknown
  }[]
  readonly by: string
  readonly at: string
  readonly fault?: string
}

const HEADERS = ['OBJECT', 'CHANGE', 'KEY', 'FILE', 'API', 'BY', 'AT']

export function addDiff(config: Command, io: Io): void {
  config
    .command('diff')
    .description('show what the API edited beside the files of the node')
    .action(async (_options, command: Command) => {
      const shell = shellOf(command, io)
      const answer = await shell.get<{ differences: Difference[] }>('GET', '/api/v1/config/diff')
      shell.print(answer, ({ differences }) =>
        differences.length === 0
          ? 'No differences: the files say everything that is served.'
          : [table(HEADERS, differences.flatMap(rowsOf)), ...faultsOf(differences)].join('\n'),
      )
    })
}

const shown = (value: unknown): string => (value === undefined ? '-' : JSON.stringify(value))

function rowsOf({ kind, id, change, fields, by, at }: Difference): string[][] {
  const object = `${kind} ${id}`
  if (fields.length === 0) return [[object, change, '-', '-', '-', by, at]]
  return fields.map(({ name, file, api }) => [
    object,
    change,
    name,
    shown(file),
    shown(api),
    by,
    at,
  ])
}

const faultsOf = (differences: readonly Difference[]): string[] =>
  differences.flatMap(({ kind, id, fault }) =>
    fault === undefined ? [] : [`Not in force: ${kind} ${id}: ${fault}`],
  )
