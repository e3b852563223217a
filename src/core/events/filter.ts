/**
 * What a reader of the feed wants to hear, from a query string or a message, and whether an event
 * is that.
 *
 * Nothing named in a dimension means all of it, but volatile topics are told to those only who name
 * them. Who names services is told of events of these services, and of no others, be they of the
 * whole node; the same for regions.
 */
import { limits } from '../base/limits.ts'
import { fail, ok, type Result } from '../base/result.ts'
import { durableTopics, isEventNumber, type Topic, topics } from './event.ts'

export interface Filter {
  /** Sorted, without repetition; empty means every durable topic. */
  readonly topics: readonly Topic[]
  readonly services: readonly string[]
  readonly regions: readonly string[]
  /** Nothing until a subscription says what. */
  readonly nothing: boolean
}

export interface Subscription {
  readonly filter: Filter
  /** The first number wanted; absent means from now on. */
  readonly from?: number
}

export const EVERYTHING: Filter = { topics: [], services: [], regions: [], nothing: false }

interface Labelled {
  readonly topic: string
  readonly service?: string
  readonly region?: string
}

const among = (names: readonly string[], name: string | undefined) =>
  names.length === 0 || (name !== undefined && names.includes(name))

const durable: ReadonlySet<string> = new Set(durableTopics)

export function matches(filter: Filter, { topic, service, region }: Labelled): boolean {
  if (filter.nothing) return false
  const isWanted =
    filter.topics.length === 0
      ? durable.has(topic)
      : filter.topics.some((wanted) => wanted === topic)
  return isWanted && among(filter.services, service) && among(filter.regions, region)
}

/** Equal for filters that let the same through. */
export const filterKey = ({ topics, services, regions, nothing }: Filter): string =>
  nothing ? '' : JSON.stringify([topics, services, regions])

const sorted = <T extends string>(names: Iterable<T>): T[] => [...new Set(names)].sort()

const NONE = 'none'

/** Services and regions are compared as the registry writes them: services in lower case. */
function filterOf(
  wanted: readonly string[],
  services: readonly string[],
  regions: readonly string[],
): Result<Filter, string> {
  const unknown = wanted.find((name) => name !== NONE && !topics.some((topic) => topic === name))
  if (unknown !== undefined) {
    const shown = JSON.stringify(unknown.slice(0, 64))
    return fail(`unknown topic ${shown}; the topics are ${topics.join(', ')}`)
  }
  const most = limits.feedFilterNames.default
  for (const [what, names] of [['services', services] as const, ['regions', regions] as const]) {
    if (names.length > most) return fail(`at most ${most} ${what} can be named`)
    if (names.some((name) => name.length > limits.feedNameChars.default))
      return fail(`a name in ${what} is longer than ${limits.feedNameChars.default} characters`)
  }
  const known = topics.filter((topic) => wanted.includes(topic))
  return ok({
    topics: sorted(known),
    services: sorted(services.map((name) => name.toLowerCase())),
    regions: sorted(regions),
    nothing: known.length === 0 && wanted.includes(NONE),
  })
}

const withFrom = (filter: Result<Filter, string>, from?: number): Result<Subscription, string> =>
  filter.ok ? ok({ filter: filter.value, ...(from === undefined ? {} : { from }) }) : filter

const BAD_FROM = 'from must be the number of an event'

/** `topics=health,drain&services=a&regions=x&from=17`; singular names do as well. */
export function subscriptionOfQuery(query: URLSearchParams): Result<Subscription, string> {
  const named = (...keys: readonly string[]) =>
    keys
      .flatMap((key) => query.getAll(key))
      .flatMap((value) => value.split(','))
      .map((name) => name.trim())
      .filter((name) => name !== '')
  const given = query.get('from')
  const from = given === null ? undefined : Number(given)
  if (from !== undefined && !(/^[0-9]{1,16}$/.test(given ?? '') && isEventNumber(from)))
    return fail(BAD_FROM)
  const filter = filterOf(
    named('topics', 'topic'),
    named('services', 'service'),
    named('regions', 'region'),
  )
  return withFrom(filter, from)
}

function namesIn(value: unknown): readonly string[] | undefined {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value) || value.length > limits.feedFilterNames.max) return undefined
  return value.every((name) => typeof name === 'string') ? value : undefined
}

/** `{"type": "subscribe", "topics": […], "services": […], "regions": […], "from": 17}`. */
export function subscriptionOfMessage(value: unknown): Result<Subscription, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return fail('a message is an object')
  const message = value as Readonly<Record<string, unknown>>
  if (message['type'] !== 'subscribe') return fail('the type of a message is "subscribe"')
  const wanted = namesIn(message['topics'])
  const services = namesIn(message['services'])
  const regions = namesIn(message['regions'])
  if (wanted === undefined || services === undefined || regions === undefined)
    return fail('topics, services and regions are lists of names')
  const from = message['from'] ?? undefined
  if (from !== undefined && !isEventNumber(from)) return fail(BAD_FROM)
  return withFrom(filterOf(wanted, services, regions), from)
}
