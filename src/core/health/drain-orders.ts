/**
 * Drains declared on overwatches: one register for each server, in which the latest order wins.
 *
 * An order and its lifting are versions of one record, so overwatches that hear of them in any
 * order agree. A drain ends when it is lifted or at its stated end. Times are passed in.
 */
import { compareVersions, type SharedRecord } from '../gossip/peers/record.ts'
import { type DrainOrder, parseDrainOrder } from './shared-bodies.ts'

interface Register {
  readonly record: SharedRecord
  /** Absent once it was lifted or is over. */
  readonly order: DrainOrder | undefined
}

export interface KeyedOrder {
  readonly key: string
  readonly order: DrainOrder
}

export class DrainOrders {
  readonly #registers = new Map<string, Register>()

  /** Takes a record of kind `drain`; true when another drain, or none, is in force for its key. */
  take(record: SharedRecord, nowMs: number): boolean {
    const known = this.#registers.get(record.id)
    if (known !== undefined && compareVersions(record, known.record) <= 0) return false
    const order = parseDrainOrder(record.body)
    // A body that cannot be read must not lift a drain.
    if (order === undefined && record.body.length > 0) return false
    const isOver = order?.untilMs !== undefined && order.untilMs <= nowMs
    this.#registers.set(record.id, { record, order: isOver ? undefined : order })
    return known?.order !== undefined || (order !== undefined && !isOver)
  }

  /** The order in force. */
  of(key: string): DrainOrder | undefined {
    return this.#registers.get(key)?.order
  }

  /** When the register was last written, Unix milliseconds; 0 for never. */
  stampOf(key: string): number {
    return this.#registers.get(key)?.record.stamp ?? 0
  }

  find(id: string): KeyedOrder | undefined {
    return this.list().find(({ order }) => order.id === id)
  }

  list(): readonly KeyedOrder[] {
    const orders: KeyedOrder[] = []
    for (const [key, { order }] of this.#registers) if (order) orders.push({ key, order })
    return orders
  }

  /** Ends those whose time is over; returns their servers. */
  tick(nowMs: number): readonly string[] {
    const over: string[] = []
    for (const [key, { record, order }] of this.#registers) {
      if (order?.untilMs !== undefined && order.untilMs <= nowMs) {
        this.#registers.set(key, { record, order: undefined })
        over.push(key)
      }
      const { keepUntilMs } = record
      if (keepUntilMs > 0 && keepUntilMs <= nowMs) this.#registers.delete(key)
    }
    return over
  }

  /** When `tick` next ends a drain; Infinity for never. */
  nextDueMs(): number {
    let due = Number.POSITIVE_INFINITY
    for (const { order } of this.#registers.values()) due = Math.min(due, order?.untilMs ?? due)
    return due
  }
}
