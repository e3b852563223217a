/**
 * What the registry says in the log and counts beside it.
 */
import type { GuardHeld, GuardReleased } from '../../core/health/events.ts'
import type { Change, Fleet, Server } from '../../core/health/fleet.ts'
import type { PoolState } from '../../core/health/pool-state.ts'
import type { Log } from '../../kernel/log.ts'
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
  edited(action: string, edit: Readonly<Record<string, unknown>>): void
  guard(event: GuardHeld | GuardReleased): void
}

export function notices(log: Log, metrics: RegistryMetrics, fleet: Fleet): Notices {
  const warnEmpty = ({ spec }: PoolState) =>
    log.warn('no server of the domain is healthy', {
      domain: spec.name,
      when_all_down: spec.whenAllDown,
    })
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
      const emptied = server.places
        .map((place) => fleet.pools[place.pool]!)
        .filter((pool) => before.serving && !judged.serving && pool.isEmpty())
      for (const pool of emptied) warnEmpty(pool)
    },
    override: (message, server, order) => {
      const { healthy, reason, by, force, expiresAtMs } = order
      log.info(message, {
        ...nameOf(server),
        ...(healthy === undefined ? {} : { healthy }),
        ...(reason === undefined ? {} : { reason }),
        ...(by === undefined ? {} : { by }),
        ...(force === true ? { force } : {}),
        ...(expiresAtMs === undefined ? {} : { expires_at: expiresAtMs }),
      })
    },
    drained: (message, keys, { reason, by, untilMs, force }) =>
      log.info(message, {
        backends: keys,
        by,
        ...(reason === undefined ? {} : { reason }),
        ...(untilMs === undefined ? {} : { until: untilMs }),
        ...(force === true ? { force } : {}),
      }),
    edited: (action, edit) => log.info('configuration edited', { action, ...edit }),
    guard: (event) => {
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
