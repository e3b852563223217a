/**
 * What a policy is charged with: time beyond the oracle's, clients not on their best region,
 * connections sent to a dead region, exploration, and changes of mind without a cause.
 */

/** Buckets of excess: 0.25 ms each, the last takes the rest. */
const BUCKET_MS = 0.25
const BUCKETS = 4_000

export class Account {
  connections = 0
  lost = 0
  excessMs = 0
  oracleMs = 0
  onBest = 0
  explored = 0
  exploredExcessMs = 0
  changes = 0
  /** A change back within two hours though nothing in the world had changed by a margin. */
  flaps = 0
  /** Of the askers with ECS, the resolvers of systems, and anycast resolvers without ECS. */
  readonly byKind = {
    ecs: { excessMs: 0, oracleMs: 0 },
    own: { excessMs: 0, oracleMs: 0 },
    anycast: { excessMs: 0, oracleMs: 0 },
  }
  readonly #buckets = new Float64Array(BUCKETS)

  add(
    kind: keyof Account['byKind'],
    connections: number,
    excessMs: number,
    oracleMs: number,
    isBest: boolean,
  ): void {
    const own = this.byKind[kind]
    own.excessMs += connections * excessMs
    own.oracleMs += connections * oracleMs
    this.connections += connections
    this.excessMs += connections * excessMs
    this.oracleMs += connections * oracleMs
    if (isBest) this.onBest += connections
    const bucket = Math.min(BUCKETS - 1, Math.max(0, Math.floor(excessMs / BUCKET_MS)))
    this.#buckets[bucket] = this.#buckets[bucket]! + connections
  }

  explore(connections: number, excessMs: number): void {
    this.explored += connections
    this.exploredExcessMs += connections * excessMs
  }

  percentileMs(share: number): number {
    let left = this.connections * share
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      left -= this.#buckets[bucket]!
      if (left <= 0) return bucket * BUCKET_MS
    }
    return BUCKETS * BUCKET_MS
  }
}

/** One interval of a run. */
export interface Interval {
  readonly hour: number
  /** Mean time beyond the oracle's, as a share of the oracle's. */
  readonly excess: number
  /** The same without clients behind anycast resolvers. */
  readonly known: number
}

/** Who led for each asker, and what truth was when that changed. */
export class Leads {
  readonly #now: Int16Array
  readonly #before: Int16Array
  readonly #changedMs: Float64Array
  /** By how much the region left was slower when it was left, in ms. */
  readonly #gains: Float64Array
  readonly #account: Account

  constructor(askers: number, account: Account) {
    this.#now = new Int16Array(askers).fill(-1)
    this.#before = new Int16Array(askers).fill(-1)
    this.#changedMs = new Float64Array(askers).fill(Number.NEGATIVE_INFINITY)
    this.#gains = new Float64Array(askers)
    this.#account = account
  }

  /**
   * @param meanMs what a region takes from this asker's clients now
   * @param excused whether an event touched two regions of late
   */
  see(
    asker: number,
    lead: number,
    nowMs: number,
    meanMs: (region: number) => number,
    excused: (one: number, other: number) => boolean,
    counts: boolean,
  ): void {
    const from = this.#now[asker]!
    if (lead === from) return
    if (from >= 0 && lead >= 0) {
      const gain = meanMs(from) - meanMs(lead)
      if (counts) this.#account.changes++
      const back = lead === this.#before[asker] && nowMs - this.#changedMs[asker]! <= 7_200_000
      // Back and forth is right where the world went back and forth.
      const moved = Math.abs(gain + this.#gains[asker]!)
      if (counts && back && moved < 1 && !excused(from, lead)) this.#account.flaps++
      this.#gains[asker] = gain
      this.#before[asker] = from
      this.#changedMs[asker] = nowMs
    }
    this.#now[asker] = lead
  }
}
