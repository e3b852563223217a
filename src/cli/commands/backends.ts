/**
 * `backends`: why a server is or is not served, layer by layer.
 */
import type { Command } from 'commander'
import { formatEndpoint, parseAddress, parseEndpoint } from '../../core/net/address.ts'
import { CommandFailed, type Io, shellOf, wrongUsage } from '../shell.ts'
import { hintOfService } from '../suggest.ts'

interface Backend {
  readonly service: string
  readonly address: string
  readonly port: number
  readonly source: string
  readonly agent_id: string
  readonly effective_status: string
  readonly serving: boolean
  readonly cause: string
  readonly share?: number
  readonly layers?: readonly {
    readonly layer: string
    readonly says?: string
    readonly because: string
    readonly decided: boolean
  }[]
}

export function addBackends(program: Command, io: Io): void {
  const backends = program.command('backends').description('what speaks for and against a server')
  backends
    .command('explain')
    .description('show what each layer says of a server, and which decided')
    .argument('<service>', 'service of the server')
    .argument('<address>', 'its address, or address:port')
    .action(async (service: string, address: string, _options, command: Command) => {
      const shell = shellOf(command, io)
      const target = targetOf(address)
      const query = new URLSearchParams({ service: service.toLowerCase() })
      const path = `/api/v1/overwatch/backends?${query}`
      const answer = await shell.get<{ backends: Backend[] }>('GET', path)
      const found = answer.backends.filter(
        (one) =>
          one.address === target.host && (target.port === undefined || one.port === target.port),
      )
      if (found.length === 0)
        throw new CommandFailed(`no server ${address} of "${service}"`, {
          hint: (await hintOfService(shell, service)) ?? '"opengslb-cli servers" lists them',
        })
      shell.print({ backends: found }, (value) => value.backends.map(explained).join('\n\n'))
    })
}

function targetOf(text: string): { host: string; port?: number } {
  const address = parseAddress(text)
  if (address.ok) return { host: address.value.text }
  const endpoint = parseEndpoint(text)
  const host = endpoint.ok ? parseAddress(endpoint.value.host) : address
  if (!endpoint.ok || !host.ok) throw wrongUsage(`"${text}" is neither an address nor address:port`)
  return { host: host.value.text, port: endpoint.value.port }
}

function explained(one: Backend): string {
  const served = one.serving ? 'serves' : 'does not serve'
  const by = one.agent_id === '' ? one.source : `${one.source}, agent ${one.agent_id}`
  const share = one.share === undefined ? '' : `, ${Math.round(one.share * 100)}% of its weight`
  const lines = (one.layers ?? []).map(
    ({ layer, says, because, decided }) =>
      `${decided ? '> ' : '  '}${layer.padEnd(11)} ${(says ?? '-').padEnd(10)} ${because}`,
  )
  return [
    `${one.service} ${formatEndpoint(one.address, one.port)} (${by})`,
    `  ${one.effective_status} by ${one.cause}: it ${served}${share}`,
    ...lines,
  ].join('\n')
}
