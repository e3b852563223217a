/**
 * Edits of operators: whether one may pass, and what follows from it.
 *
 * It is answered once it is in the answers and on disk. The guard-rail looks at it as at an order:
 * what would empty a pool, or take out too large a share of it, needs `force`.
 */
import { recordsAgainst } from '../../core/config/overlay/content.ts'
import { canonicalId, editOverlay } from '../../core/config/overlay/edit.ts'
import { viewOf } from '../../core/config/overlay/views.ts'
import type { FleetTopology, MemberSpec } from '../../core/steer/topology.ts'
import type { ProductCatalogue } from '../../messages/catalogue.ts'
import type { MessageOf, ReplyOf } from '../../messages/entry.ts'
import type { EditOutcome } from '../../messages/views.ts'
import { acknowledged } from './acknowledged.ts'
import type { Book } from './book.ts'
import type { RegistryConfig } from './contract.ts'
import type { Ground, Objects } from './objects.ts'

type Order = MessageOf<ProductCatalogue, 'api.edit-object'>
type Reply = ReplyOf<ProductCatalogue, 'api.edit-object'>

const refuse = (outcome: EditOutcome, message: string, field = ''): Reply => ({
  outcome,
  field,
  message,
})

/** @param told is given the keys of the entries that the edit changed */
export async function editObject(
  book: Book,
  objects: Objects,
  order: Order,
  told: (keys: readonly string[]) => void,
): Promise<Reply> {
  const { ground } = objects
  if (ground === undefined) return refuse('unavailable', 'this node has nothing to edit')
  const id = canonicalId(order.kind, order.id)
  if (!id.ok) return refuse(order.action === 'create' ? 'invalid' : 'not-found', id.error)
  const named = { ...order, id: id.value }
  const stale = staleness(objects, ground, named) ?? foreign(book, objects, named)
  if (stale !== undefined) return stale
  const conflict = conflictOf(ground, named)
  if (conflict !== undefined) return conflict
  const edited = editOverlay(ground.base, objects.entries, ground.compiled, {
    ...named,
    atMs: book.nowMs(),
    revision: objects.nextRevision,
  })
  if (!edited.ok) return refuse(edited.error.code, edited.error.message, edited.error.field)
  const next = objects.contentOf(ground, edited.value.compiled)
  const leaving = leavingOf(ground.content.topology, next.topology)
  // What waits to be compiled leaves as well.
  const all = new Set([...leaving, ...book.leaving])
  const refusal = order.force ? undefined : book.fleet.refusal(all, book.nowMs())
  if (refusal !== undefined) {
    book.hold(refusal, 'edit')
    return refuse('held-by-guard-rail', `${refusal.message}; force passes it`)
  }
  const [before] = objects.list(named.kind, named.id)
  const config = objects.take(edited.value, next)
  told(edited.value.touched)
  const done = await carryOut(book, objects, named, config, leaving)
  return before === undefined ? done : { ...done, before }
}

async function carryOut(
  book: Book,
  objects: Objects,
  { kind, id, action, by, force }: Order,
  config: RegistryConfig,
  leaving: ReadonlySet<string>,
): Promise<Reply> {
  book.tell.edited(action, { kind, id, by, ...(force ? { force } : {}) })
  book.feed.record('config.edited', {}, { kind, id, action, by })
  const stored = book.askStored()
  await book.reconfigure(config, leaving)
  const out = book.press.isOut(book.fleet.epoch)
  const [isOut, lacks] = await Promise.all([out, book.shortfall(stored)])
  // Whoever was answered finds it in all that the API tells.
  book.press.tellSnapshot()
  const why = book.fault ?? book.press.refusal ?? 'it is in force once it is signed'
  const isHeld = lacks.isStored && (!isOut || book.fault !== undefined)
  const shortfall = isHeld ? { isStored: true, note: `held: ${why}` } : lacks
  const ground = objects.ground!
  const object = viewOf(ground.base, objects.entries, ground.compiled, kind, id)
  const done = { field: '', ...acknowledged(`${kind} ${id}: ${action} done`, shortfall) }
  return object === undefined ? done : { ...done, object }
}

/** If-Match: the object must still be what the operator looked at (RFC 9110 section 13.1.1). */
function staleness(objects: Objects, ground: Ground, order: Order): Reply | undefined {
  const { kind, id, ifMatch } = order
  if (ifMatch === undefined) return
  const view = viewOf(ground.base, objects.entries, ground.compiled, kind, id)
  const tags = ifMatch.split(',').map((tag) => tag.trim().replace(/^"(.*)"$/, '$1'))
  const own = view === undefined ? [] : [view.tag, `r${view.revision}`, '*']
  if (tags.some((tag) => own.includes(tag))) return
  return refuse('stale', `the ${kind} has changed: it is at ${view?.tag ?? 'no revision'}`)
}

/** What agents declare is theirs to edit. */
function foreign({ fleet, chorus }: Book, objects: Objects, order: Order): Reply | undefined {
  const { kind, id, action } = order
  if (kind !== 'server') return
  const claim = chorus.roll.claimOf(id)
  if (claim === undefined || fleet.servers.get(id)?.spec.source !== 'agent') return
  if (objects.list(kind, id).length > 0) return
  if (action === 'create') return refuse('exists', `the agent ${claim.agentId} declares the server`)
  const why = `the agent ${claim.agentId} declares the server: edit it there, or drain it here`
  return refuse('conflict', why)
}

/** A new name against the records that the file gives its zone. */
function conflictOf({ given, compiled }: Ground, order: Order): Reply | undefined {
  if (order.action !== 'create') return
  const conflict = recordsAgainst(order, compiled.applied.config, given)
  if (conflict === undefined) return
  return refuse('conflict', conflict, order.kind === 'domain' ? 'name' : 'service')
}

/** Servers that take no traffic any more in a pool that goes on. */
export function leavingOf(before: FleetTopology, after: FleetTopology): ReadonlySet<string> {
  const takes = (members: readonly MemberSpec[]) =>
    members.filter(({ weight }) => weight > 0).map(({ key }) => key)
  const next = new Map(after.pools.map(({ name, members }) => [name, members]))
  const leaving = new Set<string>()
  for (const { name, members } of before.pools) {
    const rest = next.get(name)
    if (rest === undefined || rest === members) continue
    const staying = new Set(takes(rest))
    for (const key of takes(members)) if (!staying.has(key)) leaving.add(key)
  }
  return leaving
}
