/**
 * What tells a browser's request from a tool's, and whose page sent it.
 *
 * A web page open on an operator's machine is inside every network that machine is in. What it
 * sends must therefore be addressed to a name that no stranger's DNS can point here, and may change
 * nothing by the network's rights alone.
 */
import { parseAddress } from '../../core/net/address.ts'
import type { HttpRequest } from './http.ts'

type Headers = HttpRequest['headers']

/** What every browser adds to a request that a page may not forge. */
export const isBrowser = (headers: Headers): boolean =>
  headers['origin'] !== undefined ||
  Object.keys(headers).some((name) => name.startsWith('sec-fetch-'))

/**
 * Wider: over plain http a page's read from its own origin carries neither Origin nor Sec-Fetch,
 * and that is what rebinding a name to our address makes of it.
 */
export const looksLikeBrowser = (headers: Headers): boolean =>
  isBrowser(headers) ||
  headers['accept-language'] !== undefined ||
  (headers['user-agent'] ?? '').startsWith('Mozilla/')

/** A name without a dot cannot belong to a stranger (no address records at public TLDs). */
export function isOwnHost(host: string | undefined, hostNames: ReadonlySet<string>): boolean {
  const name = (host ?? '').replace(/:[0-9]*$/, '').toLowerCase()
  if (parseAddress(name).ok) return true
  if (!/^[a-z0-9._-]+$/.test(name)) return false
  return !name.includes('.') || name.endsWith('.localhost') || hostNames.has(name)
}

/**
 * Whether the page that asks was served by this very listener: same host, same port. The scheme is
 * not compared, for a proxy in front may speak TLS where this listener does not.
 */
export function isOwnPage(headers: Headers): boolean {
  const origin = /^(https?):\/\/([^/?#@]+)$/.exec(headers['origin'] ?? '')
  if (origin === null) return headers['origin'] === undefined && !isForeignFetch(headers)
  const port = origin[1] === 'https' ? ':443' : ':80'
  const plain = (host: string) => host.toLowerCase().replace(new RegExp(`${port}$`), '')
  return !isForeignFetch(headers) && plain(origin[2]!) === plain(headers['host'] ?? '')
}

/** Fetch Metadata: the browser itself says that another site asks. */
const isForeignFetch = (headers: Headers): boolean =>
  headers['sec-fetch-site'] === 'cross-site' || headers['sec-fetch-site'] === 'same-site'
