/**
 * The client map of the registry: made anew when regions, mappings or a database file change, and
 * taken over with the next epoch.
 *
 * A file that cannot be read never takes anything away: the map made of the one before stays in
 * force, with an error in the log, an alarm and a metric. What is in a map is decided in core/geo.
 */
import type { GeoParts } from '../../core/geo/parts.ts'
import type { FleetTopology } from '../../core/steer/topology.ts'
import type { Counter, Gauge } from '../../kernel/metrics.ts'
import type { RegistryCtx } from './book.ts'
import type { GeoFileReport, Geographer, GeoOrder, GeoOutcome, RegistryConfig } from './contract.ts'
import type { FeedRecorder } from './feed.ts'

type Made = GeoParts | undefined

export class Geography {
  readonly #ctx: RegistryCtx
  readonly #ports: Geographer
  readonly #feed: FeedRecorder
  readonly #renew: () => void
  readonly #built: Gauge
  readonly #age: Gauge
  readonly #refused: Counter
  #parts: Made
  /** `#parts` was made without any database. */
  #isBare = true
  /** What `#parts` was made of, as text. */
  #madeOf = ''
  #config: RegistryConfig['geo']
  #files: readonly GeoFileReport[] = []
  /** The last fault told of each file. */
  readonly #told = new Map<string, string>()
  #order: GeoOrder | undefined
  #watch: { readonly everyMs: number; readonly stop: () => void } | undefined

  /** @param renew makes the next epoch */
  constructor(ctx: RegistryCtx, ports: Geographer, feed: FeedRecorder, renew: () => void) {
    this.#ctx = ctx
    this.#ports = ports
    this.#feed = feed
    this.#renew = renew
    const gauge = (name: string, help: string) =>
      ctx.metrics.gauge({ name, help, labels: ['database'] })
    this.#built = gauge(
      'opengslb_geoip_database_timestamp',
      'When the database in use was made, Unix seconds.',
    )
    this.#age = gauge(
      'opengslb_geoip_database_age_seconds',
      'How long ago the database in use was made.',
    )
    this.#refused = ctx.metrics.counter({
      name: 'opengslb_geoip_database_refused_total',
      help: 'Database files that were not taken; what was read before stays in use.',
      labels: ['database'],
    })
    ctx.metrics.onCollect(() => this.#tellAges())
  }

  /** The map for a configuration; the one held while all it is made of is what it was. */
  make({ geo }: RegistryConfig, { regions }: FleetTopology): Made | Promise<Made> {
    this.#config = geo
    this.#watchFiles()
    if (geo === undefined) {
      this.#parts = undefined
      this.#isBare = true
      this.#order = undefined
      this.#madeOf = ''
      return undefined
    }
    const { custom, defaultRegion, databasePath, asnPath } = geo
    const order = { regions, custom, defaultRegion, databasePath, asnPath }
    const key = JSON.stringify(order)
    if (key === this.#madeOf) return this.#parts
    this.#order = order
    const outcome = this.#ports.place(order)
    if (outcome instanceof Promise) return outcome.then((one) => this.#take(key, one))
    return this.#take(key, outcome)
  }

  /** Looks whether a database file was replaced, and has it taken over if so. */
  look(): void {
    const order = this.#order
    if (order === undefined || (order.databasePath === '' && order.asnPath === '')) return
    // What could not be made is tried again.
    if (this.#madeOf !== '' && !this.#ports.isChanged(order)) return
    void this.#lookAgain(order).catch((error: unknown) =>
      this.#ctx.log.error('clients cannot be placed anew', { error: String(error) }),
    )
  }

  async #lookAgain(order: GeoOrder): Promise<void> {
    const outcome = await this.#ports.place(order)
    // What was asked for meanwhile was made of the new file too.
    if (order !== this.#order) return
    this.#take(JSON.stringify(order), outcome)
    if (outcome.code === 'placed' && outcome.files.some(({ isNew }) => isNew)) this.#renew()
  }

  close(): void {
    this.#watch?.stop()
    this.#watch = undefined
  }

  #take(key: string, outcome: GeoOutcome): Made {
    if (outcome.code === 'failed') {
      this.#madeOf = ''
      this.#ctx.log.error('clients cannot be placed anew', { error: outcome.message })
      // What a database once said is worth more than none; a fence must have some map.
      if (this.#isBare) this.#parts = outcome.without
      return this.#parts
    }
    this.#isBare = outcome.files.every(({ state }) => state === 'missing')
    this.#madeOf = key
    this.#parts = outcome.parts
    this.#files = outcome.files
    for (const file of outcome.files) this.#tell(file, outcome.changedShare)
    return this.#parts
  }

  #tell({ path, state, fault, isNew, type, builtSeconds }: GeoFileReport, share?: number): void {
    if (isNew) {
      // 0 is no date.
      const built =
        builtSeconds === 0 ? {} : { built_at: new Date(builtSeconds * 1_000).toISOString() }
      const changed = share === undefined ? {} : { changedShare: share }
      this.#ctx.log.info('geo database loaded', { path, type, ...built, ...changed })
      this.#feed.record('config.geo-loaded', {}, { path, type, builtSeconds, ...changed })
    }
    if (fault === (this.#told.get(path) ?? '')) return
    this.#told.set(path, fault)
    if (fault === '') return
    this.#refused.add(1, { database: path })
    const holds = state === 'kept' ? 'the one before stays in use' : 'clients are placed without it'
    this.#ctx.log.error('geo database refused', { path, error: fault, holds })
    this.#feed.record('alarm.geo-refused', {}, { path, reason: `${fault}; ${holds}` })
  }

  #watchFiles(): void {
    const { databasePath = '', asnPath = '', checkIntervalMs = 0 } = this.#config ?? {}
    const everyMs = databasePath === '' && asnPath === '' ? 0 : checkIntervalMs
    if (everyMs === (this.#watch?.everyMs ?? 0)) return
    this.close()
    if (everyMs === 0) return
    const stop = this.#ctx.clock.every(everyMs, everyMs, () => this.look())
    this.#watch = { everyMs, stop }
  }

  #tellAges(): void {
    this.#built.reset()
    this.#age.reset()
    const nowSeconds = this.#ctx.clock.nowMs() / 1_000
    for (const { path, builtSeconds } of this.#files) {
      if (builtSeconds === 0) continue
      this.#built.set(builtSeconds, { database: path })
      this.#age.set(Math.max(0, nowSeconds - builtSeconds), { database: path })
    }
  }
}
