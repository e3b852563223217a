/**
 * What an agent says of itself: its backends as configured, with the verdicts of its own checks,
 * declared drains, clients seen and vitals, folded into the content of one report.
 *
 * A drain that an overwatch ordered is not said back: the overwatch knows it, and an order is only
 * as trustworthy as the key of gossip, so it never becomes a signed word of the agent. Clients of
 * such a backend are counted and told all the same. Pure; nothing here keeps time.
 */
import { serverKey } from '../net/address.ts'
import { canonicalService } from './keys.ts'
import type { ConnectionsSeen, Drain, ReportedBackend, ReportedCheck, Vitals } from './report.ts'

export interface AgentBackend {
  readonly service: string
  /** Canonical text: where the agent checks it. */
  readonly address: string
  /** What answers shall hold; empty means `address`, or the agent's own where that is loopback. */
  readonly advertiseAddress: string
  readonly port: number
  readonly weight: number
  readonly check?: ReportedCheck
}

interface Said {
  healthy: boolean | undefined
  reason: string
  drain: Drain | undefined
  connections: ConnectionsSeen | undefined
}

const LOOPBACK = /^(?:127\.|::1$)/

/** The address answers shall hold; `ownAddress` is how overwatches reach the agent, or ''. */
export function advertisedAddress(
  { address, advertiseAddress }: AgentBackend,
  ownAddress: string,
): string {
  if (advertiseAddress !== '') return advertiseAddress
  const replace = LOOPBACK.test(address) && ownAddress !== '' && !LOOPBACK.test(ownAddress)
  return replace ? ownAddress : address
}

export class AgentSelf {
  readonly #said = new Map<string, Said>()
  #backends: readonly AgentBackend[] = []
  #everywhere: Drain | undefined
  #vitals: Vitals | undefined
  #ownAddress = ''

  configure(backends: readonly AgentBackend[], ownAddress: string): void {
    this.#backends = backends
    this.#ownAddress = ownAddress
    const keys = new Set(backends.map(keyOf))
    for (const key of this.#said.keys()) if (!keys.has(key)) this.#said.delete(key)
  }

  /** Keys of checked and of advertised addresses, both: other actors may know either. */
  #of(key: string): Said | undefined {
    const backend = this.#backends.find((one) => keyOf(one) === key || this.#publicKey(one) === key)
    if (backend === undefined) return undefined
    const own = keyOf(backend)
    let said = this.#said.get(own)
    if (said === undefined) {
      said = { healthy: undefined, reason: '', drain: undefined, connections: undefined }
      this.#said.set(own, said)
    }
    return said
  }

  #publicKey(backend: AgentBackend): string {
    return serverKey(backend.service, advertisedAddress(backend, this.#ownAddress), backend.port)
  }

  /**
   * The key other actors here know a backend by, from the one an overwatch gives it
   * (`service:address:port`: the canonical service and the address that answers hold).
   */
  ownKey(told: string): string | undefined {
    const key = canonicalKey(told)
    const backend =
      this.#backends.find((one) => canonicalKey(this.#publicKey(one)) === key) ??
      this.#backends.find((one) => canonicalKey(keyOf(one)) === key)
    return backend && keyOf(backend)
  }

  verdict(key: string, verdict: 'up' | 'down', reason: string): void {
    const said = this.#of(key)
    if (said !== undefined) Object.assign(said, { healthy: verdict === 'up', reason })
  }

  /** An empty key means every backend. */
  drain(key: string, drain: Drain | undefined): void {
    const own = drain?.by === 'overwatch' ? undefined : drain
    if (key === '') this.#everywhere = own
    else {
      const said = this.#of(key)
      if (said !== undefined) said.drain = own
    }
  }

  connections(key: string, connections: ConnectionsSeen | undefined): void {
    const said = this.#of(key)
    if (said !== undefined) said.connections = connections
  }

  vitals(vitals: Vitals): void {
    this.#vitals = vitals
  }

  /** The whole of it; backends in the order of the configuration. */
  content(): { readonly backends: readonly ReportedBackend[]; readonly vitals?: Vitals } {
    const backends = this.#backends.map((backend) => this.#reported(backend))
    return this.#vitals === undefined ? { backends } : { backends, vitals: this.#vitals }
  }

  #reported(backend: AgentBackend): ReportedBackend {
    const { service, port, weight, check } = backend
    const said = this.#said.get(keyOf(backend))
    const drain = said?.drain ?? this.#everywhere
    return {
      service,
      address: advertisedAddress(backend, this.#ownAddress),
      port,
      weight,
      reason: said?.reason ?? '',
      ...(said?.healthy === undefined ? {} : { healthy: said.healthy }),
      ...(check === undefined ? {} : { check }),
      ...(drain === undefined ? {} : { drain }),
      ...(said?.connections === undefined ? {} : { connections: said.connections }),
    }
  }
}

const keyOf = ({ service, address, port }: AgentBackend) => serverKey(service, address, port)

/** A service holds no colon. */
function canonicalKey(key: string): string {
  const end = key.indexOf(':')
  return canonicalService(key.slice(0, end)) + key.slice(end)
}
