/**
 * Servers that exist only on a virtual clock, and the prober's port to them.
 *
 * What counts as healthy comes from the same core functions as in the real port; the contract suite
 * of the port runs on both.
 */
import { compileBodyMatch, type Outcome, statusAccepted } from '../../src/core/health/outcome.ts'
import { formatEndpoint, parseAddress } from '../../src/core/net/address.ts'
import type { MemberSpec } from '../../src/core/steer/topology.ts'
import type { ProberPorts } from '../../src/actors/prober/contract.ts'
import type { Clock } from '../../src/kernel/clock.ts'
import { limits } from '../../src/core/base/limits.ts'

export interface Certificate {
  /** Names it is made out for; addresses are names too. */
  readonly names: readonly string[]
  /** Signed by an authority the prober trusts, or by itself. */
  readonly signedBy: 'authority' | 'itself'
  readonly expiresMs: number
}

export interface Behaviour {
  /**
   * `refused`: nobody listens. `reset`: accepts and resets. `silent`: accepts and says nothing.
   * `garbage`: says something that is not HTTP. `flood`: sends headers without end.
   */
  readonly kind: 'http' | 'https' | 'garbage' | 'flood' | 'refused' | 'reset' | 'silent'
  readonly status?: number
  readonly headersAfterMs?: number
  readonly body?: string
  readonly bodyAfterMs?: number
  readonly chunked?: boolean
  /** The body is sent again and again. */
  readonly endless?: boolean
  /** The connection breaks in the middle of the body. */
  readonly breaksOff?: boolean
  /** https: the first whose names hold the name asked for, else the first. */
  readonly certificates?: readonly Certificate[]
}

const CONNECT_MS = 1

/** What becomes of a check, and how long it takes when nothing stops it. */
interface Course {
  readonly takesMs: number
  readonly error?: string
  readonly certificateExpiresMs?: number
}

const forEver = Number.POSITIVE_INFINITY

export class SimulatedServers {
  readonly #servers = new Map<string, Behaviour>()

  set(address: string, port: number, behaviour: Behaviour): void {
    this.#servers.set(formatEndpoint(address, port), behaviour)
  }

  ports(clock: Clock): ProberPorts {
    return {
      probe: (member, signal) =>
        new Promise((resolve) => {
          const course = this.#course(member, clock.nowMs())
          const startedMs = clock.monotonicMs()
          const finish = (outcome: Omit<Outcome, 'latencyMs'>) => {
            cancel()
            signal?.removeEventListener('abort', cancelled)
            resolve({ ...outcome, latencyMs: clock.monotonicMs() - startedMs })
          }
          const cancelled = () => finish({ ok: false, error: 'cancelled', inconclusive: true })
          const late = course.takesMs > member.check.timeoutMs
          const { takesMs: _, error, ...seen } = course
          const outcome = late
            ? { ok: false, error: 'timed-out', ...seen }
            : { ok: error === undefined, ...(error === undefined ? {} : { error }), ...seen }
          const endsMs = Math.min(course.takesMs, member.check.timeoutMs)
          const cancel = clock.after(endsMs, () => finish(outcome))
          if (signal?.aborted === true) cancelled()
          else signal?.addEventListener('abort', cancelled)
        }),
    }
  }

  #course(member: MemberSpec, nowMs: number): Course {
    const server = this.#servers.get(formatEndpoint(member.address, member.port))
    if (server === undefined || server.kind === 'refused') return refused
    if (member.check.type === 'tcp') return { takesMs: CONNECT_MS }
    if (server.kind === 'reset') return { takesMs: CONNECT_MS, error: 'reset' }
    if (server.kind === 'silent') return { takesMs: forEver }
    const secure = member.check.type === 'https'
    if (secure && server.kind !== 'https') return { takesMs: CONNECT_MS, error: 'tls handshake' }
    if (server.kind === 'garbage' || server.kind === 'flood')
      return { takesMs: CONNECT_MS, error: 'malformed' }
    if (!secure) return replyOf(server, member)
    const shake = handshake(server.certificates ?? [], member, nowMs)
    if (shake.error !== undefined) return shake
    return { ...replyOf(server, member), certificateExpiresMs: shake.certificateExpiresMs! }
  }
}

const refused: Course = { takesMs: CONNECT_MS, error: 'refused' }

function handshake(all: readonly Certificate[], member: MemberSpec, nowMs: number): Course {
  const { check } = member
  const asked = check.serverName || check.host.replace(/:\d+$/, '')
  const isName = asked !== '' && !parseAddress(asked).ok
  const shown = all.find(({ names }) => isName && names.includes(asked)) ?? all[0]!
  const verified = isName ? asked : member.address
  const base = { takesMs: CONNECT_MS, certificateExpiresMs: shown.expiresMs }
  const fault = (error: string) => ({ takesMs: CONNECT_MS, error: `tls ${error}` })
  if (!check.verifyCertificate) return base
  if (shown.signedBy === 'itself') return fault('DEPTH_ZERO_SELF_SIGNED_CERT')
  if (shown.expiresMs < nowMs) return fault('CERT_HAS_EXPIRED')
  if (!shown.names.includes(verified)) return fault('ERR_TLS_CERT_ALTNAME_INVALID')
  return base
}

function replyOf(server: Behaviour, member: MemberSpec): Course {
  const headersMs = CONNECT_MS + (server.headersAfterMs ?? 0)
  const status = server.status ?? 200
  if (!statusAccepted(member.check.expectedStatus, status))
    return { takesMs: headersMs, error: `status ${status}` }
  const match = compileBodyMatch(member.check.bodyMatch)
  if (!match.ok) return { takesMs: 0, error: 'body' }
  if (match.value === undefined) return { takesMs: headersMs }
  const takesMs = headersMs + (server.bodyAfterMs ?? 0)
  if (server.breaksOff === true) return { takesMs, error: 'reset' }
  const body = Buffer.from(server.body ?? '').toString('utf8', 0, limits.probeBodyBytes.default)
  return match.value(body) ? { takesMs } : { takesMs, error: 'body' }
}
