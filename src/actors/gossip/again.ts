/**
 * All that an overwatch tells the registry, for one that holds nothing.
 */
import type { Ctx } from '../../kernel/actor.ts'
import type { ProductCatalogue } from '../../messages/catalogue.ts'
import type { KnownAgents } from './agents-known.ts'
import type { Sharing } from './sharing.ts'

/**
 * Each step says one thing. What changes meanwhile is said as it is by then. To say again what a
 * silent agent said is no sign of life.
 */
export function* everything(
  ctx: Pick<Ctx<ProductCatalogue, 'gossip'>, 'publish'>,
  { exchange }: Pick<Sharing, 'exchange'>,
  agents: KnownAgents,
): Generator<void> {
  for (const record of exchange.ledger.records())
    if (record.kind !== 'latency') yield ctx.publish('gossip.record-learned', record)
  for (const [agentId, { report, connected, heardMs: atMs }] of agents.heard)
    yield ctx.publish('gossip.agent-reported', { agentId, report, hearsay: !connected, atMs })
  // A registry that was away takes what it kept of them for true.
  for (const [agentId, goodbye] of agents.goodbyes)
    yield ctx.publish('gossip.agent-left', { agentId, ...goodbye, reason: 'deregistered' })
}
