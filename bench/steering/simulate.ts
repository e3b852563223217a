/**
 * Runs policies through a world: demand, caches of resolvers, reports of agents, and the account of
 * each. Every policy meets the same demand; what it is told follows from what it chose.
 */
import { type Random, seededRandom } from '../../src/core/base/random.ts'
import { Account, type Interval, Leads } from './account.ts'
import type { Schedule } from './parameters.ts'
import { guessesOf } from './guesses.ts'
import { type Steerer, oracle, type Up } from './steerers.ts'
import { Truth } from './truth.ts'
import { gauss, type World } from './world.ts'

const HOUR_MS = 3_600_000
/** Connections an agent needs before it reports a network. */
const MIN_SAMPLES = 5

export interface Run {
  readonly name: string
  readonly account: Account
  readonly curve: readonly Interval[]
  /** Of clients of the region that doubles, by interval from an hour before. */
  readonly doubled: readonly number[]
  /** Intervals until they are as near the oracle as before, within 5 %; undefined for never. */
  readonly recovery: number | undefined
  /** By how much the same clients are off once the region is as before, in an hour. */
  readonly returnedExcess: number
}

/** A Poisson number; a rounded normal one where the mean is large. */
function poisson(mean: number, random: Random): number {
  if (mean > 30) return Math.max(0, Math.round(mean + gauss(random) * Math.sqrt(mean)))
  const least = Math.exp(-mean)
  let count = 0
  for (let product = random.next(); product > least; product *= random.next()) count++
  return count
}

/** One policy on its way through the world. */
class Traveller {
  readonly steerer: Steerer
  readonly account = new Account()
  readonly curve: Interval[] = []
  readonly doubled: number[] = []
  readonly leads: Leads
  /** By asker and slot of this interval: the region, and whether it is an exploration. */
  readonly regions: Int16Array
  readonly exploring: Uint8Array
  /** By asker: what its resolver still has from the interval before; -1 for nothing. */
  readonly kept: Int16Array
  /** By prefix and region: connections not yet reported. */
  readonly waiting: Uint32Array
  readonly touched: number[] = []
  readonly random: Random
  turn = 0
  excessMs = 0
  oracleMs = 0
  affectedExcessMs = 0
  affectedOracleMs = 0

  constructor(steerer: Steerer, world: World, slots: number, seed: number) {
    const askers = world.askers.length
    this.steerer = steerer
    this.leads = new Leads(askers, this.account)
    this.regions = new Int16Array(askers * slots)
    this.exploring = new Uint8Array(askers * slots)
    this.kept = new Int16Array(askers).fill(-1)
    this.waiting = new Uint32Array(world.demand.length * world.regions.length)
    this.random = seededRandom(seed)
  }
}

export class Journey {
  readonly #world: World
  readonly #truth: Truth
  readonly #schedule: Schedule
  readonly #slots: number
  readonly #oracle: ReturnType<typeof oracle>
  readonly #oracles: Traveller
  /** They know every time, but of resolvers only what a query carries. */
  readonly #seers: readonly ReturnType<typeof oracle>[]
  readonly #travellers: Traveller[]
  /** Connections of each prefix in this interval, and the least time any region takes. */
  readonly #counts: Int32Array
  readonly #least: Float32Array
  readonly #random: Random
  /** Askers whom the oracle sent to the doubled region an hour before. */
  #affected = new Uint8Array(0)

  constructor(
    world: World,
    schedule: Schedule,
    makers: readonly ((world: World, up: Up) => Steerer)[],
    seed: number,
  ) {
    this.#world = world
    this.#schedule = schedule
    this.#truth = new Truth(world, schedule, seed + 1)
    this.#slots = Math.round(schedule.intervalMs / schedule.ttlMs)
    const { up, rtts, demand } = this.#truth
    this.#oracle = oracle(world, up, rtts, demand)
    const travel = (steerer: Steerer) => new Traveller(steerer, world, this.#slots, seed + 2)
    this.#oracles = travel(this.#oracle.steerer)
    this.#seers = Object.entries(guessesOf(world)).map(([name, groups]) =>
      oracle(world, up, rtts, demand, name, groups),
    )
    const steerers = makers.map((make) => make(world, up))
    this.#travellers = [...steerers, ...this.#seers.map(({ steerer }) => steerer)].map(travel)
    this.#counts = new Int32Array(world.demand.length)
    this.#least = new Float32Array(world.demand.length)
    this.#random = seededRandom(seed + 3)
  }

  run(): Run[] {
    const { intervalMs, hours } = this.#schedule
    const intervals = Math.round((hours * HOUR_MS) / intervalMs)
    for (let interval = 0; interval < intervals; interval++) this.#interval(interval)
    return this.#travellers.map((traveller) => this.#report(traveller))
  }

  #interval(interval: number): void {
    const { intervalMs, warmUpHours, doubling } = this.#schedule
    const nowMs = interval * intervalMs
    this.#truth.at(nowMs)
    this.#oracle.look()
    for (const seer of this.#seers) seer.look()
    this.#draw()
    if (nowMs === (doubling.fromHour - 1) * HOUR_MS) this.#mark()
    this.#ask(this.#oracles, interval)
    const counts = nowMs >= warmUpHours * HOUR_MS
    for (const traveller of this.#travellers) {
      this.#ask(traveller, interval)
      this.#charge(traveller, nowMs, counts)
      this.#tell(traveller, nowMs + intervalMs)
      this.#watch(traveller, nowMs, counts)
    }
  }

  #draw(): void {
    const { demand, rtts, up } = this.#truth
    const count = this.#world.regions.length
    for (let prefix = 0; prefix < demand.length; prefix++) {
      this.#counts[prefix] = poisson(demand[prefix]!, this.#random)
      let least = Number.POSITIVE_INFINITY
      for (let region = 0; region < count; region++)
        if (up[region]) least = Math.min(least, rtts[prefix * count + region]!)
      this.#least[prefix] = least
    }
  }

  #mark(): void {
    const doubled = this.#truth.regionOf(this.#schedule.doubling)
    // Behind an anycast resolver nobody knows who they are, before as after.
    this.#affected = Uint8Array.from(this.#world.askers, ({ kind }, asker) =>
      kind !== 'anycast' && this.#oracle.steerer.lead(asker) === doubled ? 1 : 0,
    )
  }

  /** Every asker with clients asks once in each life of an answer. */
  #ask(traveller: Traveller, interval: number): void {
    const { steerer, regions, exploring, kept } = traveller
    const slots = this.#slots
    for (const [asker, { clients }] of this.#world.askers.entries()) {
      let connections = 0
      for (const prefix of clients) connections += this.#counts[prefix]!
      for (let slot = 0; slot < slots; slot++) {
        const at = asker * slots + slot
        const absolute = interval * slots + slot
        if (slot >= connections) regions[at] = -1
        else if (slot === 0 && (asker & 1) === 1 && kept[asker]! >= 0) {
          // Half of the caches still hold what was answered before the interval.
          regions[at] = kept[asker]!
          exploring[at] = 0
        } else {
          regions[at] = steerer.choose(asker, traveller.turn++, absolute)
          exploring[at] = steerer.explores(asker, absolute) ? 1 : 0
        }
      }
      kept[asker] = regions[asker * slots + slots - 1]!
    }
  }

  #charge(traveller: Traveller, nowMs: number, counts: boolean): void {
    traveller.excessMs = 0
    traveller.oracleMs = 0
    traveller.affectedExcessMs = 0
    traveller.affectedOracleMs = 0
    traveller.touched.length = 0
    let knownExcessMs = 0
    let knownOracleMs = 0
    for (const [asker, { clients }] of this.#world.askers.entries()) {
      const excess = traveller.excessMs
      const oracleMs = traveller.oracleMs
      for (const prefix of clients) this.#chargePrefix(traveller, asker, prefix, counts)
      if (this.#world.askers[asker]!.kind !== 'anycast') {
        knownExcessMs += traveller.excessMs - excess
        knownOracleMs += traveller.oracleMs - oracleMs
      }
      if (this.#affected[asker] !== 1) continue
      traveller.affectedExcessMs += traveller.excessMs - excess
      traveller.affectedOracleMs += traveller.oracleMs - oracleMs
    }
    const hour = nowMs / HOUR_MS
    const known = knownExcessMs / knownOracleMs
    traveller.curve.push({ hour, excess: traveller.excessMs / traveller.oracleMs, known })
    traveller.doubled.push(traveller.affectedExcessMs / Math.max(1, traveller.affectedOracleMs))
  }

  #chargePrefix(traveller: Traveller, asker: number, prefix: number, counts: boolean): void {
    const { account } = traveller
    const { up, rtts } = this.#truth
    const slots = this.#slots
    const count = this.#world.regions.length
    const connections = this.#counts[prefix]!
    // Where connections are few, a resolver with many clients spreads them over its slots.
    const shift = this.#world.askers[asker]!.prefix < 0 ? prefix % slots : 0
    for (let slot = 0; slot < slots; slot++) {
      const rank = (slot + shift) % slots
      const own = Math.floor(connections / slots) + (rank < connections % slots ? 1 : 0)
      if (own === 0) continue
      const at = asker * slots + slot
      const region = traveller.regions[at]!
      if (region < 0) continue
      if (!up[region]) {
        if (counts) account.lost += own
        continue
      }
      const kept = this.#oracles.regions[at]!
      const ideal = kept >= 0 && up[kept] ? kept : this.#oracle.steerer.lead(asker)
      const ms = rtts[prefix * count + region]!
      const idealMs = rtts[prefix * count + ideal]!
      traveller.excessMs += own * (ms - idealMs)
      traveller.oracleMs += own * idealMs
      if (counts) {
        account.add(
          this.#world.askers[asker]!.kind,
          own,
          ms - idealMs,
          idealMs,
          ms - this.#least[prefix]! < 1,
        )
        if (traveller.exploring[at] === 1) account.explore(own, ms - idealMs)
      }
      const cell = prefix * count + region
      traveller.touched.push(cell)
      traveller.waiting[cell] = traveller.waiting[cell]! + own
    }
  }

  /** Agents report what they saw enough connections of. */
  #tell(traveller: Traveller, nowMs: number): void {
    const { steerer, waiting, random } = traveller
    const { noiseShare, noiseMs } = this.#world.parameters
    const count = this.#world.regions.length
    for (const cell of traveller.touched) {
      const samples = waiting[cell]!
      if (samples < MIN_SAMPLES) continue
      waiting[cell] = 0
      const ms = this.#truth.rtts[cell]!
      const deviation = noiseShare * ms + noiseMs
      const ewmaMs = Math.max(0.1, ms + (gauss(random) * deviation) / Math.sqrt(samples))
      const report = { ewmaMs, variance: deviation * deviation, samples, lastMs: nowMs }
      steerer.tell(Math.floor(cell / count), cell % count, report)
    }
    steerer.turnOver(nowMs)
  }

  #watch({ steerer, leads }: Traveller, nowMs: number, counts: boolean): void {
    const { demand, rtts } = this.#truth
    const count = this.#world.regions.length
    const excused = (one: number, other: number) =>
      this.#truth.eventNear(one, other, nowMs, 2 * HOUR_MS)
    for (const [asker, { clients }] of this.#world.askers.entries()) {
      const meanMs = (region: number): number => {
        let sum = 0
        let whole = 0
        for (const prefix of clients) {
          sum += demand[prefix]! * rtts[prefix * count + region]!
          whole += demand[prefix]!
        }
        return sum / whole
      }
      leads.see(asker, steerer.lead(asker), nowMs, meanMs, excused, counts)
    }
  }

  #report({ steerer, account, curve, doubled }: Traveller): Run {
    const { intervalMs, doubling } = this.#schedule
    const first = Math.round((doubling.fromHour * HOUR_MS) / intervalMs)
    const hour = Math.round(HOUR_MS / intervalMs)
    const before = doubled[first - 1] ?? 0
    const since = doubled.slice(first, first + 4 * hour)
    // After interval k the excess is back: k intervals were lost.
    const found = since.findIndex((excess) => excess <= before + 0.05)
    const returned = Math.round((doubling.toHour * HOUR_MS) / intervalMs) + hour
    return {
      name: steerer.name,
      account,
      curve,
      doubled: doubled.slice(Math.max(0, first - hour), returned + hour),
      recovery: found < 0 ? undefined : found,
      returnedExcess: (doubled[returned] ?? 0) - before,
    }
  }
}
