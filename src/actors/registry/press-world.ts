/**
 * The press of the registry, joined to what it tells: the log, the events, and the account of what
 * was published.
 */
import type { FeedRecorder } from './feed.ts'
import type { RegistryCtx } from './book.ts'
import { Chronicle } from './chronicle.ts'
import type { RegistryPorts } from './contract.ts'
import { Press } from './press.ts'

/** A node of a cluster leads no sooner than it has something to answer with. */
export function tellIssued(ctx: RegistryCtx, { current, speaks }: Press): void {
  if (speaks && current !== undefined)
    ctx.publish('registry.serving-issued', { epoch: current.epoch })
}

/** @param onIssued called after an edition was told, for what readers hold beside it */
export function pressOf(
  ctx: RegistryCtx,
  ports: RegistryPorts,
  feed: FeedRecorder,
  onIssued: () => void,
) {
  const held = ctx.metrics.gauge({
    name: 'opengslb_dnssec_serving_held',
    help: 'Whether a configuration waits for its signatures: 0 or 1',
  })
  held.set(0)
  const press: Press = new Press({
    clock: ctx.clock,
    publish: (id, message) => ctx.publish(id, message),
    onIssued: () => {
      onIssued()
      chronicle.issued()
    },
    onWords: (words) => chronicle.words(words),
    onHeld: (epoch, reason) => {
      held.set(1)
      ctx.log.warn('what is served is held: it is not signed', { epoch, reason })
      feed.record('dnssec.serving-held', {}, { epoch, reason })
      if (press.current === undefined && press.refusal !== undefined) ports.refusedFirst?.(reason)
    },
    onReleased: (epoch) => {
      held.set(0)
      ctx.log.info('what was held is signed and served', { epoch })
      feed.record('dnssec.serving-released', {}, { epoch })
    },
  })
  const chronicle = new Chronicle(ports, ctx.clock, () => press.current)
  return { press, chronicle }
}
