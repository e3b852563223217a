/**
 * How a reader of the feed comes in: the API says whether and to what, the hub takes it from there.
 */
import { limits } from '../../../core/base/limits.ts'
import { helloMessage } from '../../../core/events/protocol.ts'
import type { Ctx } from '../../../kernel/actor.ts'
import type { ProductCatalogue } from '../../../messages/catalogue.ts'
import type { FeedAdmission, FeedDoor, FeedTransport } from '../contract.ts'
import { Hub } from './hub.ts'
import { showFeed } from './metrics.ts'

type ShellCtx = Ctx<ProductCatalogue, 'shell'>

export interface Feed {
  readonly door: FeedDoor
  readonly hub: Hub
}

const PATH = '/api/v1/events'

/** @param unavailable what a reader is told while the API does not answer */
export function openFeed(ctx: ShellCtx, unavailable: () => FeedAdmission): Feed {
  const hub = new Hub({
    read: async (from, filter) => {
      const message = { from, filter }
      const reply = await ctx.ask('shell.read-feed', message, limits.httpAnswerMs.default)
      return reply.ok && reply.value.isRead ? reply.value : undefined
    },
    after: (delayMs, run) => ctx.clock.after(delayMs, run),
    monotonicMs: () => ctx.clock.monotonicMs(),
    heard: (topics) => ctx.publish('shell.topics-heard', { topics }),
  })
  const show = showFeed(ctx.metrics, hub)
  const admit = async (head: Parameters<FeedDoor['admit']>[0], transport: FeedTransport) => {
    const order = { ...head, transport }
    const reply = await ctx.ask('shell.open-feed', order, limits.httpAnswerMs.default)
    if (!reply.ok) return unavailable()
    const { status, headers, body, protocol, filter, from, next, hello } = reply.value
    if (status !== 200) return { code: 'refused', answer: { status, headers, body } } as const
    const open: Extract<FeedAdmission, { code: 'admitted' }>['open'] = (socket) => {
      hub.begin(next)
      const reader = hub.add(socket, filter, from < 0 ? undefined : from)
      reader.say(helloMessage(hub.next - 1, hello, filter))
      return show.counted(reader, transport)
    }
    return { code: 'admitted', protocol, open } as const
  }
  return { hub, door: { path: PATH, admit } }
}
