/**
 * What the house needs to share keys and to believe an operator: glue between ring, log and
 * metrics.
 */
import type { KeyRing } from '../../core/dnssec/sync/ring.ts'
import type { RingOutcome } from '../../core/dnssec/sync/types.ts'
import type { Ctx } from '../../kernel/actor.ts'
import type { ProductCatalogue } from '../../messages/catalogue.ts'
import { Board } from './board.ts'
import type { SignerConfig, SignerPorts } from './contract.ts'
import type { SignerMetrics } from './metrics.ts'
import { Syncer } from './syncer.ts'

export interface SharingWorld {
  readonly ctx: Ctx<ProductCatalogue, 'signer'>
  readonly ports: SignerPorts
  readonly ring: KeyRing
  readonly metrics: SignerMetrics
  readonly config: Pick<SignerConfig, 'keySync' | 'isClustered' | 'zones'>
  changed(outcome: RingOutcome): Promise<unknown>
}

export function newSyncer(world: SharingWorld): Syncer {
  const { ctx, ports, ring, metrics, config, changed } = world
  const { clock, log } = ctx
  const { syncCrypto: crypto, post } = ports
  const taken = async (outcome: RingOutcome, peer: string) => {
    for (const { zone, reason } of outcome.refusals)
      log.warn('a document of keys is refused', { zone, peer, reason })
    if (outcome.changed.length > 0) metrics.imported(peer, outcome.changed.length)
    await changed(outcome)
  }
  const { secrets } = config.keySync
  if (config.isClustered && secrets.length === 0 && config.zones.length > 0)
    log.warn('nodes sign with keys of their own: set overwatch.dnssec.key_sync.secret on all', {
      hint: 'overwatch.peering.secret or cluster.gossip.encryption_key will do as well',
    })
  const board = config.isClustered
    ? new Board(
        {
          ...{ clock, crypto, ring, changed: taken },
          tell: (record) => ctx.publish('signer.record-told', record),
          warned: (text, node) => log.warn(text, { node }),
        },
        secrets,
      )
    : undefined
  return new Syncer(
    {
      ...{ clock, crypto, post, ring },
      ...(board === undefined ? {} : { board }),
      changed: taken,
      looked: (peer, fault, isNews) => {
        metrics.synced(peer, fault === undefined, Math.floor(clock.nowMs() / 1_000))
        if (!isNews) return
        if (fault !== undefined) log.warn('key sync failed', { peer, reason: fault })
        else log.info('key sync goes well again', { peer })
      },
      refused: (text) => log.warn(text),
    },
    config.keySync,
  )
}

/** The word of an operator as a look at the parent; undefined when it names keys that are none. */
export function toldDs(
  ring: KeyRing,
  zone: string,
  keyTags: readonly number[],
  ttlSeconds: number,
  nowSeconds: number,
): RingOutcome | undefined {
  const held = ring.zone(zone)
  const state = held?.bundle?.state
  if (held === undefined || state === undefined || !held.isLed) return undefined
  const keys = keyTags.map((tag) => state.keys.find((key) => key.tag === tag && key.signsKeys))
  const ids = keys.filter((key) => key !== undefined).map((key) => key.id)
  if (ids.length !== keyTags.length) return undefined
  const look = { atSeconds: nowSeconds, isComplete: true, isTold: true }
  return ring.look(zone, { ...look, sets: [ids], ttlSeconds })
}
