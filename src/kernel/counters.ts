/** The runtime's own series of one actor, copied from plain numbers when they are read. */
import type { Link } from './link.ts'
import type { Metrics } from './metrics.ts'

export function countLinks(metrics: Metrics, name: string, links: ReadonlyMap<string, Link>): void {
  const labels = ['from', 'to']
  const sent = metrics.counter({
    name: 'opengslb_messages_sent_total',
    help: 'Messages sent from one actor to another',
    labels,
  })
  const dropped = metrics.counter({
    name: 'opengslb_outbox_dropped_total',
    help: 'Messages dropped because the reader was down or its outbox full',
    labels: ['from', 'to', 'message'],
  })
  const malformed = metrics.counter({
    name: 'opengslb_messages_malformed_total',
    help: 'Items of batches that did not fit the catalogue',
    labels,
  })
  const queued = metrics.gauge({
    name: 'opengslb_outbox_queued_bytes',
    help: 'Bytes waiting to be sent from one actor to another',
    labels,
  })
  const unacked = metrics.gauge({
    name: 'opengslb_outbox_unacked_batches',
    help: 'Batches sent from one actor to another and not yet handled',
    labels,
  })
  const told = new Map<string, number>()
  /** Counters grow by the difference to what was told before. */
  const since = (series: string, value: number): number => {
    const growth = value - (told.get(series) ?? 0)
    told.set(series, value)
    return growth
  }
  metrics.onCollect(() => {
    for (const [peer, link] of links) {
      const edge = { from: name, to: peer }
      sent.add(since(`sent ${peer}`, link.sent), edge)
      malformed.add(since(`malformed ${peer}`, link.malformed), { from: peer, to: name })
      queued.set(link.outbox.bytes, edge)
      unacked.set(link.unacked, edge)
      for (const [message, count] of link.dropped) {
        dropped.add(since(`dropped ${peer} ${message}`, count), { ...edge, message })
      }
    }
  })
}
