/**
 * The agents of the deployment: what the registry heard of each, beside what gossip knows of it.
 *
 * What agents say of their backends is the registry's to tell, so that pages about agents answer,
 * with less in them, while the gossip actor does not.
 */
import { ok, type Result } from '../../core/base/result.ts'
import type { AgentSay, AgentView } from '../../messages/agent-views.ts'
import type { BackendView } from '../../messages/views.ts'
import { ask, type Context } from './context.ts'
import type { HttpAnswer } from './http.ts'
import { list } from './routes/agents.ts'

export interface KnownAgent {
  readonly agentId: string
  readonly region: string
  readonly lastSeenMs: number
  readonly silent: boolean
  readonly backends: readonly BackendView[]
  readonly view: AgentView | undefined
}

export interface Known {
  readonly agents: readonly KnownAgent[]
  readonly backends: readonly BackendView[]
}

export async function knownAgents(context: Context): Promise<Result<Known, HttpAnswer>> {
  const [backends, views] = await Promise.all([
    ask(context, 'api.list-backends', {}),
    list(context),
  ])
  if (!backends.ok) return backends
  const byAgent = new Map<string, { say: AgentSay; backends: BackendView[] }>()
  for (const backend of backends.value.backends) {
    const say = backend.hearing?.agent
    if (say === undefined) continue
    const known = byAgent.get(say.agentId)
    if (known === undefined) byAgent.set(say.agentId, { say, backends: [backend] })
    else known.backends.push(backend)
  }
  const pinned = new Map((views.ok ? views.value : []).map((view) => [view.agentId, view]))
  const agents = [...new Set([...byAgent.keys(), ...pinned.keys()])].sort().map((agentId) => {
    const known = byAgent.get(agentId)
    const view = pinned.get(agentId)
    return {
      agentId,
      region: view?.region ?? known?.backends[0]?.region ?? '',
      lastSeenMs: Math.max(known?.say.lastSeenMs ?? 0, view?.lastSeenMs ?? 0),
      silent: known?.say.silent ?? view?.connected !== true,
      backends: known?.backends ?? [],
      view,
    }
  })
  return ok({ agents, backends: backends.value.backends })
}
