/**
 * Addresses as gossip has them: names resolved, texts as octets, and which of its own addresses
 * this machine has towards another.
 */
import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { networkInterfaces } from 'node:os'
import { limits } from '../../core/base/limits.ts'
import type { Endpoint } from '../../core/gossip/messages.ts'
import { formatAddress, parseAddress, parseEndpoint } from '../../core/net/address.ts'

const ADDRESSES_MAX = 16
const KEPT_MAX = 16_384
const kept = new Map<string, Uint8Array>()

/** Octets of a textual address, as sockets give it; a mapped IPv4 address becomes four octets. */
export function octetsOfAddress(text: string): Uint8Array | undefined {
  const known = kept.get(text)
  if (known !== undefined) return known
  const zone = text.indexOf('%')
  const parsed = parseAddress(zone < 0 ? text : text.slice(0, zone))
  if (!parsed.ok) return undefined
  if (kept.size >= KEPT_MAX) kept.clear()
  kept.set(text, parsed.value.bytes)
  return parsed.value.bytes
}

/** Addresses of `host:port`; none when it is not known now, or not in time. */
export async function resolveEndpoint(hostPort: string): Promise<readonly Endpoint[]> {
  const parsed = parseEndpoint(hostPort)
  if (!parsed.ok || parsed.value.port === 0 || parsed.value.host === '') return []
  const { host, port } = parsed.value
  const literal = parseAddress(host)
  if (literal.ok) return [{ addr: literal.value.bytes, port }]
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<readonly { readonly address: string }[]>((resolve) => {
    timer = setTimeout(() => resolve([]), limits.gossipResolveMs.default)
  })
  const found = await Promise.race([lookup(host, { all: true }).catch(() => []), late])
  clearTimeout(timer)
  return found.slice(0, ADDRESSES_MAX).flatMap(({ address }) => {
    const addr = octetsOfAddress(address)
    return addr === undefined ? [] : [{ addr, port }]
  })
}

/** The first address that is not of the loopback; the loopback where there is no other. */
function firstAddress(): Uint8Array {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  const outside = all.filter(({ internal, address }) => !internal && !address.startsWith('fe80'))
  const first = outside.find(({ family }) => family === 'IPv4') ?? outside[0]
  return octetsOfAddress(first?.address ?? '127.0.0.1') ?? Uint8Array.of(127, 0, 0, 1)
}

/** What a datagram to there would carry as its source: a UDP socket says so without sending. */
export function addressTowards(to: Endpoint | undefined): Promise<Uint8Array> {
  if (to === undefined) return Promise.resolve(firstAddress())
  return new Promise((resolve) => {
    const socket = createSocket(to.addr.length === 4 ? 'udp4' : 'udp6')
    const end = (addr: Uint8Array) => {
      socket.removeAllListeners()
      socket.on('error', () => {})
      socket.close()
      resolve(addr)
    }
    socket.on('error', () => end(firstAddress()))
    // Where there is no way to it, node gives the fault to the callback, untold by its types.
    const connected = (fault?: Error) => {
      const own = fault === undefined ? octetsOfAddress(socket.address().address) : undefined
      end(own ?? firstAddress())
    }
    socket.connect(to.port, formatAddress(to.addr), connected)
  })
}
