/**
 * The press of the registry, joined to what it tells: the log, the events, and the account of what
 * was published.
 */
import type { FeedRecorder } from './feed.ts'
import type { RegistryCtx } from './book.ts'
import { Chronicle } from './chronicle.ts'
import type { RegistryPorts } from './contract.ts'
import { Press } from './press.ts'

export function pressOf(ctx: RegistryCtx, ports: RegistryPorts, feed: FeedRecorder) {
  const held = ctx.metrics.gauge({
    name: 'opengslb_dnssec_serving_held',
    help: 'Whether a configuration waits for its signatures: 0 or 1',
  })
  held.set(0)
  const press: Press = new Press({
    clock: ctx.clock,
    publish: (id, message) => ctx.publish(id, message),
    onIssued: () => chronicle.checkpoint(),
    onWords: (words) => chronicle.words(words),
    onHeld: (epoch, reason) => {
      held.set(1)
      ctx.log.warn('what is served is held: it is not signed', { epoch, reason })
      feed.record('dnssec.serving-held', {}, { epoch, reason })
    },
    onReleased: (epoch) => {
      held.set(0)
      ctx.log.info('what was held is signed and served', { epoch })
      feed.record('dnssec.serving-released', {}, { epoch })
    },
  })
  const nowMs = () => Math.floor(ctx.clock.nowMs())
  const chronicle = new Chronicle(ports, nowMs, () => press.current)
  return { press, chronicle }
}
