/**
 * `geo`: networks mapped to regions by hand, and the region an address is taken to be in.
 */
import { writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import { demoDatabase } from '../../core/geo/demo.ts'
import { parseAddress } from '../../core/net/address.ts'
import { CommandFailed, type Io, shellOf, wrongUsage } from '../shell.ts'
import { table } from '../table.ts'

interface Mapping {
  readonly cidr: string
  readonly region: string
  readonly source?: string
  readonly comment?: string
}

interface Located {
  readonly ip: string
  readonly region: string
  readonly match_type: string
  readonly matched_cidr?: string
  readonly comment?: string
  readonly country?: string
  readonly continent?: string
  readonly ranking?: readonly string[]
}

const LIST = '/api/v1/geo/mappings'
const HEADERS = ['CIDR', 'REGION', 'SOURCE', 'COMMENT']

export function addGeo(program: Command, io: Io): void {
  const geo = program.command('geo').description('where clients are')
  geo
    .command('mappings', { isDefault: true })
    .description('list the networks that are mapped to a region')
    .action(async (_options, command: Command) => {
      const shell = shellOf(command, io)
      const answer = await shell.get<{ mappings: Mapping[] | null }>('GET', LIST)
      shell.print(answer, ({ mappings }) =>
        mappings === null || mappings.length === 0
          ? 'No mappings.'
          : table(
              HEADERS,
              mappings.map((one) => [one.cidr, one.region, one.source ?? '-', one.comment || '-']),
            ),
      )
    })
  geo
    .command('add')
    .description('map a network to a region')
    .argument('<cidr>', 'the network, such as 10.50.0.0/16')
    .argument('<region>', 'the region')
    .option('--comment <text>', 'why, for whoever comes next', '')
    .action(async (cidr: string, region: string, { comment }, command: Command) => {
      const shell = shellOf(command, io)
      const body = { cidr: networkOf(cidr), region, comment: String(comment) }
      const answer = await shell.get('PUT', LIST, body)
      shell.print(answer, () => `Mapping added: ${cidr} is in ${region}.`)
    })
  geo
    .command('remove')
    .description('end the mapping of a network')
    .argument('<cidr>', 'the network')
    .action(async (cidr: string, _options, command: Command) => {
      const shell = shellOf(command, io)
      await shell.get('DELETE', `${LIST}/${encodeURIComponent(networkOf(cidr))}`)
      shell.print({ removed: true, cidr }, () => `Mapping removed: ${cidr}.`)
    })
  geo
    .command('test')
    .description('show the region an address is taken to be in, and why')
    .argument('<ip>', 'the address')
    .action(async (ip: string, _options, command: Command) => {
      if (!parseAddress(ip).ok) throw wrongUsage(`"${ip}" is not an IP address`)
      const shell = shellOf(command, io)
      const path = `/api/v1/geo/test?ip=${encodeURIComponent(ip)}`
      shell.print(await shell.get<Located>('GET', path), located)
    })
  geo
    .command('make-demo')
    .description('write a small database of countries, for trying geolocation out')
    .argument('<file>', 'where to write it, such as demo.mmdb')
    .action((file: string, _options, command: Command) => {
      const bytes = writeDemo(file)
      shellOf(command, io).print({ file, bytes }, () => `Wrote ${file}.`)
    })
}

/** Octets that were written. */
function writeDemo(file: string): number {
  const bytes = demoDatabase(Math.floor(Date.now() / 1_000))
  try {
    writeFileSync(file, bytes)
  } catch (error) {
    throw new CommandFailed(`${file}: ${(error as Error).message}`)
  }
  return bytes.length
}

function networkOf(text: string): string {
  const [address = '', bits = ''] = text.split('/')
  if (parseAddress(address).ok && /^[0-9]{1,3}$/.test(bits)) return text
  throw wrongUsage(`"${text}" is not a network such as 10.50.0.0/16 or 2001:db8::/32`)
}

const located = (found: Located): string =>
  [
    `${found.ip}: ${found.region}`,
    `  Match:     ${found.match_type}`,
    ...line('Network', found.matched_cidr),
    ...line('Country', found.country),
    ...line('Continent', found.continent),
    ...line('Comment', found.comment),
    ...line('Then', found.ranking?.slice(1).join(', ')),
  ].join('\n')

const line = (name: string, value: string | undefined): string[] =>
  value ? [`  ${`${name}:`.padEnd(10)} ${value}`] : []
