/**
 * The messages an agent sends, as signed octets.
 *
 * An agent's key, start and counters are in one place here, since every message takes the next
 * beat. Short messages travel as packets, longer ones by stream.
 */
import { limits } from '../../base/limits.ts'
import type { ReportedBackend, Vitals } from '../../health/report.ts'
import { toBase64 } from './base64.ts'
import { toPem } from './certificate.ts'
import { type AgentKey, type Digests, octetsOf } from './crypto.ts'
import type { BackendAddress, LatencyRow } from './envelope.ts'
import { writeBackend, writeGoVitals, writeVitals } from './envelope-fields.ts'
import { cleanText } from './json.ts'
import { cutPages } from './pages.ts'
import { possessionOctets, serviceProof } from './proofs.ts'
import type { Challenge } from './replies.ts'
import { signMessage } from './sign.ts'
import { formatTime } from './time.ts'

export interface ReportContent {
  readonly backends: readonly ReportedBackend[]
  readonly vitals?: Vitals
}

export interface SenderSelf {
  readonly agentId: string
  readonly region: string
  /** Name of the agent among the members. */
  readonly node: string
  /** `agent.identity.service_token`. */
  readonly serviceToken: string
  /**
   * Unix milliseconds, for what messages say of their time; by default the time that is given. An
   * agent plans by a clock that nobody sets, or one set back would silence it for as long.
   */
  readonly timeOfDay?: () => number
}

export type Via = 'packet' | 'stream'

export interface Outgoing {
  readonly bytes: Uint8Array
  readonly via: Via
}

type Json = Readonly<Record<string, unknown>>

/** A report ready to be sent: its backends cut into pages, its vitals, as JSON values. */
export interface PreparedReport {
  readonly pages: readonly (readonly Json[])[]
  readonly predictive: Json | undefined
  readonly vitals: Json | undefined
}

export function prepareReport(content: ReportContent): PreparedReport {
  const share = content.vitals?.share ?? 1_000
  const backends = content.backends
    .slice(0, limits.reportBackends.default)
    .map((backend) => writeBackend(backend, share))
  const texts = backends.map((backend) => JSON.stringify(backend))
  let from = 0
  const pages = cutPages(texts, limits.reportPageBytes.default).map((page) => {
    from += page.length
    return backends.slice(from - page.length, from)
  })
  return {
    pages,
    predictive: content.vitals === undefined ? undefined : writeGoVitals(content.vitals),
    vitals: content.vitals === undefined ? undefined : writeVitals(content.vitals),
  }
}

const viaOf = (bytes: Uint8Array): Via =>
  bytes.length <= limits.reportPacketBytes.default ? 'packet' : 'stream'

export class AgentMessages {
  boot: number
  seq = 0
  key: AgentKey
  /** The key before the present one, to introduce it with. */
  previousKey: AgentKey | undefined
  readonly #self: SenderSelf
  readonly #digests: Digests
  #beat = 0

  constructor(self: SenderSelf, boot: number, key: AgentKey, digests: Digests) {
    this.#self = self
    this.#digests = digests
    this.boot = boot
    this.key = key
  }

  /** The beat of the last message. */
  get beat(): number {
    return this.#beat
  }

  #message(type: string, payload: Json, nowMs: number, key = this.key): Outgoing {
    const { agentId, region, node } = this.#self
    const object = {
      type,
      agent_id: agentId,
      region,
      timestamp: formatTime(this.#self.timeOfDay?.() ?? nowMs),
      payload,
      alg: key.algorithm,
      fingerprint: key.fingerprint,
      node,
      boot: this.boot,
      seq: this.seq,
      beat: ++this.#beat,
    }
    const bytes = signMessage(object, key)
    return { bytes, via: viaOf(bytes) }
  }

  /** The whole report, a message for each page. */
  report(prepared: PreparedReport, nowMs: number): readonly Outgoing[] {
    const pages = prepared.pages.length
    return prepared.pages.map((backends, page) =>
      this.#message(
        'heartbeat',
        {
          // An empty list is null in Go, which its programs take for "nothing new".
          backends,
          // The Go program's agents leave it empty; the fingerprint stands beside the signature.
          fingerprint: '',
          ...(prepared.predictive === undefined ? {} : { predictive: prepared.predictive }),
          v2: {
            ...(pages === 1 ? {} : { page, pages }),
            ...(prepared.vitals === undefined ? {} : { vitals: prepared.vitals }),
          },
        },
        nowMs,
      ),
    )
  }

  /** A sign of life alone. */
  beatAlone(nowMs: number): Outgoing {
    return this.#message('heartbeat', { backends: null, fingerprint: '' }, nowMs)
  }

  /** The agent goes. */
  leave(reason: string, nowMs: number): Outgoing {
    const text = cleanText(reason, limits.reportTextChars.default)
    return this.#message('deregister', { agent_id: this.#self.agentId, reason: text }, nowMs)
  }

  /** One backend goes, as the Go program is told. */
  deregister({ service, address, port }: BackendAddress, nowMs: number): Outgoing {
    return this.#message('deregister', { service, address, port }, nowMs)
  }

  /** The answer to a challenge: a proof for each service, in as many messages as it takes. */
  prove(challenge: Challenge, services: readonly string[], nowMs: number): readonly Outgoing[] {
    const { nonce, overwatch } = challenge
    const { fingerprint } = this.key
    const proofs = services.slice(0, limits.trustServices.default).map((service) => ({
      service,
      proof: serviceProof(this.#digests, this.#self.serviceToken, {
        fingerprint,
        nonce,
        service,
        overwatch,
      }),
    }))
    const texts = proofs.map((proof) => JSON.stringify(proof))
    let from = 0
    return cutPages(texts, PROOF_BYTES).map(({ length }) => {
      from += length
      const some = proofs.slice(from - length, from)
      return this.#message('agent_auth', { ...this.#card(), nonce, overwatch, proofs: some }, nowMs)
    })
  }

  #card() {
    return {
      certificate_pem: toBase64(octetsOf(toPem(this.key.certificate))),
      fingerprint: this.key.fingerprint,
    }
  }

  /** Introduces the present key by the one before it; undefined when there was none. */
  introduce(nowMs: number): Outgoing | undefined {
    const { previousKey, key } = this
    if (previousKey === undefined) return undefined
    const octets = possessionOctets(this.#self.agentId, previousKey.fingerprint, key.fingerprint)
    const possession = toBase64(key.sign(octets))
    return this.#message('agent_auth', { ...this.#card(), possession }, nowMs, previousKey)
  }

  /** Learned latencies of one service, in as many messages as it takes. */
  latency(service: string, rows: readonly LatencyRow[], nowMs: number): readonly Outgoing[] {
    const nsOf = (ms: number) => Math.max(0, Math.round(ms * 1e6))
    const subnets = rows.map((row) => ({
      subnet: row.subnet,
      ewma_ns: nsOf(row.rttMs),
      sample_count: row.samples,
      last_seen: formatTime(row.lastSeenMs),
      // The Go program passes over what it does not know.
      ...(row.deviationMs === undefined ? {} : { dev_ns: nsOf(row.deviationMs) }),
      ...(row.minMs === undefined ? {} : { min_ns: nsOf(row.minMs) }),
    }))
    let from = 0
    const texts = subnets.map((row) => JSON.stringify(row))
    return cutPages(texts, limits.reportPageBytes.default).map(({ length }) => {
      from += length
      const some = subnets.slice(from - length, from)
      return this.#message('latency_report', { backend: service, subnets: some }, nowMs)
    })
  }
}

/** Keeps a message within `trustProofsPerMessage` of the shortest proofs. */
const PROOF_BYTES = limits.trustProofsPerMessage.default * 75
