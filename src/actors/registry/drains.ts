/**
 * Drains: the orders of operators, what agents are told of them, and whether a server may be
 * stopped.
 */
import { limits } from '../../core/base/limits.ts'
import { isAnswered } from '../../core/health/answered.ts'
import type { DrainSaid } from '../../core/health/chorus.ts'
import { safeToStop } from '../../core/health/drain-watch.ts'
import { canonicalServer, canonicalService } from '../../core/health/keys.ts'
import type { Drain } from '../../core/health/report.ts'
import type { Server } from '../../core/health/server.ts'
import { type DrainOrder, encodeBody, GONE } from '../../core/health/shared-bodies.ts'
import { serverKey } from '../../core/net/address.ts'
import type { DrainView } from '../../messages/agent-views.ts'
import type { ProductCatalogue } from '../../messages/catalogue.ts'
import type { DrainForAgent } from '../../messages/drain-entries.ts'
import type { MessageOf, ReplyOf } from '../../messages/entry.ts'
import { acknowledged } from './acknowledged.ts'
import type { Agents } from './agents.ts'
import type { Book } from './book.ts'
import { noteDrain, ttlOf } from './voices.ts'

export type DrainSet = MessageOf<ProductCatalogue, 'api.set-drain'>
export type DrainLift = MessageOf<ProductCatalogue, 'api.lift-drain'>
type SetReply = ReplyOf<ProductCatalogue, 'api.set-drain'>
type LiftReply = ReplyOf<ProductCatalogue, 'api.lift-drain'>

interface Named {
  readonly service?: string | undefined
  readonly address?: string | undefined
  readonly port?: number | undefined
  readonly agentId?: string | undefined
}

/** The servers that all given fields name. */
export function serversNamed({ fleet, chorus }: Book, named: Named): readonly Server[] {
  const { port, agentId } = named
  const service = named.service === undefined ? undefined : canonicalService(named.service)
  const address =
    named.address === undefined ? undefined : canonicalServer('', named.address)?.address
  if (named.address !== undefined && address === undefined) return []
  return [...fleet.servers.values()].filter(
    ({ spec }) =>
      (service === undefined || spec.service === service) &&
      (address === undefined || spec.address === address) &&
      (port === undefined || spec.port === port) &&
      (agentId === undefined || chorus.roll.claimOf(spec.key)?.agentId === agentId),
  )
}

const clip = (text: string) => text.slice(0, limits.overrideTextCharsMax.default)

/** What a drain ordered here is called: unique over overwatches, for the node's name is in it. */
const idOf = (node: string, stamp: number, index: number) =>
  `${node}.${stamp.toString(36)}.${index}`

export async function setDrain(book: Book, agents: Agents, order: DrainSet): Promise<SetReply> {
  const servers = serversNamed(book, order)
  const isNamed = [order.service, order.address, order.agentId].some((one) => one !== undefined)
  if (!isNamed || servers.length === 0)
    return { outcome: 'not-found', message: 'no server is named so', ids: [] }
  const keys = servers.map(({ spec }) => spec.key)
  const refusal = order.force ? undefined : book.fleet.refusal(new Set(keys), book.nowMs())
  if (refusal !== undefined) {
    book.hold(refusal, 'drain')
    const message = `${refusal.message}; force passes it`
    return { outcome: 'held-by-guard-rail', message, ids: [] }
  }
  const nowMs = book.nowMs()
  for (const { spec, judged } of servers)
    if (judged.serving) book.fleet.withdrawn.note(spec.key, nowMs)
  const ids = keys.map((key, index) => {
    const stamp = Math.max(nowMs, book.chorus.drains.stampOf(key) + 1)
    const id = idOf(book.chorus.settings.self, stamp, index)
    const { untilMs } = order
    const end = untilMs === undefined ? {} : { untilMs: Math.floor(untilMs) }
    const drain: DrainOrder = {
      ...{ id, reason: clip(order.reason), author: clip(order.by), sinceMs: stamp },
      ...end,
    }
    tellDrain(book, key, encodeBody(drain), stamp, end.untilMs ?? 0)
    return id
  })
  book.rejudge(keys)
  agents.publishDrains()
  agents.wake()
  book.metrics.drained('set', keys.length)
  book.tell.drained('drain declared', keys, order)
  const { outcome, message } = acknowledged(`${keys.join(', ')} drained`, await book.shortfall())
  return { outcome, message, ids }
}

export async function liftDrain(book: Book, agents: Agents, order: DrainLift): Promise<LiftReply> {
  const found = book.chorus.drains.find(order.id)
  if (found === undefined) {
    const view = drainViews(book).find(({ id }) => id === order.id)
    const message =
      view === undefined
        ? `there is no drain ${order.id}`
        : `agent ${view.agentId ?? ''} declared it itself (${view.drain.by}): lift it there`
    return { outcome: 'not-found', message }
  }
  const { key } = found
  const stamp = Math.max(book.nowMs(), book.chorus.drains.stampOf(key) + 1)
  tellDrain(book, key, GONE, stamp, book.nowMs() + limits.peerTombstoneMs.default)
  book.rejudge([key])
  agents.publishDrains()
  book.metrics.drained('lift', 1)
  book.tell.drained('drain lifted', [key], order)
  return acknowledged(`${key} is no longer drained`, await book.shortfall())
}

function tellDrain(book: Book, id: string, body: Uint8Array, stamp: number, keepUntilMs: number) {
  const nowMs = book.nowMs()
  const record = book.sharing.tell({ kind: 'drain', id, body, stamp, keepUntilMs }, nowMs)
  book.chorus.drains.take(record, nowMs)
}

/** All orders in force whose server an agent speaks for. */
export function drainsForAgents({ chorus }: Book): readonly DrainForAgent[] {
  return chorus.drains.list().flatMap(({ key, order }) => {
    const claim = chorus.roll.claimOf(key)
    if (claim === undefined) return []
    const { service, address, port } = claim.backend
    const { author: _, ...rest } = order
    const drain: Drain = { ...rest, by: 'overwatch' }
    return [{ agentId: claim.agentId, backend: serverKey(service, address, port), drain }]
  })
}

export function drainViews(book: Book): readonly DrainView[] {
  const views: DrainView[] = []
  for (const server of book.fleet.servers.values()) {
    const said = book.chorus.drainOf(server.spec.key)
    if (said !== undefined) views.push(drainView(book, server, said))
  }
  return views
}

/** What keeps a server that drains in the answers of this node. */
function keeperOf(book: Book, server: Server): string | undefined {
  if (!isAnswered(book.fleet, server)) return
  if (server.judged.cause === 'override') return 'an override keeps it in the answers'
  return server.places.some(({ pool, member }) => book.fleet.pools[pool]!.isServing(member))
    ? 'the guard-rail keeps it in the answers'
    : 'nobody else serves, and when_all_down keeps it in the answers'
}

function drainView(book: Book, server: Server, said: DrainSaid): DrainView {
  const { spec } = server
  const { chorus, told } = book
  // Words may have changed that nobody's voice changed, as at the end of a hold-down.
  noteDrain(book, server)
  const { key, service, address, port } = spec
  const { author, ...drain } = said
  const claim = chorus.roll.claimOf(key)
  const connections = claim?.backend.connections
  const ownMs = told.withdrawnMs(key, drain.id)
  const safe = safeToStop({
    drain,
    everyOverwatchAcknowledgedMs:
      ownMs === undefined ? undefined : chorus.votes.withdrawnMs(key, drain.id, ownMs),
    kept: keeperOf(book, server),
    ttlSeconds: ttlOf(book, server),
    formerUntilMs: told.formerTtls.untilMs(key),
    connections,
    nowMs: book.nowMs(),
  })
  return {
    ...{ id: drain.id, backend: key, service, address, port, drain, author, safe },
    ...(claim === undefined ? {} : { agentId: claim.agentId }),
    ...(connections === undefined ? {} : { connections }),
  }
}
