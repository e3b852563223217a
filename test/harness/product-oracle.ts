/**
 * What ought to be served, worked out from what the checks really saw.
 *
 * It shares no code with the product: it counts outcomes against thresholds itself, knows which
 * actors were down when, and from that which servers may be in an answer and which must. A verdict
 * counts as ambiguous while it can have been lost with the actor that held it; an answer may lag
 * behind by `LAG_MS`, and by as long as a link of the chain prober - registry - dns was broken.
 */
import type { MemberSpec } from '../../src/core/steer/topology.ts'

export type State = 'up' | 'down' | 'unknown'

/** A verdict is in the answers within 50 ms; the rest is what the simulated scheduler delays. */
export const LAG_MS = 150
/** A restarted registry listens for a quarter of a second before it speaks. */
export const SETTLE_MS = 250 + LAG_MS

interface Target {
  member: MemberSpec
  /** No longer checked; it counts on as long as answers may lag behind. */
  isGone: boolean
  goneMs: number
  verdicts: readonly State[]
  /** Before the latest crossing. */
  before: readonly State[]
  crossedMs: number
  passes: number
  failures: number
  /** By override in force: what it may be; `undefined` is none. */
  orders: readonly (State | undefined)[]
  /** What it may count as, newest last. */
  history: { readonly sinceMs: number; readonly states: readonly State[] }[]
  crossings: number
  everUp: boolean
}

const UNKNOWN: readonly State[] = ['unknown']
const ANY: readonly State[] = ['up', 'down', 'unknown']
/** Longer than two epochs follow each other in the simulation, and than a message waits. */
const QUICK_MS = 1_000

const nothingKnown = () => ({
  verdicts: UNKNOWN,
  before: UNKNOWN,
  crossedMs: Number.NEGATIVE_INFINITY,
  passes: 0,
  failures: 0,
  orders: [undefined] as readonly (State | undefined)[],
})

const union = <T>(...lists: (readonly T[])[]): readonly T[] => [...new Set(lists.flat())]
const same = (one: readonly unknown[], other: readonly unknown[]) =>
  one.length === other.length && one.every((value) => other.includes(value))

export class Oracle {
  readonly #targets = new Map<string, Target>()
  readonly #nowMs: () => number
  /** When every link of the chain last held for long enough. */
  #calmMs = Number.NEGATIVE_INFINITY
  #brokenMs = Number.NEGATIVE_INFINITY

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** Takes the servers that are checked from now on; those that stay keep their counts. */
  setMembers(members: readonly MemberSpec[]): void {
    const keys = new Set(members.map((member) => member.key))
    for (const [key, target] of this.#targets) {
      if (keys.has(key) || target.isGone) continue
      Object.assign(target, { ...nothingKnown(), isGone: true, goneMs: this.#nowMs() })
      // Leaving takes it out of the answers, whatever its checks said.
      target.crossings++
      this.#note(target)
    }
    for (const member of members) {
      const known = this.#targets.get(member.key)
      if (known !== undefined) {
        // Of two lists at once the prober hears the last: who was away for a moment may never have
        // been away for it, and goes on with the counts it had.
        const isQuick = known.isGone && this.#nowMs() - known.goneMs <= QUICK_MS
        Object.assign(known, { member, isGone: false, ...(isQuick ? { verdicts: ANY } : {}) })
        if (isQuick) this.#note(known)
        continue
      }
      const history = [{ sinceMs: this.#nowMs(), states: UNKNOWN }]
      const target = { member, ...nothingKnown(), isGone: false, goneMs: 0, history }
      this.#targets.set(member.key, { ...target, crossings: 0, everUp: false })
    }
  }

  /** Something else than a fall keeps answers from following at once. */
  disturbed(): void {
    this.#brokenMs = this.#nowMs()
  }

  /** One check ended and its prober lives to hear of it. */
  observed(key: string, passed: boolean): void {
    const target = this.#targets.get(key)
    if (target === undefined || target.isGone) return
    target.passes = passed ? target.passes + 1 : 0
    target.failures = passed ? 0 : target.failures + 1
    const { failureThreshold, successThreshold } = target.member.check
    const crossed = passed ? target.passes >= successThreshold : target.failures >= failureThreshold
    const verdict: State = passed ? 'up' : 'down'
    if (!crossed || same(target.verdicts, [verdict])) return
    target.before = target.verdicts
    target.verdicts = [verdict]
    target.crossedMs = this.#nowMs()
    target.crossings++
    this.#note(target)
  }

  /** Counts die with the prober, and with it a verdict that nobody is sure to have heard. */
  proberDied(): void {
    for (const target of this.#targets.values()) {
      target.passes = 0
      target.failures = 0
      // A calm moment after the crossing: the registry has heard of it, and its disk too.
      if (this.#calmMs >= target.crossedMs + LAG_MS) continue
      target.verdicts = union(target.verdicts, target.before)
      target.crossings += 2
      this.#note(target)
    }
  }

  /** An order was sent, and it is not known what became of it; or it is in force for certain. */
  ordered(key: string, state: State | undefined, isCertain: boolean): void {
    const target = this.#targets.get(key)
    if (target === undefined) return
    target.orders = isCertain ? [state] : union(target.orders, [state])
    target.crossings += 2
    this.#note(target)
  }

  /** Called after every step, with whether prober, registry and dns all run. */
  stepped(isWhole: boolean): void {
    const nowMs = this.#nowMs()
    if (!isWhole) this.#brokenMs = nowMs
    if (this.isCalm) this.#calmMs = nowMs
  }

  get isCalm(): boolean {
    return this.wholeMs >= SETTLE_MS
  }

  /** How long the chain has been whole. */
  get wholeMs(): number {
    return this.#nowMs() - this.#brokenMs
  }

  /** All that the server may count as in an answer given now. */
  statesOf(key: string): readonly State[] {
    const target = this.#targets.get(key)
    if (target === undefined) return []
    const fromMs = this.#calmMs - LAG_MS
    const { history } = target
    const newest = history[history.length - 1]!
    if (newest.sinceMs <= fromMs) return newest.states
    // The last entry before the window holds at its start.
    let first = history.length - 1
    while (first > 0 && history[first]!.sinceMs > fromMs) first--
    return union(...history.slice(first).map((entry) => entry.states))
  }

  /** The verdict that the checks alone add up to, where there is no doubt. */
  verdictOf(key: string): State | undefined {
    const verdicts = this.#targets.get(key)?.verdicts ?? []
    return verdicts.length === 1 ? verdicts[0] : undefined
  }

  /** How long it has counted as what it counts as now. */
  steadyMs(key: string): number {
    const { history = [] } = this.#targets.get(key) ?? {}
    return this.#nowMs() - (history[history.length - 1]?.sinceMs ?? Number.POSITIVE_INFINITY)
  }

  /** Whether nobody should check it any more. */
  isWithdrawn(key: string): boolean {
    const target = this.#targets.get(key)
    return target?.isGone === true && this.#nowMs() - target.goneMs > SETTLE_MS && this.isCalm
  }

  mayAnnounce(key: string, verdict: State): boolean {
    const target = this.#targets.get(key)
    return target === undefined || target.isGone || target.verdicts.includes(verdict)
  }

  wasEverUp(key: string): boolean {
    return this.#targets.get(key)?.everUp ?? false
  }

  /** An upper bound on how often its answers can have changed. */
  crossingsOf(key: string): number {
    return this.#targets.get(key)?.crossings ?? 0
  }

  #note(target: Target): void {
    const states = union(
      ...target.orders.map((order) => (order === undefined ? target.verdicts : [order])),
    )
    if (states.includes('up')) target.everUp = true
    target.history.push({ sinceMs: this.#nowMs(), states })
  }
}
