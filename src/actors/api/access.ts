/**
 * Who may ask what: networks, tokens, certificates, browsers, and how often.
 *
 * A network that is named has the rights of an operator, as in the original, unless
 * `api.auth.required`. A token or a certificate has the role it was given, no more. What a browser
 * sends may change nothing without a token: a page rides on the network of whoever opened it, and
 * on the certificate in that person's browser, but it does not know the token.
 */
import { coversService, includesRole, type Role } from '../../core/access/roles.ts'
import { grantOf, type Sha256, Tokens } from '../../core/access/credentials.ts'
import { limits } from '../../core/base/limits.ts'
import { AccessList, forwardedClient } from '../../core/net/access.ts'
import { isBrowser, isOwnHost, isOwnPage, looksLikeBrowser } from './browsers.ts'
import type { Caller, Refusal } from './caller.ts'
import type { ApiConfig } from './contract.ts'
import { type HttpAnswer, type HttpRequest, refuse, text } from './http.ts'
import { Throttle } from './throttle.ts'

/** What a route asks of its caller. */
export interface Rights {
  /** False for what anybody may see: liveness, readiness, the version. */
  readonly guarded: boolean
  /** True when it changes something. */
  readonly changes: boolean
  /** The least role that may. */
  readonly role: Role
}

/** To look, and nothing more. */
export const readingRights: Rights = { guarded: true, changes: false, role: 'read' }

export interface GateWorld {
  readonly sha256: Sha256
  /** Unix milliseconds. */
  nowMs(): number
  /** Milliseconds that never run backwards. */
  monotonicMs(): number
}

export type Decision =
  | { readonly ok: true; readonly caller: Caller }
  | {
      readonly ok: false
      readonly answer: HttpAnswer
      readonly cause: Refusal
      /** The client, or the peer where the client cannot be told. */
      readonly address: string
      /** Known only where a token or certificate said who. */
      readonly caller?: Caller
    }

type Refused = Extract<Decision, { ok: false }>

/** What the credentials of a request come to. */
type Known =
  | { readonly code: 'caller'; readonly caller: Caller }
  | { readonly code: 'none' }
  | { readonly code: 'wrong'; readonly why: string }
  | { readonly code: 'too-often'; readonly waitMs: number }

export class Gate {
  readonly #networks: AccessList
  readonly #proxies: AccessList
  readonly #tokens: Tokens
  readonly #config: ApiConfig
  readonly #hostNames: ReadonlySet<string>
  readonly #world: GateWorld
  readonly #throttle: Throttle | undefined

  /** `before`: the gate of the configuration before, whose counts of requests go on. */
  constructor(config: ApiConfig, world: GateWorld, before?: Gate) {
    this.#config = config
    this.#world = world
    this.#networks = new AccessList(config.allowedNetworks)
    this.#proxies = new AccessList(config.trustedProxies ?? [], 'as listed')
    this.#tokens = new Tokens(config.tokens, world.sha256)
    this.#hostNames = new Set(config.hostNames?.map((name) => name.toLowerCase()))
    const { rateLimit } = config
    const kept = before === undefined ? undefined : before.#throttle
    if (rateLimit !== undefined)
      this.#throttle = kept?.sameRates(rateLimit) === true ? kept : new Throttle(rateLimit)
  }

  get malformedNetworks(): readonly string[] {
    return [...this.#networks.malformed, ...this.#proxies.malformed]
  }

  /** Lets a request in, as whom; or turns it away, with the answer it gets. */
  decide(request: HttpRequest, rights: Rights): Decision {
    const { headers, remoteAddress: peer } = request
    const client = forwardedClient(peer, headers, this.#proxies)
    const address = client ?? peer
    const nowMs = this.#world.monotonicMs()
    const waitMs = this.#throttle?.ofClient(address, nowMs) ?? 0
    if (waitMs > 0) return refused('rate', tooMany(waitMs), address)
    if (rights.guarded && (client === undefined || !this.#networks.allows(client)))
      return refused('network', text(403, 'Forbidden'), address)
    const known = this.#known(request, address)
    if (known.code === 'too-often') return refused('rate', tooMany(known.waitMs), address)
    if (rights.guarded && known.code === 'wrong')
      return refused('token', unauthorized(known.why), address)
    if (rights.guarded && known.code === 'none' && this.#config.authRequired)
      return refused('token', unauthorized(this.#whatIsRequired()), address)
    const caller: Caller =
      known.code === 'caller'
        ? known.caller
        : { kind: 'network', name: address, role: 'admin', address }
    return this.#fromBrowser(request, rights, caller) ?? this.#inRole(rights, caller)
  }

  /** The answer that turns the caller away, or undefined to let it in. */
  refusal(request: HttpRequest, rights: Rights): HttpAnswer | undefined {
    const decision = this.decide(request, rights)
    return decision.ok ? undefined : decision.answer
  }

  /**
   * Whether a connection may become a WebSocket that reads.
   *
   * A page of any site may open a WebSocket and read what it says, for the rule that keeps pages
   * from reading answers does not hold there (RFC 6455 section 10.2). So a page must be our own,
   * or know a token. A page cannot set Authorization; it gives the token as a subprotocol,
   * `bearer.` and the token in base64url, which is not to be the one that is chosen.
   */
  decideUpgrade(request: HttpRequest): Decision {
    const token = offeredToken(request.headers['sec-websocket-protocol'])
    const { headers } = request
    const asked =
      token === undefined || headers['authorization'] !== undefined
        ? request
        : { ...request, headers: { ...headers, authorization: `Bearer ${token}` } }
    const decision = this.decide(asked, readingRights)
    if (!decision.ok || decision.caller.kind === 'token' || isOwnPage(headers)) return decision
    const answer = refuse(403, 'a page of another site needs a token to listen')
    return { ...refused('browser', answer, decision.caller.address), caller: decision.caller }
  }

  /** The answer that keeps a connection from becoming a WebSocket; undefined to let it. */
  refusalOfUpgrade(request: HttpRequest): HttpAnswer | undefined {
    const decision = this.decideUpgrade(request)
    return decision.ok ? undefined : decision.answer
  }

  #whatIsRequired(): string {
    const certificates = (this.#config.certificates?.length ?? 0) > 0
    return certificates ? 'a token or a certificate is required' : 'a token is required'
  }

  #known({ headers, certificate }: HttpRequest, address: string): Known {
    const field = headers['authorization']
    if (field === undefined) return this.#certified(certificate, address)
    const throttle = this.#throttle
    const nowMs = this.#world.monotonicMs()
    const waitMs = throttle?.beforeGuess(address, nowMs) ?? 0
    if (waitMs > 0) return { code: 'too-often', waitMs }
    const token = bearer(field)
    const found = token === undefined ? undefined : this.#tokens.find(token, this.#world.nowMs())
    if (found?.code !== 'known') {
      throttle?.guessedWrong(address, nowMs)
      const expired = found?.code === 'expired'
      return { code: 'wrong', why: expired ? 'the token has expired' : 'the token is not known' }
    }
    const { name, role, services } = found.grant
    const tokenWaitMs = throttle?.ofToken(name, address, nowMs) ?? 0
    if (tokenWaitMs > 0) return { code: 'too-often', waitMs: tokenWaitMs }
    const scope = services === undefined ? {} : { services }
    return { code: 'caller', caller: { kind: 'token', name, role, address, ...scope } }
  }

  /** One that is verified but not listed says nothing; the caller is whoever it is without it. */
  #certified(certificate: HttpRequest['certificate'], address: string): Known {
    const grants = this.#config.certificates ?? []
    const grant = certificate === undefined ? undefined : grantOf(certificate, grants)
    if (grant === undefined) return { code: 'none' }
    const { name, role, services } = grant
    const scope = services === undefined ? {} : { services }
    return { code: 'caller', caller: { kind: 'certificate', name, role, address, ...scope } }
  }

  #fromBrowser({ headers }: HttpRequest, rights: Rights, caller: Caller): Refused | undefined {
    if (caller.kind === 'token') return undefined
    const refusedAs = (answer: HttpAnswer) => refused('browser', answer, caller.address)
    if (looksLikeBrowser(headers) && !isOwnHost(headers['host'], this.#hostNames))
      return refusedAs(
        refuse(403, 'a browser must use an address, localhost or a configured host name'),
      )
    if (rights.changes && isBrowser(headers))
      return refusedAs(unauthorized('a request from a browser needs a token to change anything'))
    return undefined
  }

  #inRole(rights: Rights, caller: Caller): Decision {
    if (!rights.guarded || includesRole(caller.role, rights.role)) return { ok: true, caller }
    const why = `${caller.name} has the role ${caller.role}, and this needs ${rights.role}`
    return { ...refused('role', refuse(403, why), caller.address), caller }
  }
}

/**
 * Turns away a caller that may change some services only, unless the request names services and
 * all of them are its own. Reading is not kept apart by service.
 */
export function refusalByService(
  caller: Caller,
  rights: Rights,
  named: readonly string[] | undefined,
): Refused | undefined {
  if (caller.services === undefined || !rights.changes) return undefined
  const foreign = named?.find((service) => !coversService(caller.services, service))
  if (named !== undefined && named.length > 0 && foreign === undefined) return undefined
  const what = foreign === undefined ? 'this names no service' : `"${foreign}" is not one of them`
  const why = `${caller.name} may change its own services only, and ${what}`
  return { ...refused('service', refuse(403, why), caller.address), caller }
}

const refused = (cause: Refusal, answer: HttpAnswer, address: string): Refused => ({
  ok: false,
  answer,
  cause,
  address,
})

/** RFC 6585 section 4, with the time after which it is worth asking again. */
const tooMany = (waitMs: number): HttpAnswer =>
  refuse(429, 'too many requests', { 'retry-after': String(Math.ceil(waitMs / 1_000)) })

/** RFC 6750 section 2.1; the scheme's case does not matter (RFC 9110 section 11.1). */
function bearer(field: string): string | undefined {
  const most = limits.accessTokenChars.default
  const token = /^bearer +(\S(?:.*\S)?) *$/i.exec(field)?.[1]
  return token === undefined || token.length > most ? undefined : token
}

/** Text of a subprotocol `bearer.<base64url>`, where one is offered and can be read. */
function offeredToken(field: string | undefined): string | undefined {
  const coded = /(?:^|[,\s])bearer\.([A-Za-z0-9_-]{1,8192})(?=[,\s]|$)/.exec(field ?? '')?.[1]
  if (coded === undefined) return undefined
  try {
    const octets = atob(coded.replaceAll('-', '+').replaceAll('_', '/'))
    const bytes = Uint8Array.from(octets, (char) => char.charCodeAt(0))
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

const unauthorized = (why: string): HttpAnswer =>
  refuse(401, why, { 'www-authenticate': 'Bearer realm="opengslb"' })
