/**
 * Looks after the certificate of a running agent: renewed before its end, or replaced on disk by
 * an operator, the new key takes the place of the old one without a restart.
 *
 * Whether it is time is decided where the identity is loaded. An identity of another name is not
 * taken up: that would be another agent, which a restart makes.
 */
import { limits } from '../../core/base/limits.ts'
import type { Cancel } from '../../kernel/clock.ts'
import type { AgentIdentity, GossipPorts, IdentityFiles, Ticking } from './contract.ts'

export class Renewal {
  readonly #here: Ticking
  readonly #ports: Pick<GossipPorts, 'identity' | 'renew'>
  readonly #renewed: (identity: AgentIdentity) => void
  #identity: AgentIdentity
  #said = ''
  /** Before this a request for another key is passed over. */
  #nextMs = Number.NEGATIVE_INFINITY
  #cancel: Cancel = () => {}

  constructor(
    here: Ticking,
    ports: Pick<GossipPorts, 'identity' | 'renew'>,
    identity: AgentIdentity,
    renewed: (identity: AgentIdentity) => void,
  ) {
    this.#here = here
    this.#ports = ports
    this.#identity = identity
    this.#renewed = renewed
  }

  /** Begins to look. Other paths need a restart, so they are given once. */
  start(files: IdentityFiles): void {
    const { clock, random } = this.#here
    const everyMs = limits.certificateLookMs.default
    // A phase of its own, so that agents started together do not renew together.
    this.#cancel = clock.every(everyMs, everyMs * (0.5 + random.next() / 2), () => this.look(files))
  }

  stop(): void {
    this.#cancel()
  }

  /**
   * An overwatch asks for another key in the place of this one. It is asked often and by all who
   * hold the gossip key, so each key is given its time; false where nothing was done.
   */
  replace(files: IdentityFiles, fingerprint: string): boolean {
    const nowMs = this.#here.clock.nowMs()
    if (fingerprint !== this.#identity.key.fingerprint || nowMs < this.#nextMs) return false
    this.#nextMs = nowMs + limits.certificateReplaceMs.default
    this.#take(this.#ports.renew(files, nowMs))
    return true
  }

  /** Takes up a pair that was put in place of the old one; a reload asks for it. */
  look(files: IdentityFiles): void {
    this.#take(this.#ports.identity(files, this.#here.clock.nowMs()))
  }

  #take(loaded: ReturnType<GossipPorts['identity']>): void {
    const { log } = this.#here
    if (!loaded.ok) {
      this.#warn(loaded.error)
      return
    }
    const { agentId, key, notAfterMs } = loaded.value
    if (key.fingerprint === this.#identity.key.fingerprint) return
    if (agentId !== this.#identity.agentId) {
      this.#warn(`the files hold the identity of ${agentId}; a restart takes it up`)
      return
    }
    this.#identity = loaded.value
    this.#said = ''
    log.info('identity renewed', {
      agent_id: agentId,
      fingerprint: key.fingerprint,
      not_after: new Date(notAfterMs).toISOString(),
    })
    this.#renewed(loaded.value)
  }

  /** Once for each fault, not at each look. */
  #warn(reason: string): void {
    if (reason === this.#said) return
    this.#said = reason
    this.#here.log.warn('identity not renewed', { agent_id: this.#identity.agentId, reason })
  }
}
