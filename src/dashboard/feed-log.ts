/**
 * The events the page holds: the newest few hundred, each once, in the order of their numbers.
 *
 * Pure. The feed may tell an event twice (a resume overlaps, history arrives beside the socket);
 * numbers tell. What has no number is live only and kept in the order of arrival.
 */
import { factsOf, numberIn, textIn, type Facts } from './shapes.ts'
import { momentOf } from './format.ts'

export const topics = [
  'health',
  'drain',
  'override',
  'registration',
  'gossip',
  'dnssec',
  'cluster',
  'config',
  'alarm',
  'delta',
] as const

export interface Happening {
  /** 0 for what is live only. */
  readonly number: number
  readonly atMs: number
  readonly topic: string
  readonly kind: string
  readonly service: string
  readonly region: string
  readonly data: Facts
}

/** Numbers that will not be told. */
export interface Missing {
  readonly from: number
  readonly to: number
  readonly reason: string
}

export const KEPT = 500

/** An event as the feed writes it; undefined for anything else. */
export function happeningOf(value: unknown): Happening | undefined {
  const topic = textIn(value, 'topic')
  const kind = textIn(value, 'kind')
  if (topic === undefined || kind === undefined) return undefined
  return {
    number: numberIn(value, 'number') ?? 0,
    atMs: momentOf(textIn(value, 'at')) ?? numberIn(value, 'atMs') ?? 0,
    topic,
    kind,
    service: textIn(value, 'service') ?? '',
    region: textIn(value, 'region') ?? '',
    data: factsOf(factsOf(value)['data']),
  }
}

/** Newest first, at most `KEPT`; those of `more` that are there already are passed over. */
export function joined(
  held: readonly Happening[],
  more: readonly Happening[],
): readonly Happening[] {
  const numbers = new Set(held.map(({ number }) => number))
  const fresh = more.filter(({ number }) => number === 0 || !numbers.has(number))
  if (fresh.length === 0) return held
  return [...fresh, ...held].sort(newestFirst).slice(0, KEPT)
}

const newestFirst = (one: Happening, other: Happening): number =>
  one.number > 0 && other.number > 0 ? other.number - one.number : other.atMs - one.atMs

export interface Wish {
  /** Empty means all. */
  readonly topics: ReadonlySet<string>
  readonly text: string
}

/** Whether a reader who filters like this wants to see it. */
export function isWanted(event: Happening, { topics: wanted, text }: Wish): boolean {
  if (wanted.size > 0 && !wanted.has(event.topic)) return false
  const sought = text.trim().toLowerCase()
  if (sought === '') return true
  const { topic, kind, service, region, data } = event
  return `${topic} ${kind} ${service} ${region} ${JSON.stringify(data)}`
    .toLowerCase()
    .includes(sought)
}
