/**
 * A gossip actor on real sockets and the real clock, in this process, with what it published.
 */
import { gossip } from '../../src/actors/gossip/actor.ts'
import type { GossipConfig } from '../../src/actors/gossip/contract.ts'
import { openPorts } from '../../src/actors/gossip/ports.ts'
import { realClock } from '../../src/kernel/clock-real.ts'
import type { ProductCatalogue } from '../../src/messages/catalogue.ts'
import type { MessageOf } from '../../src/messages/entry.ts'
import type { MemberView } from '../../src/messages/agent-views.ts'
import { type FakeCtx, fakeCtx } from './ctx.ts'
import { type GossipBehaviour, membersIn } from './gossip-actors.ts'

export interface RealGossip {
  readonly behaviour: GossipBehaviour
  readonly world: FakeCtx<'gossip'>
  readonly port: number
  members(): readonly MemberView[]
  facts<Id extends keyof ProductCatalogue>(id: Id): MessageOf<ProductCatalogue, Id>[]
  stop(): Promise<void>
}

export async function realGossip(config: GossipConfig, seed = 1): Promise<RealGossip> {
  const world = fakeCtx('gossip', { seed })
  const ctx = { ...world.ctx, clock: realClock() }
  const behaviour = (await gossip.start(ctx, openPorts(), config)) as GossipBehaviour
  const listens = world.logs.find(({ message }) => message === 'gossip listens')
  const facts = <Id extends keyof ProductCatalogue>(id: Id) =>
    world.published.flatMap(([name, fact]) =>
      (name as string) === id ? [fact as unknown as MessageOf<ProductCatalogue, Id>] : [],
    )
  return {
    behaviour,
    world,
    port: Number(String(listens?.fields['address']).split(':').at(-1)),
    members: () => [...membersIn(world.published).values()],
    facts,
    stop: async () => {
      await behaviour.onStop?.()
    },
  }
}

/** Waits on the real clock until something holds; false when it did not in time. */
export async function eventually(holds: () => unknown, limitMs = 10_000): Promise<boolean> {
  const endMs = performance.now() + limitMs
  for (;;) {
    if (await holds()) return true
    if (performance.now() > endMs) return false
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
