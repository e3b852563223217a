/**
 * The series of the live feed: who listens, what was sent, and who was cut off.
 */
import type { Metrics } from '../../../kernel/metrics.ts'
import type { FeedListener, FeedTransport } from '../contract.ts'
import type { Hub, HubCounts } from './hub.ts'

export function showFeed(metrics: Metrics, hub: Hub) {
  const open = metrics.gauge({
    name: 'opengslb_feed_connections',
    help: 'Readers of the live feed.',
    labels: ['transport'],
  })
  const waiting = metrics.gauge({
    name: 'opengslb_feed_waiting_bytes',
    help: 'What waits to be sent to readers of the live feed.',
  })
  const counter = (name: string, help: string) => metrics.counter({ name, help })
  const counters: Readonly<Record<keyof HubCounts, ReturnType<typeof counter>>> = {
    sent: counter('opengslb_feed_sent_total', 'Messages sent to readers of the live feed.'),
    slow: counter('opengslb_feed_slow_readers_total', 'Readers cut off for being too slow.'),
    gaps: counter('opengslb_feed_gaps_total', 'Gaps in the numbers that readers were told of.'),
    cut: counter('opengslb_feed_cut_total', 'Readers sent away to come again, for other reasons.'),
  }
  const connections: Record<FeedTransport, number> = { websocket: 0, sse: 0 }
  const seen: HubCounts = { sent: 0, slow: 0, gaps: 0, cut: 0 }
  metrics.onCollect(() => {
    for (const transport of ['websocket', 'sse'] as const)
      open.set(connections[transport], { transport })
    waiting.set(hub.waitingBytes)
    for (const name of ['sent', 'slow', 'gaps', 'cut'] as const) {
      counters[name].add(hub.counts[name] - seen[name])
      seen[name] = hub.counts[name]
    }
  })
  return {
    /** The listener, counted as a connection until it is closed. */
    counted: (listener: FeedListener, transport: FeedTransport): FeedListener => {
      connections[transport]++
      return {
        message: (bytes, isText) => listener.message(bytes, isText),
        drained: () => listener.drained(),
        closed: () => {
          connections[transport]--
          listener.closed()
        },
      }
    },
  }
}
