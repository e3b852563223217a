/**
 * What this node tells the other overwatches of itself, and what it told last: its verdicts, which
 * agents it hears, which drains are in its answers, and the orders given here.
 */
import { limits } from '../../core/base/limits.ts'
import { encodeBody, GONE, overrideBody } from '../../core/health/shared-bodies.ts'
import { FormerTtls } from '../../core/health/former-ttls.ts'
import type { Chorus } from '../../core/health/chorus.ts'
import type { Server } from '../../core/health/server.ts'
import type { Sharing } from './sharing.ts'

interface Withdrawal {
  readonly drain: string
  /** The answers of this node are without the server, since `atMs`. */
  readonly isOut: boolean
  readonly atMs: number
}

export class Told {
  readonly #sharing: Sharing
  readonly #chorus: Chorus
  readonly #verdicts = new Map<string, 'up' | 'down'>()
  readonly #heard = new Map<string, boolean>()
  readonly #withdrawals = new Map<string, Withdrawal>()
  readonly formerTtls = new FormerTtls()

  constructor(sharing: Sharing, chorus: Chorus) {
    this.#sharing = sharing
    this.#chorus = chorus
  }

  /** A check of this node came to this verdict. */
  verdict(key: string, verdict: 'up' | 'down', atMs: number, nowMs: number): void {
    if (this.#verdicts.get(key) === verdict) return
    this.#verdicts.set(key, verdict)
    const body = encodeBody({ verdict, atMs })
    this.#sharing.tell({ kind: 'verdict', id: this.#own(key), body }, nowMs)
  }

  /** A server is no longer checked here: what was said of it does not count elsewhere either. */
  unchecked(key: string, nowMs: number): void {
    this.#verdicts.delete(key)
    this.#retract('verdict', key, nowMs)
  }

  heard(agentId: string, heard: boolean, nowMs: number): void {
    if (this.#heard.get(agentId) === heard) return
    this.#heard.set(agentId, heard)
    const body = encodeBody({ heard })
    this.#sharing.tell({ kind: 'heard', id: this.#own(agentId), body }, nowMs)
  }

  /** An override was set, lifted or ended here. */
  override({ spec, health, places }: Server, nowMs: number): void {
    const { overrideStampMs: stamp, overrideRank: seq, override } = health
    const gone = nowMs + limits.peerTombstoneMs.default
    // The guard-rail let it go by this order: others have to hear of it, and then it is over.
    const isLetGo = places.length === 0 && spec.source !== 'agent'
    const endMs = override?.expiresAtMs ?? (isLetGo ? gone : 0)
    const keepUntilMs = override === undefined ? gone : endMs
    const body = overrideBody(health)
    this.#sharing.tell({ kind: 'override', id: spec.key, body, stamp, seq, keepUntilMs }, nowMs)
  }

  /** The server goes out by a drain, or no longer does; `isOut`: no answer holds it. */
  withdrawn(key: string, isOut: boolean, nowMs: number): void {
    const drain = this.#chorus.drainOf(key)?.id
    const told = this.#withdrawals.get(key)
    if (drain === told?.drain && (drain === undefined || isOut === told?.isOut)) return
    if (drain === undefined) this.#withdrawals.delete(key)
    else this.#withdrawals.set(key, { drain, isOut, atMs: nowMs })
    // What was told before a restart is taken back too.
    if (drain === undefined || !isOut) this.#retract('draining', key, nowMs)
    else {
      const body = encodeBody({ drain, atMs: nowMs })
      this.#sharing.tell({ kind: 'draining', id: this.#own(key), body }, nowMs)
    }
  }

  /** Servers that drain, whether answers hold them or not. */
  draining(): readonly string[] {
    return [...this.#withdrawals.keys()]
  }

  /** Id of the drain that this node knows of. */
  drainOf(key: string): string | undefined {
    return this.#withdrawals.get(key)?.drain
  }

  /** When this node took the drain into its answers. */
  withdrawnMs(key: string, drain: string): number | undefined {
    const told = this.#withdrawals.get(key)
    return told?.drain === drain && told.isOut ? told.atMs : undefined
  }

  /** A server is gone: nothing is said of it any more. */
  forget(key: string, nowMs: number): void {
    this.unchecked(key, nowMs)
    this.#retract('draining', key, nowMs)
    this.#withdrawals.delete(key)
  }

  #retract(kind: string, key: string, nowMs: number): void {
    const known = this.#sharing.get(kind, this.#own(key))
    if (known === undefined || known.body.length === 0) return
    this.#sharing.tell({ kind, id: known.id, body: GONE }, nowMs)
  }

  forgetAgent(agentId: string, nowMs: number): void {
    if (this.#heard.delete(agentId))
      this.#sharing.tell({ kind: 'heard', id: this.#own(agentId), body: GONE }, nowMs)
  }

  #own(id: string): string {
    return `${this.#chorus.settings.self}/${id}`
  }
}
