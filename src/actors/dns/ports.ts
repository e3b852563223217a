/**
 * The front: UDP in native batches where sockets were lent, by node:dgram where not; node:net for
 * TCP, on one of the threads; all on one address and port.
 *
 * The native front answers from the address that was asked. A node:dgram socket bound to every
 * address answers from the one the system's routing picks; where that is the front and clients
 * mind, name the address to listen on.
 */
import { parseEndpoint } from '../../core/net/address.ts'
import { signWith, verify } from './ports-online.ts'
import type { DnsConfig, DnsPorts, Front, ListenOutcome, ListenRequest } from './contract.ts'
import { openTcp } from './ports-tcp.ts'
import { serveNative } from './ports-native.ts'
import { openUdp, type UdpFront } from './ports-udp.ts'

/** With port 0 the port that UDP gets may be taken for TCP; so many others are tried. */
const FREE_PORT_ATTEMPTS = 16

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : ''

async function open(host: string, port: number, request: ListenRequest): Promise<Front> {
  const { answer, onFault, onLost, waiting } = request
  const udp = await openUdp(host, port, answer, onFault, () => onLost('reply'), waiting)
  return await joinTcp('dgram', udp, host, request)
}

/** Opens TCP on the port that UDP has; without TCP there is no front. */
async function joinTcp(
  kind: string,
  udp: UdpFront,
  host: string,
  request: ListenRequest,
  listener?: number,
): Promise<Front> {
  const { answer, onFault, onLost } = request
  const place = { host, port: udp.port, ...(listener === undefined ? {} : { listener }) }
  const onShed = () => onLost('connection')
  try {
    const tcp = await openTcp(place, request.tcp, answer, onFault, onShed)
    return {
      kind,
      host: udp.host,
      port: udp.port,
      counts: () => ({
        tcpConnections: tcp.connections(),
        repliesDropped: udp.dropped(),
        connectionsShed: tcp.shed(),
      }),
      release: udp.release,
      serve: () => {
        udp.serve()
        tcp.serve()
      },
      reconfigure: (settings) => tcp.reconfigure(settings),
      close: async () => {
        await Promise.all([udp.close(), tcp.close()])
      },
    }
  } catch (error) {
    await udp.close()
    throw error
  }
}

async function openAnyFree(host: string, request: ListenRequest): Promise<Front> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await open(host, 0, request)
    } catch (error) {
      if (codeOf(error) !== 'EADDRINUSE' || attempt === FREE_PORT_ATTEMPTS) throw error
    }
  }
}

function outcomeOf(error: unknown): ListenOutcome {
  const message = error instanceof Error ? error.message : String(error)
  const code = codeOf(error)
  if (code === 'EADDRINUSE') return { code: 'in-use', message: `address in use: ${message}` }
  if (code === 'EACCES' || code === 'EPERM')
    return { code: 'not-permitted', message: `not permitted: ${message}` }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') return { code: 'not-available', message }
  return { code: 'failed', message }
}

/** Without IPv6 in the system, every address means every IPv4 address. */
const lacksIpv6 = (error: unknown): boolean =>
  ['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL'].includes(codeOf(error))

async function listen(request: ListenRequest): Promise<ListenOutcome> {
  const endpoint = parseEndpoint(request.address)
  if (!endpoint.ok) return { code: 'malformed', message: endpoint.error }
  const { host, port } = endpoint.value
  const openOn = (address: string) =>
    port === 0 ? openAnyFree(address, request) : open(address, port, request)
  try {
    return { code: 'listening', front: await openOn(host === '' ? '::' : host) }
  } catch (error) {
    if (host !== '' || !lacksIpv6(error)) return outcomeOf(error)
  }
  try {
    return { code: 'listening', front: await openOn('0.0.0.0') }
  } catch (error) {
    return outcomeOf(error)
  }
}

/** The front of a thread whose TCP another thread serves. */
const udpAlone = (kind: string, udp: UdpFront): Front => ({
  kind,
  host: udp.host,
  port: udp.port,
  counts: () => ({
    tcpConnections: 0,
    repliesDropped: udp.dropped(),
    connectionsShed: 0,
  }),
  release: udp.release,
  serve: udp.serve,
  reconfigure: () => {},
  close: udp.close,
})

/** UDP on the lent sockets, TCP beside it unless another thread has it. */
async function listenNative(
  request: ListenRequest,
  { sockets, cpu, nice = 0, realtime = false, udpOnly, listener }: DnsConfig,
): Promise<ListenOutcome> {
  const { answer, onFault, waiting, readAhead } = request
  const schedule = { cpu, nice, first: realtime }
  const udp = serveNative(sockets, answer, schedule, onFault, waiting, readAhead)
  if (!udp.ok) return { code: 'failed', message: udp.error }
  if (udpOnly === true) return { code: 'listening', front: udpAlone('native', udp.value) }
  // One socket of each family was lent for a wildcard; one TCP socket takes both.
  const host = sockets.length > 1 ? '::' : udp.value.host
  try {
    return { code: 'listening', front: await joinTcp('native', udp.value, host, request, listener) }
  } catch (error) {
    return outcomeOf(error)
  }
}

export const openPorts = (config: DnsConfig): DnsPorts => ({
  signWith,
  verify,
  listen: (request) =>
    config.sockets.length > 0 ? listenNative(request, config) : listen(request),
})
