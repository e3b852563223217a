/**
 * What the readings of one's own Raft member prove.
 *
 * Law: two nodes never hold a proof of leadership for the same moment, as long as clocks of the
 * nodes run at rates within a tenth of each other.
 *
 * A member that says "I lead term T" may have been replaced already (a process that was stopped and
 * goes on says so once). So leadership is proved by a linearizable read through that member whose
 * answer is still of term T: a term has one leader (Raft, section 5.2), and to answer such a read
 * the leader first hears from a quorum after the read arrived (section 6.4 of the Raft thesis,
 * ReadIndex). Each of that quorum refuses to vote for anybody else for an election timeout after it
 * heard from the leader (check-quorum with pre-vote, section 4.2.3 of the thesis), so no other can
 * lead before that time after the read was sent. Members count the time in heartbeats and may be
 * almost one ahead; a tenth more is left for the rates of clocks.
 *
 * A member that starts again has forgotten that promise: it is started no sooner than an election
 * timeout after it ended (actors/cluster/embedded.ts).
 *
 * What it leaves out: a leader that hands over on request (`transfer-leadership`) ends its time
 * early. This node takes back its lease before it asks for that; where somebody else asks, or where
 * the request arrives after this node took its lease again (a leave that failed), the rest of the
 * lease is the bound.
 */

/** What a member says of itself. */
export interface MemberStatus {
  /** Decimal, as the gateway writes 64 bits. */
  readonly memberId: string
  /** Member that leads; empty for none. */
  readonly leaderId: string
  readonly term: number
  readonly index: number
  readonly appliedIndex: number
  readonly isLearner: boolean
  readonly dbBytes: number
  readonly version: string
  readonly errors: readonly string[]
}

export interface RaftTimes {
  readonly heartbeatMs: number
  readonly electionMs: number
}

/** How long after a read was sent its proof holds. */
export function leaseMs({ heartbeatMs, electionMs }: RaftTimes): number {
  const drift = electionMs / 10
  return Math.max(0, Math.floor(electionMs - heartbeatMs - drift))
}

/**
 * The times of the engine for those of the configuration: its heartbeat must be a fifth of the
 * election timeout or less, and one that is not becomes a tenth.
 */
export function raftTimes(heartbeatTimeoutMs: number, electionTimeoutMs: number): RaftTimes {
  const most = electionTimeoutMs / 5
  const heartbeatMs = heartbeatTimeoutMs <= most ? heartbeatTimeoutMs : electionTimeoutMs / 10
  return { heartbeatMs: Math.max(1, Math.floor(heartbeatMs)), electionMs: electionTimeoutMs }
}

export type Verdict =
  /** It may lead this term: a linearizable read is to prove it. */
  | { readonly kind: 'to-prove'; readonly term: number }
  | { readonly kind: 'follows'; readonly leaderId: string; readonly term: number }
  | { readonly kind: 'no-leader' }

export function verdictOf(status: MemberStatus): Verdict {
  const { memberId, leaderId, term, errors } = status
  // A member without a leader says so in `errors` and leaves the field out.
  const isLost = errors.some((error) => error.includes('no leader'))
  if (isLost || leaderId === '' || leaderId === '0') return { kind: 'no-leader' }
  if (leaderId === memberId) return { kind: 'to-prove', term }
  return { kind: 'follows', leaderId, term }
}

/** Whether the answer of a linearizable read proves that its member leads this term. */
export const proves = (term: number, answeredTerm: number): boolean => term === answeredTerm
