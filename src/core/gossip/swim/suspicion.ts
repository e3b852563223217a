/**
 * The timers of suspicion: long while one member accuses, shorter with each that confirms
 * (Lifeguard, section IV-B).
 *
 * A slow node accuses alone, and the accused has time to refute. Truly dead nodes are soon accused
 * by many. There is at most one timer a member, and a timer keeps only as many accusers as count.
 */
import { DueHeap } from '../../health/schedule-heap.ts'
import { suspicionMs } from './settings.ts'

export interface SuspicionTerms {
  readonly minMs: number
  readonly maxMs: number
  /** Confirmations that bring it down to `minMs`. */
  readonly wanted: number
}

export class Suspicion {
  readonly name: string
  /** The heap's. */
  dueMs: number
  place = -1
  readonly #terms: SuspicionTerms
  readonly #startMs: number
  /** The first accuser, and the confirmers that counted. */
  readonly #accusers: Set<string>

  constructor(name: string, accuser: string, terms: SuspicionTerms, nowMs: number) {
    this.name = name
    this.#terms = terms
    this.#startMs = nowMs
    this.#accusers = new Set([accuser])
    this.dueMs = nowMs + suspicionMs(terms, 0, terms.wanted)
  }

  get confirmations(): number {
    return this.#accusers.size - 1
  }

  /** The due time after one more accuser; undefined when this accusation counts for nothing. */
  confirmed(accuser: string): number | undefined {
    if (this.confirmations >= this.#terms.wanted || this.#accusers.has(accuser)) return undefined
    this.#accusers.add(accuser)
    const lastsMs = suspicionMs(this.#terms, this.confirmations, this.#terms.wanted)
    return Math.min(this.dueMs, this.#startMs + lastsMs)
  }

  /** No timer runs longer than this, however often it is put off. */
  get latestMs(): number {
    return this.#startMs + 2 * this.#terms.maxMs
  }
}

export class Suspicions {
  readonly #byName = new Map<string, Suspicion>()
  readonly #heap = new DueHeap<Suspicion>()

  get size(): number {
    return this.#byName.size
  }

  get nextDeadlineMs(): number {
    return this.#heap.first()?.dueMs ?? Number.POSITIVE_INFINITY
  }

  has(name: string): boolean {
    return this.#byName.has(name)
  }

  start(name: string, accuser: string, terms: SuspicionTerms, nowMs: number): void {
    this.cancel(name)
    const suspicion = new Suspicion(name, accuser, terms, nowMs)
    this.#byName.set(name, suspicion)
    this.#heap.add(suspicion)
  }

  /** Counts another accuser; true when it was new and is worth telling others. */
  confirm(name: string, accuser: string): boolean {
    const suspicion = this.#byName.get(name)
    const dueMs = suspicion?.confirmed(accuser)
    if (suspicion === undefined || dueMs === undefined) return false
    this.#move(suspicion, dueMs)
    return true
  }

  cancel(name: string): void {
    const suspicion = this.#byName.get(name)
    if (suspicion === undefined) return
    this.#byName.delete(name)
    this.#heap.remove(suspicion)
  }

  /** Takes one suspicion that has run out, with its confirmations. */
  takeExpired(nowMs: number): Suspicion | undefined {
    const first = this.#heap.first()
    if (first === undefined || first.dueMs > nowMs) return undefined
    this.cancel(first.name)
    return first
  }

  /** Lets none run out before `untilMs`, unless it was put off too long already. */
  putOff(untilMs: number): void {
    for (const suspicion of this.#byName.values()) {
      const dueMs = Math.min(untilMs, suspicion.latestMs)
      if (suspicion.dueMs < dueMs) this.#move(suspicion, dueMs)
    }
  }

  #move(suspicion: Suspicion, dueMs: number): void {
    this.#heap.remove(suspicion)
    suspicion.dueMs = dueMs
    this.#heap.add(suspicion)
  }
}
