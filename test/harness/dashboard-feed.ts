/**
 * Parts of the API as a page may meet them: a feed that a test tells what to say, and figures.
 *
 * They stand in front of a real server, inside the browser, so that the page itself is tested with
 * events, breaks and gaps that a healthy server does not produce on demand.
 */
import type { Page, WebSocketRoute } from 'playwright-core'

export interface ToldEvent {
  readonly number: number
  readonly topic: string
  readonly kind: string
  readonly service?: string
  readonly region?: string
  readonly data: Readonly<Record<string, unknown>>
}

const textOf = (event: ToldEvent) =>
  JSON.stringify({ type: 'event', at: new Date().toISOString(), ...event })

const offers = new WeakMap<Page, string[]>()

/** Adds endpoints to the table of contents that the page reads. */
export async function offer(page: Page, paths: readonly string[]): Promise<void> {
  const known = offers.get(page)
  if (known !== undefined) return void known.push(...paths)
  const more = [...paths]
  offers.set(page, more)
  await page.route(/\/api\/v1$/, async (route) => {
    const response = await route.fetch()
    const index = (await response.json()) as { endpoints: { path: string }[] }
    const endpoints = [...index.endpoints, ...more.map((path) => ({ path }))]
    await route.fulfill({ response, json: { ...index, endpoints } })
  })
}

/** Answers a path with a value in place of the server. */
export const answer = (page: Page, path: RegExp, value: () => unknown): Promise<unknown> =>
  page.route(path, (route) => route.fulfill({ json: value() }))

export class ToldFeed {
  /** Queries of the sockets so far, with the subprotocols offered. */
  readonly asked: { readonly query: URLSearchParams }[] = []
  readonly history: ToldEvent[] = []
  #socket: WebSocketRoute | undefined
  /** While false, sockets are refused. */
  takes = true

  async stand(page: Page): Promise<void> {
    await offer(page, ['/api/v1/events'])
    await page.routeWebSocket(/\/api\/v1\/events/, (socket) => {
      if (!this.takes) return void socket.close({ code: 1013, reason: 'not now' })
      const query = new URL(socket.url()).searchParams
      this.asked.push({ query })
      this.#socket = socket
      socket.send(JSON.stringify({ type: 'hello', number: this.last, version: '2', node_id: 'x' }))
      const from = query.get('from')
      if (from !== null)
        for (const event of this.history)
          if (event.number >= Number(from)) socket.send(textOf(event))
    })
    await page.route(/\/api\/v1\/events\?/, (route) => {
      const from = Number(new URL(route.request().url()).searchParams.get('from') ?? 0)
      const events = this.history.filter(({ number }) => number >= from)
      const json = { events: events.map((one) => JSON.parse(textOf(one))), next: this.last + 1 }
      return route.fulfill({ json })
    })
  }

  get last(): number {
    return this.history.at(-1)?.number ?? 0
  }

  /** Records an event and tells it to whoever listens. */
  tell(event: Omit<ToldEvent, 'number'>): ToldEvent {
    const told = { number: this.last + 1, ...event }
    this.history.push(told)
    this.#socket?.send(textOf(told))
    return told
  }

  /** A message that is no event. */
  say(value: object): void {
    this.#socket?.send(JSON.stringify(value))
  }

  async hangUp(): Promise<void> {
    const socket = this.#socket
    this.#socket = undefined
    await socket?.close({ code: 1012, reason: 'restart' })
  }
}

/** Figures over a quarter of an hour, wavy but the same each time. */
export async function standFigures(page: Page): Promise<void> {
  await offer(page, [
    '/api/v1/metrics',
    '/api/v1/metrics/history',
    '/api/v1/metrics/routing',
    '/api/v1/domains',
  ])
  const startMs = Date.now() - 900_000
  const valuesAt = (atMs: number) => {
    const wave = Math.sin(atMs / 60_000) + Math.sin(atMs / 17_000) / 3
    return {
      queries_per_sec: 1_840 + 310 * wave,
      error_rate: Math.max(0, 0.4 * wave),
      p50_ms: 0.021 + 0.003 * wave,
      p95_ms: 0.058 + 0.01 * wave,
      p99_ms: 0.12 + 0.04 * wave,
    }
  }
  await answer(page, /\/metrics$/, () => {
    const { p50_ms, p95_ms, p99_ms, ...values } = valuesAt(Date.now())
    const times = { avg_ms: 0.03, p50_ms, p95_ms, p99_ms, max_ms: 2 }
    const totals = { queries_total: 1_204_551, uptime_seconds: 200_300 }
    const timestamp = new Date().toISOString()
    return { overview: { timestamp, ...totals, ...values, response_times: times } }
  })
  await answer(page, /\/metrics\/history/, () => ({
    data_points: Array.from({ length: 180 }, (_, at) => ({
      timestamp: new Date(startMs + at * 5_000).toISOString(),
      values: valuesAt(startMs + at * 5_000),
    })),
  }))
  let answers = 0
  await answer(page, /\/metrics\/routing/, () => {
    answers += 7_000
    const by_region = { 'eu-central': answers * 0.71, 'us-east': answers * 0.29 }
    return { stats: { total_decisions: answers, by_region } }
  })
  const domain = (name: string, routing_policy: string, all: number, healthy: number) => ({
    ...{ id: name, name, routing_policy, ttl: 5, enabled: true, dnssec_enabled: false },
    ...{ backend_count: all, healthy_backends: healthy },
  })
  await answer(page, /\/domains$/, () => ({
    domains: [
      domain('app.gslb.test', 'weighted', 3, 1),
      domain('web.gslb.test', 'round-robin', 1, 1),
    ],
  }))
}
