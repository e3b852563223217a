/**
 * Who may ask what: networks, tokens, and browsers.
 *
 * A network that is named has the rights of an operator. A web page open on an operator's machine
 * is inside that network too, so what a browser sends may change nothing without a token, and must
 * be addressed to a name that no stranger's DNS can point here.
 */
import { AccessList, forwardedClient } from '../../core/net/access.ts'
import { parseAddress } from '../../core/net/address.ts'
import type { ApiConfig } from './contract.ts'
import { type HttpAnswer, type HttpRequest, refuse, text } from './http.ts'

/** What a route asks of its caller. */
export interface Rights {
  /** False for what anybody may see: liveness, readiness, the version. */
  readonly guarded: boolean
  /** True when it changes something. */
  readonly changes: boolean
}

export class Gate {
  readonly #networks: AccessList
  readonly #config: ApiConfig
  readonly #hostNames: ReadonlySet<string>

  constructor(config: ApiConfig) {
    this.#config = config
    this.#networks = new AccessList(config.allowedNetworks)
    this.#hostNames = new Set(config.hostNames?.map((name) => name.toLowerCase()))
  }

  get malformedNetworks(): readonly string[] {
    return this.#networks.malformed
  }

  /** The answer that turns the caller away, or undefined to let it in. */
  refusal(request: HttpRequest, rights: Rights): HttpAnswer | undefined {
    const { headers } = request
    const token = bearer(headers['authorization'])
    const known = token !== undefined && this.#knows(token)
    if (rights.guarded) {
      const client = this.#config.trustProxyHeaders
        ? forwardedClient(request.remoteAddress, headers, this.#networks)
        : request.remoteAddress
      if (client === undefined || !this.#networks.allows(client)) return text(403, 'Forbidden')
      if (headers['authorization'] !== undefined && !known)
        return unauthorized('the token is not known')
      if (this.#config.authRequired && !known) return unauthorized('a token is required')
    }
    if (known) return undefined
    if (looksLikeBrowser(headers) && !this.#isOwnHost(headers['host']))
      return refuse(403, 'a browser must use an address, localhost or a configured host name')
    if (rights.changes && isBrowser(headers))
      return unauthorized('a request from a browser needs a token to change anything')
    return undefined
  }

  #knows(token: string): boolean {
    let found = false
    // Every token is compared, so that the time tells nothing of which one matched.
    for (const own of this.#config.tokens) if (sameText(own, token)) found = true
    return found
  }

  /** A name without a dot cannot belong to a stranger (no address records at public TLDs). */
  #isOwnHost(host: string | undefined): boolean {
    const name = (host ?? '').replace(/:[0-9]*$/, '').toLowerCase()
    if (parseAddress(name).ok) return true
    if (!/^[a-z0-9._-]+$/.test(name)) return false
    return !name.includes('.') || name.endsWith('.localhost') || this.#hostNames.has(name)
  }
}

/** What every browser adds to a request that a page may not forge. */
const isBrowser = (headers: HttpRequest['headers']): boolean =>
  headers['origin'] !== undefined ||
  Object.keys(headers).some((name) => name.startsWith('sec-fetch-'))

/**
 * Wider: over plain http a page's read from its own origin carries neither Origin nor Sec-Fetch,
 * and that is what rebinding a name to our address makes of it.
 */
const looksLikeBrowser = (headers: HttpRequest['headers']): boolean =>
  isBrowser(headers) ||
  headers['accept-language'] !== undefined ||
  (headers['user-agent'] ?? '').startsWith('Mozilla/')

/** RFC 6750 section 2.1; the scheme's case does not matter (RFC 9110 section 11.1). */
const bearer = (field: string | undefined): string | undefined =>
  /^bearer +(\S(?:.*\S)?) *$/i.exec(field ?? '')?.[1]

const unauthorized = (why: string): HttpAnswer =>
  refuse(401, why, { 'www-authenticate': 'Bearer realm="opengslb"' })

/** Takes the same time wherever the texts differ; only their lengths show. */
function sameText(own: string, given: string): boolean {
  if (own.length === 0 || own.length !== given.length) return false
  let difference = 0
  for (let at = 0; at < own.length; at++) difference |= own.charCodeAt(at) ^ given.charCodeAt(at)
  return difference === 0
}
