/**
 * The shell's two questions about the feed: whether somebody may listen, and what came before.
 */
import type { ProductCatalogue } from '../../../messages/catalogue.ts'
import type { MessageOf, ReplyOf } from '../../../messages/entry.ts'
import { EVERYTHING } from '../../../core/events/filter.ts'
import type { Gate } from '../access.ts'
import type { ApiConfig } from '../contract.ts'
import type { HttpAnswer } from '../http.ts'
import { noFeed, notNow } from '../routes/events.ts'
import { admit, type FeedOrder } from './admission.ts'
import type { Feed } from './feed.ts'

type Opened = ReplyOf<ProductCatalogue, 'shell.open-feed'>

/** From now on. */
const NO_FROM = -1

export async function openFeed(
  feed: Feed,
  order: FeedOrder,
  gate: Gate,
  { mode, version, nodeId }: ApiConfig,
): Promise<Opened> {
  const hello = { version, nodeId }
  const refused = (answer: HttpAnswer): Opened => {
    const { status, headers, body } = answer
    return { status, headers, body, protocol: '', filter: EVERYTHING, from: -1, next: 0, hello }
  }
  const admitted = admit(order, gate)
  if (!admitted.ok) return refused(admitted.error)
  if (mode === 'agent') return refused(noFeed())
  const next = await feed.next()
  if (!next.ok) return refused(notNow())
  const { protocol, filter, from = NO_FROM } = admitted.value
  const body = new Uint8Array(0)
  return { status: 200, headers: {}, body, protocol, filter, from, next: next.value, hello }
}

export async function readFeed(
  feed: Feed,
  { from, filter }: MessageOf<ProductCatalogue, 'shell.read-feed'>,
): Promise<ReplyOf<ProductCatalogue, 'shell.read-feed'>> {
  const page = await feed.read(from, filter)
  if (page.ok) return { ...page.value, isRead: true }
  return { events: [], next: from, isEnd: false, isRead: false }
}
