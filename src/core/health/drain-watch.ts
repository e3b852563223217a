/**
 * When a draining backend may be stopped without a lost request.
 *
 * Three things must hold: nobody gives its address out any more (every live overwatch acknowledged
 * the drain, and the answers given before that have expired); nobody is connected; and nobody has
 * come for as long as an answer lives. What cannot be counted is never called safe by count: then
 * the answer is `unknown`, with the moment from which time alone speaks for it.
 */
import { limits } from '../base/limits.ts'
import type { ConnectionsSeen, Drain } from './report.ts'

export interface StopQuestion {
  /** Absent when the backend does not drain. */
  readonly drain: Drain | undefined
  /** When the last of the live overwatches acknowledged it; absent while one has not. */
  readonly everyOverwatchAcknowledgedMs: number | undefined
  /** What keeps it in the answers of this node all the same, in words. */
  readonly kept?: string | undefined
  /** The longest TTL an answer with its address has now. */
  readonly ttlSeconds: number
  /** Until when answers live that had a longer one, Unix milliseconds. */
  readonly formerUntilMs?: number
  readonly connections: ConnectionsSeen | undefined
  readonly nowMs: number
  /** No arrival for this long, or for a TTL where that is longer. */
  readonly quietMs?: number
  readonly graceMs?: number
}

export type WaitReason = 'acknowledgement' | 'ttl' | 'counting' | 'connections' | 'quiet'

export interface Waiting {
  readonly what: WaitReason
  readonly detail: string
  /** When it will be over by itself, Unix milliseconds, if nothing else happens. */
  readonly untilMs?: number
}

export interface StopAnswer {
  readonly safe: 'yes' | 'no' | 'unknown'
  /** One sentence for people. */
  readonly why: string
  /** In the order of time; empty when it is safe. */
  readonly waitingFor: readonly Waiting[]
  /** Where counts cannot be had: from when time alone speaks for it, Unix milliseconds. */
  readonly byTimeMs?: number
}

/** How much longer quiet must last where short connections may go unseen. */
const UNHEARD_FACTOR = 2

const seconds = (ms: number) => `${Math.ceil(ms / 1_000)} s`

const refused = (what: WaitReason, detail: string): StopAnswer => ({
  safe: 'no',
  why: detail,
  waitingFor: [{ what, detail }],
})

/** Networks still coming, for a sentence. */
const named = ({ networks }: ConnectionsSeen): string =>
  networks.length === 0 ? '' : `, from ${networks.map(({ network }) => network).join(', ')}`

function waitForConnections(seen: ConnectionsSeen): Waiting[] {
  if (seen.remaining === 0) return []
  const detail = `${seen.remaining} connections remain${named(seen)}`
  return [{ what: 'connections', detail }]
}

/** What the kernel is late with before it is said: marks are made five times a second. */
const LATE_SAID_MS = 2_000

/**
 * A reading says nothing of what came after it, nor of ends that the kernel has yet to tell: quiet
 * lasts until then and not until now.
 */
function waitForQuiet(seen: ConnectionsSeen, quietMs: number): Waiting[] {
  const untilMs = seen.quietSinceMs + quietMs
  const knownMs = Math.min(seen.atMs, seen.heardMs ?? seen.atMs)
  if (knownMs >= untilMs) return []
  const since = seconds(Math.max(0, knownMs - seen.quietSinceMs))
  const lateMs = seen.atMs - knownMs
  const late = lateMs < LATE_SAID_MS ? '' : `; its kernel tells of clients ${seconds(lateMs)} late`
  const detail = `quiet for ${since} of ${seconds(quietMs)}${named(seen)}${late}`
  return [{ what: 'quiet', detail, untilMs }]
}

function waitForTtl(expiredMs: number, nowMs: number): Waiting[] {
  if (nowMs >= expiredMs) return []
  const detail = `answers given before the drain expire in ${seconds(expiredMs - nowMs)}`
  return [{ what: 'ttl', detail, untilMs: expiredMs }]
}

const answered = (waitingFor: readonly Waiting[], why: string): StopAnswer =>
  waitingFor.length === 0
    ? { safe: 'yes', why, waitingFor }
    : { safe: 'no', why: waitingFor.map(({ detail }) => detail).join('; '), waitingFor }

export function safeToStop(question: StopQuestion): StopAnswer {
  const { drain, everyOverwatchAcknowledgedMs: acknowledgedMs, connections, nowMs } = question
  if (drain === undefined || (drain.untilMs !== undefined && drain.untilMs <= nowMs))
    return refused('acknowledgement', 'it does not drain')
  if (question.kept !== undefined) return refused('acknowledgement', question.kept)
  if (acknowledgedMs === undefined)
    return refused('acknowledgement', 'an overwatch has not acknowledged the drain yet')
  const ttlMs = Math.max(0, question.ttlSeconds) * 1_000
  const goneMs = Math.max(acknowledgedMs + ttlMs, question.formerUntilMs ?? 0)
  const expiredMs = goneMs + (question.graceMs ?? limits.stopGraceMs.default)
  const ttl = waitForTtl(expiredMs, nowMs)
  const quietMs = Math.max(ttlMs, question.quietMs ?? 0)
  if (connections === undefined || nowMs - connections.atMs > limits.connectionsStaleMs.default) {
    // Clients that kept a connection are not bound by any TTL, so this stays a guess.
    const detail = 'its connections cannot be counted'
    const byTimeMs = expiredMs + quietMs
    const waitingFor: Waiting[] = [...ttl, { what: 'counting', detail }]
    return { safe: 'unknown', why: detail, waitingFor, byTimeMs }
  }
  const heardMs = connections.endsHeard === false ? quietMs * UNHEARD_FACTOR : quietMs
  const waiting = [
    ...ttl,
    ...waitForConnections(connections),
    ...waitForQuiet(connections, heardMs),
  ]
  return answered(waiting, `nobody is connected and nobody came for ${seconds(heardMs)}`)
}
