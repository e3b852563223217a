/**
 * Records that overwatches share, as this node keeps them: its own and those it learned.
 *
 * All are persisted and said again to a gossip actor that starts anew, for that one keeps nothing.
 * What this node says of the moment (verdicts, which agents it hears) is told with an end and said
 * again before it, so that others forget a node that is gone.
 */
import { limits } from '../../core/base/limits.ts'
import { compareVersions, recordFault, type SharedRecord } from '../../core/gossip/peers/record.ts'
import { keptRecord, recordKeyOf } from '../../core/health/kept.ts'
import { Paced } from '../../kernel/paced.ts'
import type { RegistryPorts } from './contract.ts'
import type { RegistryCtx } from './book.ts'

/** What a record says, and where it stands among others of its key. */
export interface Telling {
  readonly kind: string
  readonly id: string
  readonly body: Uint8Array
  /** By default later than what was told before. */
  readonly stamp?: number
  readonly seq?: number
  /** By default `toldKeepMs` from now, and said again before. */
  readonly keepUntilMs?: number
  /** It is kept with its version, for the day when it is to be told. */
  readonly isQuiet?: boolean
}

interface Entry {
  readonly record: SharedRecord
  /** Infinity: it is not said again by itself. */
  readonly retellAtMs: number
}

const NEVER_MS = Number.POSITIVE_INFINITY

export class Sharing {
  /** Records given up because there were too many. */
  dropped = 0
  readonly #ctx: RegistryCtx
  readonly #ports: RegistryPorts
  readonly #self: string
  readonly #entries = new Map<string, Entry>()
  readonly #again: Paced

  /** @param self name of this node among the overwatches */
  constructor(ctx: RegistryCtx, ports: RegistryPorts, self: string) {
    this.#ctx = ctx
    this.#ports = ports
    this.#self = self
    this.#again = new Paced(ctx.clock, () => ctx.fill('registry.record-told'))
  }

  get size(): number {
    return this.#entries.size
  }

  get(kind: string, id: string): SharedRecord | undefined {
    return this.#entries.get(recordKeyOf({ kind, id }))?.record
  }

  records(): Iterable<SharedRecord> {
    return [...this.#entries.values()].map((entry) => entry.record)
  }

  /** Takes what was kept through a start; expired records are dropped, on disk too. */
  restore(records: readonly SharedRecord[], nowMs: number): void {
    for (const record of records) {
      const key = recordKeyOf(record)
      const isOver = record.keepUntilMs > 0 && record.keepUntilMs <= nowMs
      if (isOver) this.#ports.shared.remove(key)
      else this.#entries.set(key, { record, retellAtMs: this.#retellAtMs(record, nowMs) })
    }
  }

  /** Takes a record of another; false when a later version is kept. */
  learn(record: SharedRecord, nowMs: number): boolean {
    if (recordFault(record) !== undefined) return false
    if (record.keepUntilMs > 0 && record.keepUntilMs <= nowMs) return false
    const known = this.#entries.get(recordKeyOf(record))
    if (known !== undefined && compareVersions(record, known.record) <= 0) return false
    return this.#keep(record, NEVER_MS)
  }

  /** Tells a record of this node. */
  tell(telling: Telling, nowMs: number): SharedRecord {
    const { kind, id, body, stamp, seq = 0, keepUntilMs, isQuiet } = telling
    const known = this.get(kind, id)
    const record: SharedRecord = {
      ...{ kind, id, body, seq },
      origin: this.#self,
      stamp: stamp ?? Math.max(nowMs, (known?.stamp ?? 0) + 1),
      keepUntilMs: keepUntilMs ?? nowMs + limits.toldKeepMs.default,
    }
    const again = keepUntilMs === undefined && body.length > 0
    const isKept = this.#keep(record, again ? this.#drawRetell(nowMs) : NEVER_MS)
    if (isKept && isQuiet !== true) this.#ctx.publish('registry.record-told', record)
    return record
  }

  /**
   * Tells everything, to a gossip actor that has just started, as fast as that takes it in.
   * @param quiet kind of record of which this node keeps its own to itself
   */
  tellAll(quiet?: string): void {
    this.#again.run(this.#everything(quiet))
  }

  *#everything(quiet: string | undefined): Generator<void> {
    for (const { record } of this.#entries.values())
      if (record.kind !== quiet || record.origin !== this.#self)
        yield this.#ctx.publish('registry.record-told', record)
  }

  /** Tells what was kept quiet. */
  tellOwn(kind: string): void {
    for (const { record } of this.#entries.values())
      if (record.kind === kind && record.origin === this.#self)
        this.#ctx.publish('registry.record-told', record)
  }

  /** Forgets what is over, and says again what would be. */
  tick(nowMs: number): void {
    for (const [key, { record, retellAtMs }] of this.#entries) {
      if (record.keepUntilMs > 0 && record.keepUntilMs <= nowMs) {
        this.#entries.delete(key)
        this.#ports.shared.remove(key)
      } else if (retellAtMs <= nowMs) {
        const { kind, id, body } = record
        this.tell({ kind, id, body }, nowMs)
      }
    }
  }

  #keep(record: SharedRecord, retellAtMs: number): boolean {
    const key = recordKeyOf(record)
    const isFull = this.#entries.size >= limits.sharedRecordsMax.default
    if (isFull && !this.#entries.has(key)) {
      this.dropped++
      return false
    }
    this.#entries.set(key, { record, retellAtMs })
    this.#ports.shared.put(key, keptRecord(record))
    return true
  }

  #retellAtMs({ kind, origin, body }: SharedRecord, nowMs: number): number {
    const isOfTheMoment = kind === 'verdict' || kind === 'heard' || kind === 'draining'
    if (origin !== this.#self || !isOfTheMoment || body.length === 0) return NEVER_MS
    return this.#drawRetell(nowMs)
  }

  /** Spread, so that what was told together is not said again together. */
  #drawRetell(nowMs: number): number {
    return nowMs + limits.retellMs.default * (0.5 + this.#ctx.random.next() / 2)
  }
}
