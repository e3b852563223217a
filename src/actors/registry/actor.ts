/**
 * The registry: the single writer of what is true about servers.
 *
 * Verdicts and orders come in, each becomes an event, and what it changes is published in the same
 * turn; the disk follows within 50 ms. What an event means is decided in core/health, which gets
 * the time from here and nothing else.
 */
import type { ProductCatalogue } from '../../messages/catalogue.ts'
import type { MessageOf, ReplyOf } from '../../messages/entry.ts'
import { limits } from '../../core/base/limits.ts'
import { defineActor } from '../define.ts'
import { Chorus } from '../../core/health/chorus.ts'
import { SUMMARY_RECORD } from '../../core/health/summary.ts'
import { readKept } from '../../core/health/kept.ts'
import { acknowledged } from './acknowledged.ts'
import { Agents } from './agents.ts'
import { Book } from './book.ts'
import type { RegistryConfig, RegistryPorts } from './contract.ts'
import { editObject } from './edits.ts'
import { SharedEdits } from './edits-shared.ts'
import { Objects } from './objects.ts'
import { drainViews, liftDrain, serversNamed, setDrain } from './drains.ts'
import {
  type ClearOrder,
  clearEvent,
  keysOf,
  overridesOf,
  refusalOfOrder,
  type SetOrder,
  serversOf,
  setEvent,
} from './overrides.ts'
import { Summary } from './summary.ts'
import { tellIssued } from './press-world.ts'
import { restore } from './restore.ts'
import { backendView, holdViews } from './views.ts'
import { noteStored } from './voices.ts'

type Reply = ReplyOf<ProductCatalogue, 'api.set-override'>

const notFound = (message: string): Reply => ({ outcome: 'not-found', message })

/**
 * An operator is answered once the order is on disk, in cluster mode on those of a quorum: what was
 * acknowledged survives a crash.
 */
async function done(book: Book, message: string): Promise<Reply> {
  return acknowledged(message, await book.shortfall())
}

async function setOverride(book: Book, order: SetOrder): Promise<Reply> {
  const servers = serversOf(book.fleet, order)
  if (servers.length === 0) {
    return notFound(`no server ${order.address} of "${order.service}" is known`)
  }
  const refusal = refusalOfOrder(book.fleet, servers, order, book.nowMs())
  if (refusal !== undefined) {
    book.hold(refusal, 'override')
    return { outcome: 'held-by-guard-rail', message: `${refusal.message}; force passes it` }
  }
  const before = overridesOf(servers)
  for (const server of servers) {
    book.fold(setEvent(server, order, book.nowMs()))
    book.told.override(server, book.nowMs())
    book.metrics.overrideChanged(server.spec.service, 'set')
    book.tell.override('override set', server, order)
  }
  const state = order.healthy ? 'healthy' : 'unhealthy'
  return { ...(await done(book, `${keysOf(servers)} forced ${state}`)), before }
}

async function clearOverride(book: Book, order: ClearOrder): Promise<Reply> {
  const named = serversOf(book.fleet, order)
  const servers = named.filter((server) => server.health.override !== undefined)
  if (servers.length === 0) {
    return notFound(`${order.address} of "${order.service}" has no override`)
  }
  const before = overridesOf(servers)
  for (const server of servers) {
    book.fold(clearEvent(server, order, book.nowMs()))
    book.told.override(server, book.nowMs())
    book.metrics.overrideChanged(server.spec.service, 'clear')
    book.tell.override('override cleared', server, order)
  }
  return { ...(await done(book, `${keysOf(servers)} follows its checks again`)), before }
}

type Verdict = MessageOf<ProductCatalogue, 'prober.verdict-changed'>

function onVerdict(book: Book, { target, verdict, atMs, reason }: Verdict): void {
  const server = book.fleet.servers.get(target)
  if (server === undefined) {
    book.metrics.verdictIgnored('unknown-server')
    return
  }
  const nowMs = book.nowMs()
  const knownMs = server.health.verdictAtMs
  // A clock that was set back must not shut out what happens from now on.
  const stampMs = knownMs > nowMs ? knownMs + 1 : Math.floor(Math.min(atMs, nowMs))
  if (stampMs < knownMs) {
    book.metrics.verdictIgnored('out-of-date')
    return
  }
  book.fold({ kind: 'verdict-changed', key: target, verdict, atMs: stampMs, reason })
}

function validateNow(
  book: Book,
  agents: Agents,
  named: MessageOf<ProductCatalogue, 'api.validate-now'>,
): ReplyOf<ProductCatalogue, 'api.validate-now'> {
  const servers = serversNamed(book, named)
  const count = servers.filter((server) => agents.check(server, false)).length
  if (count > 0) return { count, message: `${count} backends are checked now` }
  const none = servers.length === 0 ? 'no such backend' : 'backends of agents are not checked here'
  return { count, message: none }
}

/** The newest events since a moment. */
async function newestEvents(
  { log }: RegistryPorts,
  { fromMs, most }: MessageOf<ProductCatalogue, 'api.read-log'>,
): Promise<ReplyOf<ProductCatalogue, 'api.read-log'>> {
  const { events } = await log.read(limits.eventMendBytes.default)
  return { events: events.filter(({ atMs }) => atMs >= fromMs).slice(-most) }
}

const listBackends = (
  book: Book,
  { layers = false, service }: MessageOf<ProductCatalogue, 'api.list-backends'>,
): ReplyOf<ProductCatalogue, 'api.list-backends'> => ({
  backends: [...book.fleet.servers.values()]
    .filter(({ spec }) => service === undefined || spec.service === service)
    .map((one) => backendView(book, one, layers)),
  settled: book.fleet.isSettled(),
  regions: book.fleet.topology.regions.map((region) => region.name),
  holds: holdViews(book.fleet),
})

export const registry = defineActor(
  'registry',
  async (ctx, ports: RegistryPorts, first: RegistryConfig) => {
    const objects = new Objects(ctx, ports.objects)
    objects.restore(await ports.objects.load())
    const config = objects.adopt(first)
    const chorus = new Chorus(config.agents.chorus, Math.floor(ctx.clock.nowMs()))
    const book = new Book(ctx, ports, config, chorus)
    const agents = new Agents(ctx, ports, book)
    const stored = await restore(ports, ctx.log, book.nowMs())
    book.metrics.rowsDropped(stored.dropped)
    const kept = agents.restore(readKept(await ports.shared.load()))
    noteStored(book, stored.rows)
    await book.open(stored.rows)
    agents.open(config.foresight)
    const edits = new SharedEdits({ ctx, store: ports.shared, book, objects, config }, kept)
    agents.onEdit = (record) => edits.learned(record)
    await edits.meet()
    const summary = new Summary(ctx, book)
    if (config.isClustered === true) summary.start()

    return {
      receive: {
        'prober.verdict-changed': (message) => onVerdict(book, message),
        'prober.times-measured': ({ rows }) => book.timed(rows),
        'dns.loads-counted': (told) => book.press.words(book.crowds.counted(told)),
        'latency.rows-set': ({ parts }) => book.learned.routed(parts),
        'api.set-override': (order) => setOverride(book, order),
        'api.clear-override': (order) => clearOverride(book, order),
        'gossip.agent-reported': (message) => agents.reported(message),
        'gossip.agent-seen': (message) => agents.seen(message),
        'gossip.agent-left': (message) => agents.left(message),
        'gossip.record-learned': (record) => agents.learned(record),
        'cluster.record-learned': (record) => {
          if (record.kind === SUMMARY_RECORD) agents.summed(record)
          else agents.learned(record)
        },
        'gossip.members-set': ({ members }) => agents.members.set(members),
        'gossip.member-changed': (change) => agents.members.change(change),
        'gossip.overwatches-set': (message) => agents.overwatches(message),
        'api.read-events': (order) => book.feed.read(order),
        'api.event-noted': (event) => book.feed.noted(event),
        'shell.event-noted': (event) => book.feed.noted(event),
        'gossip.event-noted': (event) => book.feed.noted(event),
        'prober.event-noted': (event) => book.feed.noted(event),
        'signer.event-noted': (event) => book.feed.noted(event),
        'signer.keys-set': (keys) => book.setKeys(keys),
        'signer.serving-signed': ({ epoch, version, signed }) =>
          book.press.signed(epoch, version, signed),
        'signer.serving-refused': ({ epoch, reason }) => book.press.refused(epoch, reason),
        'cluster.event-noted': (event) => book.feed.noted(event),
        'api.set-drain': (order) => setDrain(book, agents, order),
        'api.lift-drain': (order) => liftDrain(book, agents, order),
        'api.list-drains': () => ({ drains: drainViews(book) }),
        'api.edit-object': (order) => editObject(book, objects, order, (keys) => edits.tell(keys)),
        'api.list-objects': ({ kind, id }) => ({ objects: objects.list(kind, id) }),
        'api.list-differences': ({ whole }) => ({
          differences: objects.differences(),
          ...(whole === true ? { entries: [...objects.entries.values()] } : {}),
        }),
        'api.read-history': ({ atMs }) => {
          book.chronicle.settle()
          return ports.history.read(atMs)
        },
        'api.read-log': (wanted) => newestEvents(ports, wanted),
        'api.validate-now': (named) => validateNow(book, agents, named),
        'api.list-backends': (wanted) => listBackends(book, wanted),
      },
      onPeerStarted: (peer) => {
        if (peer === 'prober') {
          book.targets.forget()
          book.publishTargets()
          agents.checkDoubted()
        } else if (peer === 'gossip') {
          edits.tellAll()
          agents.publishDrains()
        } else if (peer === 'signer') book.press.tellSigner()
        else if (peer === 'cluster') {
          edits.tellAll()
          summary.again()
          tellIssued(ctx, book.press)
        } else if (peer === 'latency') book.learned.sayGround()
        else if (peer === 'dns') book.publishServing()
        else if (peer === 'api') {
          book.press.publishServing()
          book.press.publishSnapshot()
          void book.feed.tellLast()
        } else if (peer === 'shell') objects.publishLogLevel()
      },
      onReconfigured: async (next: RegistryConfig) => {
        await book.reconfigure(objects.adopt(next))
        agents.forecasts.configure(next.foresight)
        await edits.meet()
        // A reload is also how programs that fetch databases say that a file is new.
        book.geography.look()
      },
      onStop: () => {
        agents.close()
        edits.close()
        summary.stop()
        book.geography.close()
        book.chronicle.settle()
        return book.close()
      },
    }
  },
)
