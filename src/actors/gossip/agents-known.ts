/**
 * What the API and the metrics are told of agents: pins, signs of life, last reports.
 *
 * The receiver in core/gossip/app decides who is believed; this only remembers what it gave out.
 */
import { limits } from '../../core/base/limits.ts'
import { fromPem, readCertificate } from '../../core/gossip/app/certificate.ts'
import type { Pin } from '../../core/gossip/app/pins.ts'
import type { AgentReport } from '../../core/health/report.ts'
import { addressOf } from '../../core/net/address.ts'
import type { AgentView } from '../../messages/agent-views.ts'
import type { Known } from './members.ts'

export interface AgentHeard {
  readonly report: AgentReport
  readonly hearsay: boolean
  /** When it was heard here last; when it was told of, for hearsay. */
  heardMs: number
  connected: boolean
}

type Algorithm = AgentView['alg']

export class KnownAgents {
  readonly heard = new Map<string, AgentHeard>()
  /** Agents that said goodbye lately: the boot they left in, and when. */
  readonly goodbyes = new Map<string, { readonly boot: number; readonly atMs: number }>()
  readonly #algorithms = new Map<string, Algorithm>()

  report(report: AgentReport, hearsay: boolean, nowMs: number): void {
    const before = this.heard.get(report.agentId)
    const direct = hearsay ? before : undefined
    const isHearsay = hearsay && (before === undefined || before.hearsay)
    const heardMs = direct?.hearsay === false ? direct.heardMs : nowMs
    const connected = !isHearsay && (direct?.connected ?? true)
    this.heard.set(report.agentId, { report, hearsay: isHearsay, heardMs, connected })
    this.goodbyes.delete(report.agentId)
  }

  seen(agentId: string, nowMs: number): void {
    const heard = this.heard.get(agentId)
    if (heard !== undefined)
      this.heard.set(agentId, { ...heard, hearsay: false, heardMs: nowMs, connected: true })
  }

  left(agentId: string): void {
    this.heard.delete(agentId)
  }

  saidGoodbye(agentId: string, boot: number, atMs: number): void {
    this.goodbyes.delete(agentId)
    this.goodbyes.set(agentId, { boot, atMs })
    const [oldest] = this.goodbyes.keys()
    if (this.goodbyes.size > limits.goodbyesMax.default) this.goodbyes.delete(oldest!)
  }

  views(pins: readonly Pin[], memberOf: (name: string) => Known | undefined): readonly AgentView[] {
    const ids = new Set([...pins.map(({ agentId }) => agentId), ...this.heard.keys()])
    const pinOf = new Map(pins.map((pin) => [pin.agentId, pin]))
    return [...ids].sort().map((id) => this.#view(id, pinOf.get(id), memberOf(id)))
  }

  #view(agentId: string, pin: Pin | undefined, member: Known | undefined): AgentView {
    const heard = this.heard.get(agentId)
    const heardMs = heard?.heardMs ?? 0
    return {
      agentId,
      region: heard?.report.region ?? pin?.region ?? '',
      fingerprint: pin?.fingerprint ?? '',
      alg: pin === undefined ? '' : this.#algorithmOf(pin),
      services: pin?.services ?? [],
      firstSeenMs: pin?.firstSeenMs ?? heardMs,
      lastSeenMs: Math.max(pin?.lastSeenMs ?? 0, heard?.hearsay === false ? heardMs : 0),
      notAfterMs: pin?.notAfterMs ?? 0,
      revoked: pin?.revoked ?? false,
      revokedAtMs: pin?.revokedAtMs ?? 0,
      revokedReason: pin?.revokedReason ?? '',
      connected: heard?.connected ?? false,
      boot: heard?.report.boot ?? 0,
      backends: heard?.report.backends.length ?? 0,
      ...(member === undefined
        ? {}
        : { memberState: member.member.state, address: addressOf(member.member.addr).text }),
    }
  }

  #algorithmOf({ fingerprint, certificatePem }: Pin): Algorithm {
    const known = this.#algorithms.get(fingerprint)
    if (known !== undefined) return known
    const der = fromPem(certificatePem)
    const read = der === undefined ? undefined : readCertificate(der)
    const algorithm: Algorithm = read?.ok === true ? read.value.algorithm : ''
    if (this.#algorithms.size >= limits.trustPins.default) this.#algorithms.clear()
    this.#algorithms.set(fingerprint, algorithm)
    return algorithm
  }
}
