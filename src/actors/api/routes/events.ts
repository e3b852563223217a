/**
 * Events as pages of JSON, for scripts that ask now and then; who listens uses the same path by
 * WebSocket or as an event stream.
 */
import { z } from 'zod'
import { limits } from '../../../core/base/limits.ts'
import { subscriptionOfQuery } from '../../../core/events/filter.ts'
import { FEED_PATH } from '../feed/admission.ts'
import type { Feed } from '../feed/feed.ts'
import type { HttpAnswer } from '../http.ts'
import { refuse } from '../http.ts'
import type { ApiConfig } from '../contract.ts'
import { type Call, type Route, route } from '../router.ts'

const decoder = new TextDecoder()
const encoder = new TextEncoder()
const LIMIT = 100

const names = z.string().describe('names, separated by commas')
const schema = {
  tag: 'events',
  query: {
    from: z
      .string()
      .regex(/^[0-9]{1,16}$/)
      .describe('the first number wanted')
      .optional(),
    limit: z
      .string()
      .regex(/^[0-9]{1,5}$/)
      .describe('at most so many are looked at')
      .optional(),
    topics: names.optional(),
    services: names.optional(),
    regions: names.optional(),
  },
  answers: {
    200: z.object({
      events: z.array(z.looseObject({ type: z.enum(['event', 'gap']) })),
      next: z.number().int().describe('ask from here for what follows'),
      end: z.boolean().describe('there is nothing more yet'),
    }),
  },
} as const

export function eventRoutes(feed: Feed, config: () => ApiConfig): Route[] {
  return [
    route(
      'GET',
      FEED_PATH,
      'Numbered events, oldest first; without `from` the newest',
      (call) => (config().mode === 'agent' ? noFeed() : page(feed, call)),
      { schema },
    ),
  ]
}

/** Events are the registry's, and an agent has none. */
export const noFeed = (): HttpAnswer => refuse(404, 'an agent has no event feed')

export const notNow = (): HttpAnswer =>
  refuse(503, 'the event log cannot be read now', { 'retry-after': '1' })

async function page(feed: Feed, { query }: Call): Promise<HttpAnswer> {
  const subscription = subscriptionOfQuery(query)
  if (!subscription.ok) return refuse(400, subscription.error)
  const given = query.get('limit')
  const limit = given === null ? LIMIT : Number(given)
  const most = limits.feedPageEvents.default
  if (!/^[0-9]{1,5}$/.test(given ?? '1') || limit < 1 || limit > most)
    return refuse(400, `limit must be a number from 1 to ${most}`)
  const next = await feed.next()
  if (!next.ok) return notNow()
  const { filter, from } = subscription.value
  const found = await feed.read(from ?? Math.max(1, next.value - limit), filter, limit)
  if (!found.ok) return notNow()
  const { events, isEnd } = found.value
  // Who names no number misses none.
  const shown = from === undefined ? events.filter(({ topic }) => topic !== 'gap') : events
  const texts = shown.map(({ json }) => decoder.decode(json))
  const body = `{"events":[${texts.join(',')}],"next":${found.value.next},"end":${isEnd}}`
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' }
  return { status: 200, headers, body: encoder.encode(body) }
}
