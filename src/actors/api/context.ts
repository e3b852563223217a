/**
 * What the handlers of all routes share.
 */
import { limits } from '../../core/base/limits.ts'
import { fail, ok, type Result } from '../../core/base/result.ts'
import type { Ctx } from '../../kernel/actor.ts'
import type { ProductCatalogue } from '../../messages/catalogue.ts'
import type { ReplyOf } from '../../messages/entry.ts'
import type { BackendView, CheckView } from '../../messages/views.ts'
import type { ApiConfig, ApiPorts } from './contract.ts'
import { type HttpAnswer, json, refuse, timestamp } from './http.ts'
import type { Feed } from './feed/feed.ts'
import type { History } from './history.ts'
import type { Members } from './members.ts'
import type { Call } from './router.ts'
import type { Rates } from './rates.ts'
import type { Sampling } from './sampling.ts'
import type { Decisions } from './decisions.ts'
import type { Epochs } from './epochs.ts'
import type { LearnedVersions } from './learned.ts'
import type { Serving } from './serving.ts'

export type ApiCtx = Ctx<ProductCatalogue, 'api'>

export interface Context {
  readonly ctx: ApiCtx
  readonly ports: ApiPorts
  /** The configuration as of now. */
  readonly config: () => ApiConfig
  readonly serving: Serving
  readonly members: Members
  readonly feed: Feed
  readonly rates: Rates
  readonly history: History
  readonly sampling: Sampling
  readonly epochs: Epochs
  readonly learned: LearnedVersions
  readonly decisions: Decisions
}

/** Asks that the API sends, by id. */
type AskId = Parameters<ApiCtx['ask']>[0]

const PEERS: Record<AskId, string> = {
  'api.set-override': 'registry',
  'api.clear-override': 'registry',
  'api.list-backends': 'registry',
  'api.list-checks': 'prober',
  'api.count-checks': 'prober',
  'api.list-agents': 'gossip',
  'api.revoke-agent': 'gossip',
  'api.forget-agent': 'gossip',
  'api.pin-agent': 'gossip',
  'api.rotate-agent': 'gossip',
  'api.set-drain': 'registry',
  'api.lift-drain': 'registry',
  'api.list-drains': 'registry',
  'api.validate-now': 'registry',
  'api.read-events': 'registry',
  'api.edit-object': 'registry',
  'api.list-objects': 'registry',
  'api.list-differences': 'registry',
  'api.read-history': 'registry',
  'api.read-log': 'registry',
  'api.set-local-drain': 'vitals',
  'api.lift-local-drain': 'vitals',
  'api.list-local-drains': 'vitals',
  'api.explain-latency': 'latency',
  'api.read-cluster': 'cluster',
  'api.leave-cluster': 'cluster',
  'api.remove-member': 'cluster',
  'api.list-latency': 'latency',
  'api.add-latency': 'latency',
  'api.list-keys': 'signer',
  'api.sync-keys': 'signer',
  'api.roll-keys': 'signer',
  'api.exchange-keys': 'signer',
  'api.tell-ds': 'signer',
}

/** Orders that are answered once the cluster has stored them, or has had its time to. */
const STORED: ReadonlySet<AskId> = new Set<AskId>([
  ...(['api.edit-object', 'api.set-override', 'api.clear-override'] as const),
  ...(['api.set-drain', 'api.lift-drain'] as const),
])

/** Asks another actor; a fault becomes the 503 that the client gets. */
export async function ask<Id extends AskId>(
  { ctx }: Context,
  id: Id,
  message: Parameters<typeof ctx.ask<Id>>[1],
): Promise<Result<ReplyOf<ProductCatalogue, Id>, HttpAnswer>> {
  const storeMs = STORED.has(id) ? limits.clusterWriteMs.default : 0
  const reply = await ctx.ask<Id>(id, message, limits.apiAskMs.default + storeMs)
  if (reply.ok) return ok(reply.value)
  const { error } = reply
  ctx.log.warn('ask failed', { id, reason: error.code })
  if (error.code === 'failed') return fail(refuse(500, `the ${PEERS[id]} failed`))
  return fail(
    refuse(503, `the ${PEERS[id]} did not answer (${error.code})`, { 'retry-after': '1' }),
  )
}

/** A server with what the prober last saw of it. */
export interface Joined {
  readonly backend: BackendView
  readonly check: CheckView | undefined
}

export interface Joint {
  readonly joined: readonly Joined[]
  readonly settled: boolean
  readonly regions: readonly string[]
}

/**
 * Every server with its latest check. A prober that does not answer costs the details of the
 * checks, not the whole answer: the state of a server is the registry's to tell.
 * @param wanted of one service, where that is enough: all of them are a large message
 */
export async function joinBackends(
  context: Context,
  wanted: { readonly layers?: boolean; readonly service?: string } = {},
): Promise<Result<Joint, HttpAnswer>> {
  const { service } = wanted
  const [backends, checks] = await Promise.all([
    ask(context, 'api.list-backends', wanted),
    ask(context, 'api.list-checks', service === undefined ? {} : { service }),
  ])
  if (!backends.ok) return backends
  const byKey = new Map<string, CheckView>()
  if (checks.ok) for (const check of checks.value.checks) byKey.set(check.key, check)
  const { settled, regions } = backends.value
  const joined = backends.value.backends.map((backend) => ({
    backend,
    check: byKey.get(backend.key),
  }))
  return ok({ joined, settled, regions })
}

/**
 * Who asks, as an override or a drain is signed: the name of a token or certificate. A caller by
 * network is who its X-User header says, which is its own word.
 */
export function callerOf({ caller, request }: Call): string {
  if (caller.kind !== 'network') return caller.name
  const name = (request.headers['x-user'] ?? '').trim().slice(0, limits.apiTextChars.default)
  return name === '' ? 'api' : name
}

export const nowText = ({ ctx }: Context): string => timestamp(ctx.clock.nowMs())

/** `limit` and `offset` of a list; absent means all. */
export function pageOf<T>(
  items: readonly T[],
  query: URLSearchParams,
): Result<readonly T[], HttpAnswer> {
  const most = limits.apiListItems.default
  const read = (name: string, fallback: number): number | undefined => {
    const given = query.get(name)
    if (given === null) return fallback
    return /^[0-9]{1,9}$/.test(given) && Number(given) <= most ? Number(given) : undefined
  }
  const count = read('limit', items.length)
  const offset = read('offset', 0)
  if (count === undefined || offset === undefined)
    return fail(refuse(400, `limit and offset must be numbers from 0 to ${most}`))
  return ok(items.slice(offset, offset + count))
}

/** A list as every list is told: a page of it, how many there are, and when. */
export function listAnswer<T>(
  context: Context,
  query: URLSearchParams,
  name: string,
  items: readonly T[],
  told: (item: T) => unknown = (item) => item,
  beside: Readonly<Record<string, unknown>> = {},
): HttpAnswer {
  const page = pageOf(items, query)
  if (!page.ok) return page.error
  // In full only what is shown: a page of many servers must not cost them all.
  const shown = page.value.map(told)
  return json(200, {
    [name]: shown,
    total: items.length,
    ...beside,
    generated_at: nowText(context),
  })
}
