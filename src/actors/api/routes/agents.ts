/**
 * Agents: whose keys are pinned, whose certificates end soon, and the end of trust in one.
 */
import { limits } from '../../../core/base/limits.ts'
import { fail, ok, type Result } from '../../../core/base/result.ts'
import type { AgentView } from '../../../messages/agent-views.ts'
import { Fields, parseObject } from '../body.ts'
import { ask, callerOf, type Context, listAnswer } from '../context.ts'
import { type HttpAnswer, json, refuse, timestamp, timestampOf } from '../http.ts'
import { type Call, type Route, route } from '../router.ts'
import { agentSchemas as schemas } from '../schemas/agents.ts'

const LIST = '/api/v1/overwatch/agents'
const ONE = '/api/v1/overwatch/agents/{id}'
const HOUR_MS = 3_600_000
const EXPIRING_DAYS = 30
const DAYS_MAX = 3_650

export function agentRoutes(context: Context): Route[] {
  const nowMs = () => context.ctx.clock.nowMs()
  return [
    route('GET', LIST, 'Every agent whose key is pinned', (call) => listed(context, call), {
      schema: schemas.list,
    }),
    route(
      'GET',
      `${LIST}/expiring`,
      'Agents whose certificate ends soon',
      (call) => listedExpiring(context, call),
      { schema: schemas.expiring },
    ),
    route(
      'GET',
      ONE,
      'One agent',
      async ({ params }) => {
        const agents = await list(context)
        if (!agents.ok) return agents.error
        const found = agents.value.find((agent) => agent.agentId === params['id'])
        return found === undefined
          ? refuse(404, 'agent not found')
          : json(200, agentOf(found, nowMs()))
      },
      { schema: schemas.one },
    ),
    route(
      'DELETE',
      ONE,
      'Forget the key of an agent, so that it may be pinned anew',
      (call) => forget(context, call),
      { schema: schemas.forget },
    ),
    route(
      'POST',
      `${ONE}/revoke`,
      'Never believe an agent again',
      (call) => revoke(context, call),
      {
        schema: schemas.revoke,
      },
    ),
    route(
      'POST',
      `${ONE}/rotate`,
      'Have an agent make another key, introduced by the present one',
      (call) => rotate(context, call),
      { schema: schemas.rotate },
    ),
  ]
}

async function listed(context: Context, { query }: Call): Promise<HttpAnswer> {
  const agents = await list(context)
  if (!agents.ok) return agents.error
  const nowMs = context.ctx.clock.nowMs()
  return listAnswer(context, query, 'agents', agents.value, (agent) => agentOf(agent, nowMs), {
    revoked: agents.value.filter((agent) => agent.revoked).length,
    expiring: expiringOf(agents.value, EXPIRING_DAYS, nowMs).length,
  })
}

async function listedExpiring(context: Context, { query }: Call): Promise<HttpAnswer> {
  const days = daysOf(query.get('threshold_days'))
  if (days === undefined)
    return refuse(400, `threshold_days must be a number from 0 to ${DAYS_MAX}`)
  const agents = await list(context)
  if (!agents.ok) return agents.error
  const nowMs = context.ctx.clock.nowMs()
  const expiring = expiringOf(agents.value, days, nowMs)
  return listAnswer(context, query, 'expiring', expiring, (agent) => agentOf(agent, nowMs), {
    count: expiring.length,
    threshold_days: days,
  })
}

/** Every agent, in the order of their names. */
export async function list(context: Context): Promise<Result<readonly AgentView[], HttpAnswer>> {
  const reply = await ask(context, 'api.list-agents', {})
  if (!reply.ok) return reply
  const sorted = [...reply.value.agents].sort((a, b) => (a.agentId < b.agentId ? -1 : 1))
  return ok(sorted)
}

export async function forget(context: Context, call: Call): Promise<HttpAnswer> {
  const agentId = call.params['id']!
  await noteBefore(context, call)
  const reply = await ask(context, 'api.forget-agent', { agentId, by: callerOf(call) })
  return reply.ok ? answerOf(reply.value) : reply.error
}

async function revoke(context: Context, call: Call): Promise<HttpAnswer> {
  const reason = reasonOf(call)
  if (!reason.ok) return reason.error
  await noteBefore(context, call)
  const order = { agentId: call.params['id']!, reason: reason.value, by: callerOf(call) }
  const reply = await ask(context, 'api.revoke-agent', order)
  return reply.ok ? answerOf(reply.value) : reply.error
}

/** How often, and how far apart, it is looked whether the new key is known. */
const LOOKS = 10
const LOOK_MS = 200

/** Answers once the new key is believed here; 202 where that takes longer than a request may. */
async function rotate(context: Context, call: Call): Promise<HttpAnswer> {
  const agentId = call.params['id']!
  await noteBefore(context, call)
  const reply = await ask(context, 'api.rotate-agent', { agentId, by: callerOf(call) })
  if (!reply.ok) return reply.error
  const { outcome, message, fingerprint: before } = reply.value
  if (outcome === 'not-found') return refuse(404, 'agent not found')
  if (outcome === 'refused') return refuse(409, message)
  for (let look = 0; look < LOOKS; look++) {
    await new Promise<void>((resolve) => context.ctx.clock.after(LOOK_MS, resolve))
    const agents = await list(context)
    const now = agents.ok ? agents.value.find((one) => one.agentId === agentId) : undefined
    if (now === undefined || now.fingerprint === before) continue
    const said = `${agentId} signs with another key now`
    return json(200, { success: true, message: said, fingerprint: now.fingerprint })
  }
  return json(202, { success: true, message, fingerprint: before })
}

/** The audit log gets the key that is forgotten, or believed no more. */
async function noteBefore(context: Context, call: Call): Promise<void> {
  const agents = await list(context)
  const one = agents.ok
    ? agents.value.find(({ agentId }) => agentId === call.params['id'])
    : undefined
  if (one === undefined) return
  const { fingerprint, revoked, alg, services } = one
  call.audited({ before: { fingerprint, revoked, algorithm: alg || 'none', services } })
}

function reasonOf({ request }: Call): Result<string, HttpAnswer> {
  const object = parseObject(request.body)
  if (!object.ok) return fail(refuse(400, object.error))
  const fields = new Fields(object.value)
  const reason = fields.requiredText('reason')
  return fields.fault === undefined ? ok(reason) : fail(refuse(400, fields.fault))
}

const answerOf = ({ outcome, message }: { outcome: string; message: string }): HttpAnswer =>
  outcome === 'not-found' ? refuse(404, 'agent not found') : json(200, { success: true, message })

function daysOf(text: string | null): number | undefined {
  if (text === null) return EXPIRING_DAYS
  return /^[0-9]{1,4}$/.test(text) && Number(text) <= DAYS_MAX ? Number(text) : undefined
}

const expiringOf = (agents: readonly AgentView[], days: number, nowMs: number) =>
  agents.filter(
    ({ revoked, notAfterMs }) =>
      !revoked && notAfterMs > 0 && notAfterMs - nowMs <= days * 24 * HOUR_MS,
  )

function agentOf(agent: AgentView, nowMs: number) {
  const { notAfterMs, revoked } = agent
  return {
    agent_id: agent.agentId,
    fingerprint: agent.fingerprint,
    region: agent.region,
    first_seen: timestamp(agent.firstSeenMs),
    last_seen: timestamp(agent.lastSeenMs),
    not_after: notAfterMs === 0 ? undefined : timestamp(notAfterMs),
    revoked,
    revoked_at: revoked ? timestampOf(agent.revokedAtMs) : undefined,
    revoked_reason: revoked ? agent.revokedReason : undefined,
    expires_in_hours: notAfterMs === 0 ? undefined : Math.floor((notAfterMs - nowMs) / HOUR_MS),
    algorithm: agent.alg || 'none',
    services: agent.services.slice(0, limits.apiListItems.default),
    connected: agent.connected,
    backends: agent.backends,
    address: agent.address,
    member_state: agent.memberState,
  }
}
