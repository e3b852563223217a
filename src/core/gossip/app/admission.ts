/**
 * Which backends of a believed agent are admitted: the address, the service, and who was first.
 *
 * The agent is known to be who it says (trust.ts); this is about what it may say. A backend belongs
 * to the agent that announced it first, for as long as that agent is heard; then whoever else
 * announces it takes it over. A refusal touches one backend and never the rest of the report.
 */
import { limits } from '../../base/limits.ts'
import { covers, type Prefix, parseAddress, parsePrefix } from '../../net/address.ts'
import type { ReportedBackend } from '../../health/report.ts'
import type { RefusalSaid } from './replies.ts'

export interface AdmissionSettings {
  /** Service to the token that admits its agents: `overwatch.agent_tokens`. */
  readonly agentTokens: Readonly<Record<string, string>>
  /** Zones in which a service of one label is served as `label.<zone>`. */
  readonly zones: readonly string[]
  /** Networks agents may announce; empty means all but the ones no client could reach. */
  readonly allowedBackends: readonly string[]
}

/**
 * Never a server for others, whatever is allowed: no host at all, or many of them. RFC 1122 section
 * 3.2.1.3, RFC 5771, RFC 919, RFC 4291 sections 2.5.2 and 2.7.
 */
const NEVER = ['0.0.0.0/8', '224.0.0.0/4', '240.0.0.0/4', '::/128', 'ff00::/8']
/** Refused unless a network of `allowed_backends` names them: RFC 1122, 3927, 4291. */
const LOCAL = ['127.0.0.0/8', '169.254.0.0/16', '::1/128', 'fe80::/10']

const prefixesOf = (texts: readonly string[]): Prefix[] =>
  texts.flatMap((text) => {
    const prefix = parsePrefix(text)
    return prefix.ok ? [prefix.value] : []
  })

const never = prefixesOf(NEVER)
const local = prefixesOf(LOCAL)

export class AddressRule {
  readonly #allowed: readonly Prefix[]

  constructor(allowedBackends: readonly string[]) {
    this.#allowed = prefixesOf(allowedBackends)
  }

  /** Why answers must not hold this address; undefined when they may. */
  refusal(address: string): string | undefined {
    const parsed = parseAddress(address)
    if (!parsed.ok) return `"${address}" is not an IP address`
    const { bytes, text } = parsed.value
    const within = (prefixes: readonly Prefix[]) => prefixes.some((one) => covers(one, bytes))
    if (within(never)) return `${text} is no address of a server`
    if (this.#allowed.length === 0)
      return within(local)
        ? `${text} is loopback or link-local; overwatch.gossip.allowed_backends may allow it`
        : undefined
    return within(this.#allowed)
      ? undefined
      : `${text} is in no network of overwatch.gossip.allowed_backends`
  }
}

/** Tokens by service, under each name the service has. */
export class ServiceTokens {
  readonly #tokens = new Map<string, string>()
  readonly #zones: readonly string[]

  constructor(tokens: Readonly<Record<string, string>>, zones: readonly string[]) {
    this.#zones = zones.map(lower)
    for (const [service, token] of Object.entries(tokens)) this.#tokens.set(lower(service), token)
  }

  get size(): number {
    return this.#tokens.size
  }

  /** One name for all spellings of a service: `web` stands for `web.<zone>` when there is one. */
  canonical(service: string): string {
    const label = this.#labelOf(lower(service))
    return label !== undefined && this.#zones.length === 1 ? label : lower(service)
  }

  /** `web` of `web.<zone>`. */
  #labelOf(service: string): string | undefined {
    for (const zone of this.#zones) {
      if (!service.endsWith(`.${zone}`)) continue
      const label = service.slice(0, -zone.length - 1)
      if (!label.includes('.')) return label
    }
    return undefined
  }

  /**
   * The token of a service. A token for `web` admits to `web` in every zone; one for `web.<zone>`
   * admits to `web` only where that is the only zone.
   */
  tokenOf(service: string): string | undefined {
    const name = lower(service)
    const exact = this.#tokens.get(name)
    if (exact !== undefined) return exact
    const label = this.#labelOf(name)
    if (label !== undefined) return this.#tokens.get(label)
    return !name.includes('.') && this.#zones.length === 1
      ? this.#tokens.get(`${name}.${this.#zones[0]!}`)
      : undefined
  }
}

const lower = (name: string) => name.toLowerCase().replace(/\.$/, '')

export interface Admitted {
  readonly backends: readonly ReportedBackend[]
  readonly refused: readonly RefusalSaid[]
  /** Whether some backend only waits for a proof that the agent could give. */
  readonly wantsProof: boolean
  /** Agents that lost a backend to this one because they had fallen silent. */
  readonly displaced: readonly string[]
}

export interface Claimant {
  readonly agentId: string
  /** Canonical services it has proven; undefined admits all (an unsigned agent). */
  readonly services: ReadonlySet<string> | undefined
}

export const backendKey = (canonicalService: string, backend: ReportedBackend): string =>
  `${canonicalService} ${backend.address} ${backend.port}`

/** The backends of all agents, with their owners. */
export class Admission {
  tokens: ServiceTokens
  #addresses: AddressRule
  readonly #owners = new Map<string, string>()
  /** Keys of each agent, to give them back. */
  readonly #keysOf = new Map<string, Set<string>>()

  constructor(settings: AdmissionSettings) {
    this.tokens = new ServiceTokens(settings.agentTokens, settings.zones)
    this.#addresses = new AddressRule(settings.allowedBackends)
  }

  /** Takes other settings; ownership is told anew by judging every agent again. */
  configure(settings: AdmissionSettings): void {
    this.tokens = new ServiceTokens(settings.agentTokens, settings.zones)
    this.#addresses = new AddressRule(settings.allowedBackends)
    this.#owners.clear()
    this.#keysOf.clear()
  }

  get backends(): number {
    return this.#owners.size
  }

  release(agentId: string): void {
    for (const key of this.#keysOf.get(agentId) ?? []) this.#owners.delete(key)
    this.#keysOf.delete(agentId)
  }

  /** Judges all backends an agent announces, and gives back those it no longer does. */
  judge(
    claimant: Claimant,
    backends: readonly ReportedBackend[],
    isHeard: (agentId: string) => boolean,
  ): Admitted {
    const mine = new Set<string>()
    const admitted: ReportedBackend[] = []
    const refused: RefusalSaid[] = []
    const displaced = new Set<string>()
    let wantsProof = false
    for (const backend of backends) {
      const service = this.tokens.canonical(backend.service)
      const refusal = this.#refusalOf(claimant, service, backend, isHeard)
      const key = backendKey(service, backend)
      if (refusal === undefined) {
        // Named twice in one report, the first entry counts.
        if (!mine.has(key)) admitted.push(backend)
        mine.add(key)
        const before = this.#own(claimant.agentId, key)
        if (before !== undefined) displaced.add(before)
        continue
      }
      if (refusal.code === 'service-not-proven') wantsProof = true
      if (refused.length < limits.trustRefusalsPerReply.default) refused.push(refusal)
    }
    this.#keepOnly(claimant.agentId, mine)
    return { backends: admitted, refused, wantsProof, displaced: [...displaced] }
  }

  #refusalOf(
    claimant: Claimant,
    service: string,
    backend: ReportedBackend,
    isHeard: (agentId: string) => boolean,
  ): RefusalSaid | undefined {
    const what = `${backend.service} ${backend.address}:${backend.port}`
    if (claimant.services !== undefined) {
      if (this.tokens.tokenOf(service) === undefined) return unknownService(backend.service)
      if (!claimant.services.has(service))
        return { code: 'service-not-proven', message: `${what}: the right to it is not proven yet` }
    }
    const address = this.#addresses.refusal(backend.address)
    if (address !== undefined)
      return { code: 'address-not-allowed', message: `${what}: ${address}` }
    const owner = this.#owners.get(backendKey(service, backend))
    if (owner === undefined)
      return this.#owners.size < limits.trustBackends.default
        ? undefined
        : { code: 'too-many-backends', message: `${what}: the overwatch holds too many already` }
    if (owner === claimant.agentId) return undefined
    // Of two silent ones neither takes from the other, or they would do so for ever.
    if (!isHeard(owner) && isHeard(claimant.agentId)) return undefined
    return {
      code: 'backend-owned',
      message: `${what}: ${owner} announced it first and is still heard`,
    }
  }

  /** Gives the backend to the agent; the one it was taken from, if any. */
  #own(agentId: string, key: string): string | undefined {
    const before = this.#owners.get(key)
    if (before === agentId) return undefined
    if (before !== undefined) this.#keysOf.get(before)?.delete(key)
    this.#owners.set(key, agentId)
    const keys = this.#keysOf.get(agentId)
    if (keys === undefined) this.#keysOf.set(agentId, new Set([key]))
    else keys.add(key)
    return before
  }

  #keepOnly(agentId: string, mine: ReadonlySet<string>): void {
    const keys = this.#keysOf.get(agentId)
    for (const key of keys ?? []) {
      if (mine.has(key)) continue
      keys!.delete(key)
      this.#owners.delete(key)
    }
  }
}

/** No token admits anyone to the service; the sentence names the key to set. */
export const unknownService = (service: string): RefusalSaid => ({
  code: 'unknown-service',
  message: `no token admits agents to ${service}: set overwatch.agent_tokens.${service}`,
})
