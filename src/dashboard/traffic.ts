/**
 * Where answers go: rates out of counts that only grow. Pure but for the cell at the end.
 *
 * The server tells totals since it started. Two readings make a rate; the older of the two is kept
 * for up to a minute, so that the rate is steady and still follows a change.
 */
import { Cell } from './cell.ts'
import { factsOf } from './shapes.ts'

const WINDOW_MS = 60_000

interface Reading {
  readonly atMs: number
  readonly totals: ReadonlyMap<string, number>
}

export class Rates {
  #readings: readonly Reading[] = []

  /** Totals as told at one moment; a total that fell begins anew. */
  observe(atMs: number, totals: ReadonlyMap<string, number>): void {
    const last = this.#readings[this.#readings.length - 1]
    if (last !== undefined && atMs <= last.atMs) return
    const fell = [...totals].some(([key, total]) => total < (last?.totals.get(key) ?? 0))
    const kept = fell ? [] : this.#readings.filter((one) => one.atMs >= atMs - WINDOW_MS)
    this.#readings = [...kept, { atMs, totals }]
  }

  /** A second, by key; undefined before there are two readings. */
  perSecond(): ReadonlyMap<string, number> | undefined {
    const first = this.#readings[0]
    const last = this.#readings[this.#readings.length - 1]
    if (first === undefined || last === undefined || first === last) return undefined
    const seconds = (last.atMs - first.atMs) / 1_000
    return new Map(
      [...last.totals].map(([key, total]) => [
        key,
        (total - (first.totals.get(key) ?? 0)) / seconds,
      ]),
    )
  }
}

/** The totals of a field that is an object of numbers. */
export function totalsOf(value: unknown): ReadonlyMap<string, number> {
  const entries = Object.entries(factsOf(value))
  return new Map(
    entries.flatMap(([key, total]): [string, number][] =>
      typeof total === 'number' ? [[key, total]] : [],
    ),
  )
}

export interface Traffic {
  /** Answers a second by key of a backend. */
  readonly backends: ReadonlyMap<string, number>
  /** The same by region. */
  readonly regions: ReadonlyMap<string, number>
}

/** What figures by backend may be called, in the order in which they are looked for. */
const BACKEND_FIELDS = ['by_backend', 'by_server', 'by_servers'] as const
const backendRates = new Rates()
const regionRates = new Rates()

export const traffic = new Cell<Traffic>({ backends: new Map(), regions: new Map() })

/** Takes `stats` of `/api/v1/metrics/routing`. */
export function observeRouting(stats: unknown, atMs: number): void {
  const facts = factsOf(stats)
  const field = BACKEND_FIELDS.find((name) => facts[name] !== undefined)
  if (field !== undefined) backendRates.observe(atMs, totalsOf(facts[field]))
  regionRates.observe(atMs, totalsOf(facts['by_region']))
  traffic.set({
    backends: backendRates.perSecond() ?? new Map(),
    regions: regionRates.perSecond() ?? new Map(),
  })
}

/** Sum of the rates. */
export const sumOf = (rates: ReadonlyMap<string, number>): number =>
  [...rates.values()].reduce((sum, one) => sum + one, 0)
