/**
 * What the registry says in the log and counts beside it, and records for those who follow events:
 * one place for all three.
 */
import type { DrainSaid } from '../../core/health/chorus.ts'
import type { GuardHeld, GuardReleased } from '../../core/health/events.ts'
import type { Change, Fleet, Server } from '../../core/health/fleet.ts'
import type { PoolState } from '../../core/health/pool-state.ts'
import type { Log } from '../../kernel/log.ts'
import type { FeedRecorder } from './feed.ts'
import { backendOf, labelsOf } from './feed-changes.ts'
import type { RegistryMetrics } from './metrics.ts'

interface Order {
  readonly healthy?: boolean
  readonly reason?: string
  readonly by?: string
  readonly force?: boolean
  readonly expiresAtMs?: number | undefined
}

interface DrainNotice {
  readonly reason?: string
  readonly by: string
  readonly untilMs?: number | undefined
  readonly force?: boolean
}

const nameOf = ({ spec }: Server) => ({
  service: spec.service,
  address: spec.address,
  port: spec.port,
  region: spec.region,
})

export interface Notices {
  changed(change: Pick<Change, 'server' | 'before'>): void
  override(message: string, server: Server, order: Order): void
  drained(message: string, keys: readonly string[], order: DrainNotice): void
  drainChanged(server: Server, before: string | undefined, now: DrainSaid | undefined): void
  edited(action: string, edit: Readonly<Record<string, unknown>>): void
  guard(event: GuardHeld | GuardReleased): void
  compiled(counts: Readonly<Record<string, number>>): void
  /** A configuration is not in force, and why. */
  notTaken(reason: string): void
}

/** What the voice that decided said. */
const reasonOf = ({ health, judged }: Server): string =>
  judged.cause === 'validation'
    ? health.verdictReason
    : judged.cause === 'override'
      ? (health.override?.reason ?? '')
      : ''

/** The part of a message of the log that tells what became of an override. */
const orderName = (message: string, order: Order) =>
  message === 'override expired'
    ? 'override.expired'
    : order.healthy === undefined
      ? 'override.cleared'
      : 'override.set'

function recordOrder(feed: FeedRecorder, message: string, server: Server, order: Order): void {
  const { healthy, reason, by, expiresAtMs } = order
  const data = { ...backendOf(server), by, reason }
  const name = orderName(message, order)
  if (name === 'override.set' && healthy !== undefined)
    feed.record(name, labelsOf(server), { ...data, healthy, expires_at_ms: expiresAtMs })
  else if (name !== 'override.set') feed.record(name, labelsOf(server), data)
}

function recordDrainOrder(feed: FeedRecorder, keys: readonly string[], order: DrainNotice): void {
  const { reason, by, untilMs } = order
  if (reason === undefined) feed.record('drain.lifted', {}, { backends: keys, by })
  else feed.record('drain.ordered', {}, { backends: keys, by, reason, until_ms: untilMs })
}

function recordGuard(feed: FeedRecorder, event: GuardHeld | GuardReleased): void {
  const data = { domain: event.pool, backends: event.keys }
  if (event.kind === 'guard-released') feed.record('alarm.guard-released', {}, data)
  else {
    const { change, reason } = event
    feed.record('alarm.guard-held', {}, { ...data, change, reason })
  }
}

export function notices(
  log: Log,
  metrics: RegistryMetrics,
  fleet: Fleet,
  feed: FeedRecorder,
): Notices {
  const warnEmpty = ({ spec }: PoolState) => {
    const fields = { domain: spec.name, when_all_down: spec.whenAllDown }
    log.warn('no server of the domain is healthy', fields)
    feed.record('health.pool-emptied', {}, fields)
  }
  return {
    changed: ({ server, before }) => {
      const { judged } = server
      if (judged.status === before.status) return
      log.info('backend status changed', {
        ...nameOf(server),
        old_status: before.status,
        new_status: judged.status,
        cause: judged.cause,
      })
      feed.record('health.status-changed', labelsOf(server), {
        ...backendOf(server),
        ...{ old_status: before.status, new_status: judged.status },
        ...{ old_cause: before.cause, cause: judged.cause },
        ...{ serving: judged.serving, reason: reasonOf(server) },
      })
      const emptied = server.places
        .map((place) => fleet.pools[place.pool]!)
        .filter((pool) => before.serving && !judged.serving && pool.isEmpty())
      for (const pool of emptied) warnEmpty(pool)
    },
    override: (message, server, order) => {
      const { healthy, reason, by, force, expiresAtMs } = order
      recordOrder(feed, message, server, order)
      log.info(message, {
        ...nameOf(server),
        ...(healthy === undefined ? {} : { healthy }),
        ...(reason === undefined ? {} : { reason }),
        ...(by === undefined ? {} : { by }),
        ...(force === true ? { force } : {}),
        ...(expiresAtMs === undefined ? {} : { expires_at: expiresAtMs }),
      })
    },
    drained: (message, keys, order) => {
      const { reason, by, untilMs, force } = order
      recordDrainOrder(feed, keys, order)
      log.info(message, {
        backends: keys,
        by,
        ...(reason === undefined ? {} : { reason }),
        ...(untilMs === undefined ? {} : { until: untilMs }),
        ...(force === true ? { force } : {}),
      })
    },
    drainChanged: (server, before, now) => {
      const data = backendOf(server)
      if (before !== undefined)
        feed.record('drain.ended', labelsOf(server), { ...data, drain: before })
      if (now !== undefined)
        feed.record('drain.started', labelsOf(server), { ...data, drain: now.id, by: now.by })
    },
    compiled: (counts) => log.info('topology compiled', counts),
    notTaken: (reason) => {
      log.error('the configuration was not taken over', { error: reason })
      feed.record('config.refused', {}, { reason })
    },
    edited: (action, edit) => log.info('configuration edited', { action, ...edit }),
    guard: (event) => {
      recordGuard(feed, event)
      const fields = { domain: event.pool, backends: event.keys }
      if (event.kind === 'guard-held') {
        const { change, reason } = event
        metrics.guardHeld(change)
        log.warn('guard-rail held a change', { ...fields, change, reason })
        return
      }
      log.info('guard-rail released a change', fields)
      const pool = fleet.pools.find((one) => one.spec.name === event.pool)
      if (pool?.isEmpty()) warnEmpty(pool)
    },
  }
}
