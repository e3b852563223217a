/**
 * How the state of the cluster looks to those who ask.
 */

export interface ClusterMemberView {
  readonly id: string
  readonly name: string
  /** `host:port` of its Raft; empty where the members are those of another cluster. */
  readonly address: string
  readonly role: 'leader' | 'follower' | 'learner'
  readonly isVoter: boolean
  /** It gave a sign of life in the last seconds. */
  readonly isAlive: boolean
  readonly version: string
}

export interface ClusterView {
  readonly node: string
  /** `stopped`: the engine does not run. */
  readonly state: 'leader' | 'follower' | 'candidate' | 'learner' | 'stopped'
  readonly engine: 'embedded' | 'external'
  readonly leader: string
  readonly leaderAddress: string
  /** Whether this node answers queries now. */
  readonly answers: boolean
  readonly term: number
  readonly commitIndex: number
  readonly members: readonly ClusterMemberView[]
  /** Records that wait for a quorum. */
  readonly pending: number
  /** Elections this node saw since it started, and when the last was, Unix milliseconds or 0. */
  readonly elections: number
  readonly lastElectionMs: number
  readonly engineVersion: string
}
