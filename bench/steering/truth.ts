/**
 * What is so at a moment of a simulated world: the round trip of every network to every region,
 * and which regions are up. The schedule of events is applied here.
 */
import { seededRandom } from '../../src/core/base/random.ts'
import type { Schedule, Span } from './parameters.ts'
import { cities } from './places.ts'
import { demandAt, eveningAt, type World } from './world.ts'

const HOUR_MS = 3_600_000

const inside = ({ fromHour, toHour }: Span, nowMs: number): boolean =>
  nowMs >= fromHour * HOUR_MS && nowMs < toHour * HOUR_MS

export class Truth {
  readonly world: World
  readonly schedule: Schedule
  /** Regions by the demand for which they are best at the start. */
  readonly busiest: readonly number[]
  /** rtts[prefix * regions + region], in ms, as of the last `at`. */
  readonly rtts: Float32Array
  /** Mean connections of each prefix in an interval, as of the last `at`. */
  readonly demand: Float64Array
  readonly up: boolean[]
  readonly #rerouted: Uint8Array

  constructor(world: World, schedule: Schedule, seed: number) {
    this.world = world
    this.schedule = schedule
    this.rtts = new Float32Array(world.paths.length)
    this.demand = new Float64Array(world.demand.length)
    this.up = world.regions.map(() => true)
    const random = seededRandom(seed)
    this.#rerouted = Uint8Array.from({ length: world.asns.length * world.regions.length }, () =>
      random.next() < schedule.reroute.share ? 1 : 0,
    )
    this.busiest = this.#rank()
  }

  #rank(): number[] {
    const { regions, demand, paths } = this.world
    const served = regions.map(() => 0)
    const count = regions.length
    for (const [prefix, wanted] of demand.entries()) {
      let best = 0
      for (let region = 1; region < count; region++)
        if (paths[prefix * count + region]! < paths[prefix * count + best]!) best = region
      served[best] = served[best]! + wanted
    }
    return served.map((_, region) => region).sort((one, other) => served[other]! - served[one]!)
  }

  regionOf(span: Span): number {
    return this.busiest[span.rank]!
  }

  /** Whether an event changes something between two regions at this time, or did within a while. */
  eventNear(region: number, other: number, nowMs: number, withinMs: number): boolean {
    const { doubling, outage, reroute } = this.schedule
    for (const span of [doubling, outage]) {
      const touched = this.regionOf(span)
      if (touched !== region && touched !== other) continue
      for (const hour of [span.fromHour, span.toHour])
        if (nowMs >= hour * HOUR_MS && nowMs < hour * HOUR_MS + withinMs) return true
    }
    const since = nowMs - reroute.fromHour * HOUR_MS
    return since >= 0 && since < withinMs
  }

  /** Moves to a time. */
  at(nowMs: number): void {
    const { world, schedule, rtts, up } = this
    const { parameters, regions, paths, crowds } = world
    const doubled = inside(schedule.doubling, nowMs) ? this.regionOf(schedule.doubling) : -1
    const down = inside(schedule.outage, nowMs) ? this.regionOf(schedule.outage) : -1
    const rerouted = nowMs >= schedule.reroute.fromHour * HOUR_MS && parameters.signal
    const addedMs = rerouted ? schedule.reroute.addedMs : 0
    const count = regions.length
    for (let region = 0; region < count; region++) up[region] = region !== down
    const evenings = cities.map((city) => eveningAt(city, nowMs))
    const demands = cities.map((city) => demandAt(city, nowMs))
    for (let prefix = 0; prefix < world.demand.length; prefix++) {
      const block = world.prefixBlock[prefix]!
      const city = world.blockCity[block]!
      const evening = evenings[city]!
      const asn = world.blockAsn[block]!
      const mile = world.lastMileMs[prefix]! * (1 + parameters.eveningGrowth * evening)
      this.demand[prefix] = world.demand[prefix]! * demands[city]!
      for (let region = 0; region < count; region++) {
        const cell = asn * count + region
        const path = paths[prefix * count + region]! + crowds[cell]! * evening
        const ms = mile + path + this.#rerouted[cell]! * addedMs
        rtts[prefix * count + region] = region === doubled ? ms * 2 : ms
      }
    }
  }
}
