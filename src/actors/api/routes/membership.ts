/**
 * Cluster mode: who leads, who is a member, and how one leaves.
 */
import type { ClusterView } from '../../../messages/cluster-views.ts'
import { ask, callerOf, type Context } from '../context.ts'
import { type HttpAnswer, json, refuse } from '../http.ts'
import { type Call, type Route, route } from '../router.ts'
import { clusterSchemas as schemas } from '../schemas/cluster.ts'

const MEMBERS = '/api/v1/cluster/members'

const ALONE = 'this node is alone: cluster.mode is standalone'

export function membershipRoutes(context: Context): Route[] {
  return [
    route('GET', MEMBERS, 'Who is a member of the cluster', () => members(context), {
      schema: schemas.members,
    }),
    route(
      'GET',
      '/api/v1/cluster/leader',
      'Whether this node answers: 200 if so, 503 if not, for what announces an anycast address',
      () => leader(context),
      { open: true, schema: schemas.leader },
    ),
    route('POST', '/api/v1/cluster/leave', 'Be a member no more', (call) => leave(context, call), {
      schema: schemas.leave,
    }),
    route(
      'DELETE',
      `${MEMBERS}/{id}`,
      'Remove a member for good',
      (call) => remove(context, call),
      {
        schema: schemas.removeMember,
      },
    ),
  ]
}

/** What this node knows of the cluster; undefined where it is alone. */
export async function clusterOf(context: Context): Promise<ClusterView | undefined> {
  if (context.config().mode !== 'cluster') return undefined
  const reply = await ask(context, 'api.read-cluster', {})
  return reply.ok ? reply.value.cluster : undefined
}

/** The fields of the status that only cluster mode has. */
export function clusterFacts(view: ClusterView | undefined) {
  if (view === undefined) return {}
  const { node, state, leader: leading, leaderAddress, answers, term, commitIndex } = view
  return {
    mode: 'cluster',
    node_id: node,
    node_name: node,
    is_leader: state === 'leader',
    leader_id: leading,
    leader_address: leaderAddress,
    cluster_size: view.members.length,
    state,
    answers,
    members: view.members.map(({ name, address, isAlive }) => ({
      name,
      address,
      status: isAlive ? 'alive' : 'failed',
    })),
    raft: { state, term, commit_index: commitIndex },
    engine: { kind: view.engine, version: view.engineVersion },
    pending_records: view.pending,
  }
}

const STATES = { leader: 'Leader', follower: 'Follower', learner: 'Learner' } as const

async function members(context: Context): Promise<HttpAnswer> {
  if (context.config().mode !== 'cluster') return refuse(404, ALONE)
  const reply = await ask(context, 'api.read-cluster', {})
  if (!reply.ok) return reply.error
  const told = reply.value.cluster.members.map((member) => ({
    id: member.name,
    address: member.address,
    state: STATES[member.role],
    is_voter: member.isVoter,
    is_alive: member.isAlive,
    version: member.version,
  }))
  return json(200, { members: told })
}

async function leader(context: Context): Promise<HttpAnswer> {
  const { mode, nodeId } = context.config()
  // A node that is alone answers as long as it runs.
  if (mode !== 'cluster') return json(200, { is_leader: true, leader_id: nodeId })
  const view = await clusterOf(context)
  const body = { is_leader: view?.state === 'leader', leader_id: view?.leader ?? '' }
  return json(view?.answers === true ? 200 : 503, body)
}

interface Changed {
  readonly outcome: 'done' | 'not-found' | 'refused' | 'unavailable'
  readonly message: string
}

const STATUS = { 'not-found': 404, refused: 409, unavailable: 503 } as const

const answerOf = ({ outcome, message }: Changed): HttpAnswer =>
  outcome === 'done' ? json(200, { success: true, message }) : refuse(STATUS[outcome], message)

async function leave(context: Context, call: Call): Promise<HttpAnswer> {
  if (context.config().mode !== 'cluster') return refuse(404, ALONE)
  const reply = await ask(context, 'api.leave-cluster', { by: callerOf(call) })
  return reply.ok ? answerOf(reply.value) : reply.error
}

async function remove(context: Context, call: Call): Promise<HttpAnswer> {
  if (context.config().mode !== 'cluster') return refuse(404, ALONE)
  const order = { name: call.params['id']!, by: callerOf(call) }
  const reply = await ask(context, 'api.remove-member', order)
  return reply.ok ? answerOf(reply.value) : reply.error
}
