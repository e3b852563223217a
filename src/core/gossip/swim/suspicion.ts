/**
 * The timers of suspicion: long while one member accuses, shorter with each that confirms
 * (Lifeguard, section IV-B).
 *
 * A slow node accuses alone, and the accused has time to refute. Truly dead nodes are soon accused
 * by many. There is at most one timer a member, and a timer keeps only as many accusers as count.
 *
 * Now and then, and some time before its end, a timer comes up for a warning (see suspect.ts).
 */
import { DueHeap } from '../../health/schedule-heap.ts'
import { suspicionMs } from './settings.ts'

export interface SuspicionTerms {
  readonly minMs: number
  readonly maxMs: number
  /** Confirmations that bring it down to `minMs`. */
  readonly wanted: number
  /** How long before its end it comes up for the last warning. */
  readonly warnMs: number
  /** How long an answer to that warning is waited for when confirmations cut the time short. */
  readonly answerMs: number
}

export class Suspicion {
  readonly name: string
  /** The heap's: when it comes up next. */
  dueMs: number
  place = -1
  endMs: number
  /** Whether the last warning was given, and only the end is left. */
  warned = false
  #warnAtMs: number
  readonly #terms: SuspicionTerms
  readonly #startMs: number
  readonly accuser: string
  /** The first accuser, and the confirmers that counted. */
  readonly #accusers: Set<string>

  constructor(name: string, accuser: string, terms: SuspicionTerms, nowMs: number) {
    this.name = name
    this.accuser = accuser
    this.#terms = terms
    this.#startMs = nowMs
    this.#accusers = new Set([accuser])
    this.endMs = nowMs + suspicionMs(terms, 0, terms.wanted)
    this.#warnAtMs = nowMs + terms.minMs - terms.warnMs
    this.dueMs = this.nextMs
  }

  /** When it comes up next: warnings are `minMs` apart. */
  get nextMs(): number {
    return this.warned ? this.endMs : Math.min(this.#warnAtMs, this.endMs - this.#terms.warnMs)
  }

  warn(nowMs: number): void {
    const { warnMs, minMs, maxMs, answerMs } = this.#terms
    if (nowMs >= this.endMs - warnMs) {
      this.warned = true
      this.endMs = Math.max(this.endMs, Math.min(nowMs + answerMs, this.#startMs + maxMs))
    } else this.#warnAtMs = nowMs + minMs
  }

  /** Whether as many others as matter hold it for dead too. */
  get confirmedFully(): boolean {
    return this.#terms.wanted > 0 && this.confirmations >= this.#terms.wanted
  }

  get confirmations(): number {
    return this.#accusers.size - 1
  }

  /** The end after one more accuser; undefined when this accusation counts for nothing. */
  confirmed(accuser: string): number | undefined {
    if (this.confirmations >= this.#terms.wanted || this.#accusers.has(accuser)) return undefined
    this.#accusers.add(accuser)
    const lastsMs = suspicionMs(this.#terms, this.confirmations, this.#terms.wanted)
    return Math.min(this.endMs, this.#startMs + lastsMs)
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
    const endMs = suspicion?.confirmed(accuser)
    if (suspicion === undefined || endMs === undefined) return false
    this.#move(suspicion, endMs)
    return true
  }

  cancel(name: string): void {
    const suspicion = this.#byName.get(name)
    if (suspicion === undefined) return
    this.#byName.delete(name)
    this.#heap.remove(suspicion)
  }

  /** The next that has come up: to be ended when `warned` is set, to be warned of otherwise. */
  due(nowMs: number): Suspicion | undefined {
    const first = this.#heap.first()
    return first === undefined || first.dueMs > nowMs ? undefined : first
  }

  warn(suspicion: Suspicion, nowMs: number): void {
    suspicion.warn(nowMs)
    this.#move(suspicion, suspicion.endMs)
  }

  /** Lets none run out before `untilMs`, unless it was put off too long already. */
  putOff(untilMs: number): void {
    for (const suspicion of this.#byName.values()) {
      const endMs = Math.min(untilMs, suspicion.latestMs)
      if (suspicion.endMs < endMs) this.#move(suspicion, endMs)
    }
  }

  #move(suspicion: Suspicion, endMs: number): void {
    this.#heap.remove(suspicion)
    suspicion.endMs = endMs
    suspicion.dueMs = suspicion.nextMs
    this.#heap.add(suspicion)
  }
}
