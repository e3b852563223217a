// Goal: what waits to be looked at is shown while it waits, and gone when it is taken. From outside
// it is too brief to be seen.
import { expect, test } from 'vitest'
import { Inbox } from '../../../../src/actors/gossip/inbox.ts'
import { gossipMetrics, type Levels } from '../../../../src/actors/gossip/metrics.ts'
import { fakeMetrics } from '../../../harness/fake-metrics.ts'
import { virtualClock } from '../../../harness/virtual-clock.ts'

test('the depth of the queue is that of the inbox', () => {
  const clock = virtualClock()
  const metrics = fakeMetrics()
  const inbox = new Inbox(clock, () => {})
  const levels = {
    members: { known: 0, healthy: 0, awareness: 0 },
    transport: { received: new Map(), sent: new Map(), refused: new Map() },
    socket: { streams: 0, refused: 0, dropped: 0 },
    overwatch: undefined,
    nowMs: 0,
  } as unknown as Levels
  gossipMetrics(metrics, () => ({ ...levels, queued: inbox.size, queueDropped: inbox.dropped }))
  const depth = () => metrics.value('opengslb_gossip_queue_depth')
  expect(depth()).toBe(0)
  const from = { addr: Uint8Array.of(127, 0, 0, 1), port: 1 }
  for (let at = 0; at < 3; at++) inbox.put({ payload: new Uint8Array(4), from, via: 'packet' })
  expect(depth()).toBe(3)
  while (clock.pending() > 0) clock.advance(0)
  expect(depth()).toBe(0)
})
