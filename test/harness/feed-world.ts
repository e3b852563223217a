/**
 * The real hub behind a real front, with a script in place of the API: it holds numbered events,
 * tells new ones and answers reads of old ones.
 */
import type {
  FeedAdmission,
  HttpFront,
  HttpRequest,
  Listen,
  ListenOptions,
} from '../../src/actors/shell/contract.ts'
import { Hub } from '../../src/actors/shell/feed/hub.ts'
import type { Topic } from '../../src/core/events/event.ts'
import { subscriptionOfQuery } from '../../src/core/events/filter.ts'
import { helloMessage, type ToldEvent, toldEvent } from '../../src/core/events/protocol.ts'

/** What is to be closed when a test ends, newest first. */
export const open: (() => Promise<void> | void)[] = []

export async function closeAll(): Promise<void> {
  for (const close of open.splice(0).reverse()) await close()
}

const eventOf = (number: number, topic: Topic = 'health', text = 'x'): ToldEvent =>
  toldEvent({
    number,
    atMs: 1_750_000_000_000,
    topic,
    kind: 'test',
    service: 'app',
    data: { text },
  })

export class FeedWorld {
  readonly log: ToldEvent[] = []
  readonly faults: unknown[] = []
  readonly hub: Hub
  front: HttpFront | undefined
  admit: (head: Omit<HttpRequest, 'body'>) => FeedAdmission | undefined = () => undefined

  constructor() {
    this.hub = new Hub({
      read: async (from) => ({
        events: this.log.filter(({ number }) => number >= from),
        next: this.log.length + 1,
        isEnd: true,
      }),
      after: (delayMs, run) => {
        const timer = setTimeout(run, delayMs)
        timer.unref()
        return () => clearTimeout(timer)
      },
      monotonicMs: () => performance.now(),
    })
  }

  get port(): number {
    return this.front!.port
  }

  tell(count: number, text = 'x', topic: Topic = 'health'): void {
    const events = Array.from({ length: count }, (_, index) =>
      eventOf(this.log.length + 1 + index, topic, text),
    )
    this.log.push(...events)
    this.hub.told(events)
  }

  async serve(listen: Listen, more: Partial<ListenOptions> = {}): Promise<this> {
    const front = await listen({
      address: '127.0.0.1:0',
      onRequest: async ({ method, path }) => ({
        status: 200,
        headers: {},
        body: `${method} ${path}`,
      }),
      onFault: (error) => this.faults.push(error),
      feed: {
        path: '/api/v1/events',
        admit: async (head, transport) => {
          const refused = this.admit(head)
          if (refused !== undefined) return refused
          const asked = subscriptionOfQuery(new URLSearchParams(head.query))
          if (!asked.ok)
            return { code: 'refused', answer: { status: 400, headers: {}, body: asked.error } }
          const { filter, from } = asked.value
          const protocol = (head.headers['sec-websocket-protocol'] ?? '').split(',')[0]!.trim()
          return {
            code: 'admitted',
            protocol,
            open: (socket) => {
              this.hub.begin(this.log.length + 1)
              const reader = this.hub.add(socket, filter, from)
              reader.say(
                helloMessage(this.hub.next - 1, { version: '1', nodeId: transport }, filter),
              )
              return reader
            },
          }
        },
      },
      ...more,
    })
    if (!front.ok) throw new Error(front.error.message)
    this.front = front.value
    open.push(() => front.value.close())
    return this
  }
}

export const numbersOf = (heard: readonly Readonly<Record<string, unknown>>[]) =>
  heard.filter(({ type }) => type === 'event').map(({ number }) => number)
export const upTo = (last: number, from = 1) =>
  Array.from({ length: last - from + 1 }, (_, index) => from + index)
