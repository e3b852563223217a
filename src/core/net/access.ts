/**
 * Who may speak to a listener: networks, and the client behind a trusted proxy.
 *
 * Fails closed: loopback and the listed networks, nobody else. What a proxy says of its client is
 * believed only from a peer that is a listed proxy, and only as far as each hop is one too, so a
 * client cannot write itself into a network by sending the header.
 */
import { apiLimits } from '../base/limits/api.ts'
import { covers, type Prefix, parseAddress, parsePrefix } from './address.ts'

export const LOOPBACK = ['127.0.0.0/8', '::1/128']

export class AccessList {
  /** Entries that are no network; they allow nobody. */
  readonly malformed: readonly string[]
  readonly #prefixes: readonly Prefix[]

  /** Takes networks in CIDR notation or single addresses, and adds loopback unless told not to. */
  constructor(
    networks: readonly string[],
    loopback: 'with loopback' | 'as listed' = 'with loopback',
  ) {
    const prefixes: Prefix[] = []
    const malformed: string[] = []
    const own = loopback === 'with loopback' ? LOOPBACK : []
    for (const text of [...own, ...networks]) {
      const prefix = parsePrefix(text.trim())
      if (prefix.ok) prefixes.push(prefix.value)
      else malformed.push(text)
    }
    this.#prefixes = prefixes
    this.malformed = malformed
  }

  allows(address: string): boolean {
    const parsed = parseAddress(address)
    if (!parsed.ok) return false
    return this.#prefixes.some((prefix) => covers(prefix, parsed.value.bytes))
  }
}

/**
 * The address of the client that `peer` speaks for, canonical; undefined when what the proxy says
 * cannot be read, which nobody should be allowed on.
 *
 * X-Forwarded-For grows to the right, so it is read from the right: the first hop that is not a
 * trusted proxy is the client. Everything to the left of it is the client's own word, which is not
 * read.
 */
export function forwardedClient(
  peer: string,
  headers: Readonly<Record<string, string>>,
  trusted: AccessList,
): string | undefined {
  if (!trusted.allows(peer)) return peer
  const chain = headers['x-forwarded-for'] ?? headers['x-real-ip']
  if (chain === undefined) return peer
  const hops = chain.split(',')
  if (hops.length > apiLimits.forwardedHops.default) return undefined
  let client: string | undefined = peer
  for (const hop of hops.reverse()) {
    client = hopAddress(hop.trim())
    if (client === undefined || !trusted.allows(client)) return client
  }
  return client
}

/** A hop is an address, which some proxies write with a port. */
function hopAddress(text: string): string | undefined {
  const whole = parseAddress(text)
  if (whole.ok) return whole.value.text
  const withPort = /^(\[[^\]]+\]|[0-9.]+):[0-9]{1,5}$/.exec(text)?.[1]
  const address = withPort === undefined ? undefined : parseAddress(withPort)
  return address?.ok ? address.value.text : undefined
}
