/**
 * The overwatch's half: what agents tell is merged, kept, handed to the registry, and shared.
 *
 * Rows that agents told here go to other overwatches in records of fixed stretches of the table, so
 * that a record is told again only when a row in it changed.
 */
import { limits } from '../../core/base/limits.ts'
import { namesOfService } from '../../core/config/names.ts'
import type { LatencyRow } from '../../core/gossip/app/envelope.ts'
import type { SharedRecord } from '../../core/gossip/peers/record.ts'
import { decodeRows, encodeRows } from '../../core/latency/rows-codec.ts'
import { LatencyTable, type LearnedEntry, type TakeOutcome } from '../../core/latency/table.ts'
import { parsePrefix } from '../../core/net/address.ts'
import type { Ctx } from '../../kernel/actor.ts'
import type { Cancel } from '../../kernel/clock.ts'
import type { ProductCatalogue } from '../../messages/catalogue.ts'
import type { MessageOf, ReplyOf } from '../../messages/entry.ts'
import type { LatencyPorts, OverwatchLatency } from './contract.ts'
import type { OverwatchCounts } from './metrics.ts'

type LatencyCtx = Ctx<ProductCatalogue, 'latency'>
type Reported = MessageOf<ProductCatalogue, 'gossip.latency-reported'>
type ListOrder = MessageOf<ProductCatalogue, 'api.list-latency'>
type AddOrder = MessageOf<ProductCatalogue, 'api.add-latency'>

export class Merging {
  readonly table: LatencyTable
  readonly #ctx: LatencyCtx
  readonly #ports: LatencyPorts
  readonly #counts: OverwatchCounts
  #config: OverwatchLatency
  #cancels: Cancel[] = []
  #savedVersion = 0
  #saving: Promise<void> = Promise.resolve()
  readonly #changedStretches = new Set<number>()

  constructor(
    ctx: LatencyCtx,
    ports: LatencyPorts,
    config: OverwatchLatency,
    counts: OverwatchCounts,
  ) {
    this.#ctx = ctx
    this.#ports = ports
    this.#config = config
    this.#counts = counts
    this.table = new LatencyTable(ctx.random.below(0x1_0000_0000))
    const stretch = limits.latencyShareRows.default
    this.table.changedRow = (row) => void this.#changedStretches.add(Math.floor(row / stretch))
  }

  async start(): Promise<void> {
    await this.#restore()
    const { clock, random } = this.#ctx
    const every = (ms: number, run: () => void) => clock.every(ms, random.below(ms), run)
    this.#cancels = [
      every(limits.latencySaveMs.default, () => void this.#save()),
      every(limits.latencyShareMs.default, () => this.#share()),
      every(limits.latencyPruneMs.default, () => this.table.prune(clock.nowMs())),
    ]
  }

  configure(config: OverwatchLatency): void {
    this.#config = config
  }

  async stop(): Promise<void> {
    for (const cancel of this.#cancels) cancel()
    await this.#save()
  }

  reported({ agentId, region, services, rows }: Reported): void {
    const { domains, zones } = this.#config
    const domainSet = new Set(domains)
    const zoneSet = new Set(zones)
    this.#counts.reports++
    let changed = 0
    for (const own of services)
      for (const service of namesOfService(own, domainSet, zoneSet))
        for (const row of rows)
          if (this.#take(row, { service, region, source: agentId }) === 'changed') changed++
    this.#ctx.log.debug('latency report taken', { agentId, region, rows: rows.length })
    if (changed > 0)
      this.#ctx.log.info('latency changed by far', { agentId, region, networks: changed })
  }

  #take(
    { subnet, rttMs, samples, lastSeenMs, deviationMs, minMs }: LatencyRow,
    from: { readonly service: string; readonly region: string; readonly source: string },
  ): TakeOutcome {
    const prefix = parsePrefix(subnet)
    if (!prefix.ok) {
      this.#counts.refused++
      return 'refused'
    }
    const nowMs = this.#ctx.clock.nowMs()
    const outcome = this.table.take(
      {
        ...from,
        prefix: prefix.value,
        rttMs,
        samples,
        observedMs: lastSeenMs === 0 ? nowMs : lastSeenMs,
        ...(deviationMs === undefined ? {} : { deviationMs }),
        ...(minMs === undefined ? {} : { minMs }),
      },
      nowMs,
    )
    if (outcome === 'refused') this.#counts.refused++
    return outcome
  }

  /** Rows of another overwatch; what was observed later wins. */
  learned(record: SharedRecord): void {
    if (!this.#config.share || record.origin === this.#config.node) return
    const rows = decodeRows(record.body, limits.latencyShareRows.default)
    if (!rows.ok) {
      if (record.body.length > 0) this.#counts.refused++
      return
    }
    const nowMs = this.#ctx.clock.nowMs()
    for (const row of rows.value) this.table.take(row, nowMs, 'peer')
  }

  list({ service, region, subnet, offset, count }: ListOrder) {
    const nowMs = this.#ctx.clock.nowMs()
    const wanted = (value: string, asked: string | undefined) => (asked ?? value) === value
    const subnets = new Set<string>()
    const kept: LearnedEntry[] = []
    for (const entry of this.table.learned(nowMs)) {
      subnets.add(entry.subnet)
      if (!wanted(entry.service, service) || !wanted(entry.region, region)) continue
      if (wanted(entry.subnet, subnet)) kept.push(entry)
    }
    const keyOf = (entry: LearnedEntry) => `${entry.service} ${entry.subnet} ${entry.region}`
    kept.sort((one, two) => (keyOf(one) < keyOf(two) ? -1 : 1))
    const entries = kept.slice(offset, offset + count)
    return { entries, total: kept.length, subnets: subnets.size }
  }

  add(order: AddOrder): ReplyOf<ProductCatalogue, 'api.add-latency'> {
    const { subnet, service, region, rttMs, samples, by } = order
    const prefix = parsePrefix(subnet)
    if (!prefix.ok) return { outcome: 'refused', message: prefix.error }
    const nowMs = this.#ctx.clock.nowMs()
    const row = { prefix: prefix.value, service, region, source: 'api', rttMs, samples }
    const outcome = this.table.take({ ...row, observedMs: nowMs }, nowMs)
    if (outcome === 'refused')
      return { outcome, message: 'the network is too wide, or a figure is out of its range' }
    this.#ctx.log.warn('latency row set by hand', { subnet, service, region, rtt_ms: rttMs, by })
    return { outcome: 'done', message: `${subnet} of ${service} from ${region} is ${rttMs} ms` }
  }

  /** A reader holds nothing yet. */
  sayAgain(peer: string): void {
    if (peer !== 'gossip') return
    const stretches = Math.ceil(this.table.rows.high / limits.latencyShareRows.default)
    for (let stretch = 0; stretch < stretches; stretch++) this.#changedStretches.add(stretch)
    this.#share()
  }

  #share(): void {
    if (!this.#config.share) return
    const { latencyShareRows: rows, latencyRowMs } = limits
    const nowMs = this.#ctx.clock.nowMs()
    for (const stretch of this.#changedStretches) {
      const from = stretch * rows.default
      const body = encodeRows(this.table.heard(from, from + rows.default, true))
      this.#ctx.publish('latency.record-told', {
        kind: 'latency',
        id: `${this.#config.node}/${stretch}`,
        origin: this.#config.node,
        stamp: Math.floor(nowMs),
        seq: 0,
        keepUntilMs: Math.floor(nowMs + latencyRowMs.default),
        body,
      })
    }
    this.#changedStretches.clear()
  }

  async #restore(): Promise<void> {
    const { path } = this.#config
    if (path === '') return
    const found = await this.#ports.load(path)
    if (found === 'absent') return
    const rows =
      found === 'unreadable' ? undefined : decodeRows(found, limits.latencyRowsMax.default)
    if (rows === undefined || !rows.ok) {
      const why = rows === undefined ? 'cannot be read' : rows.error
      const aside = (await this.#ports.setAside(path)) ?? 'it could not be set aside'
      this.#ctx.log.warn('kept latency rows are lost', { path, why, kept: aside })
      return
    }
    const nowMs = this.#ctx.clock.nowMs()
    for (const row of rows.value) this.table.take(row, nowMs, 'file')
    this.#savedVersion = this.table.version
    this.#ctx.log.info('latency rows restored', { rows: this.table.rows.count })
  }

  /** One at a time; what changes meanwhile is written by the next. */
  #save(): Promise<void> {
    this.#saving = this.#saving.then(() => this.#write())
    return this.#saving
  }

  async #write(): Promise<void> {
    const { path } = this.#config
    const { version } = this.table
    if (path === '' || version === this.#savedVersion) return
    if (await this.#ports.save(path, encodeRows(this.table.heard()))) this.#savedVersion = version
    else this.#ctx.log.warn('latency rows could not be written', { path })
  }
}
