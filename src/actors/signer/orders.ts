/**
 * Orders of an operator about keys, and what they are answered: why one is not taken, and what
 * helps.
 */
import { limits } from '../../core/base/limits.ts'
import type { StoredKey } from '../../core/dnssec/keyfile.ts'
import type { RollCommand } from '../../core/dnssec/roll/types.ts'
import type { CommandRefusal, RingOutcome, TurnSettings } from '../../core/dnssec/sync/types.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { ProductCatalogue } from '../../messages/catalogue.ts'
import type { MessageOf, ReplyOf } from '../../messages/entry.ts'
import type { KeySyncConfig } from './contract.ts'
import type { Keys } from './keys.ts'
import { toldDs } from './sharing.ts'
import type { Syncer } from './syncer.ts'

type RollOrder = MessageOf<ProductCatalogue, 'api.roll-keys'>
type DsTold = MessageOf<ProductCatalogue, 'api.tell-ds'>
type Reply = ReplyOf<ProductCatalogue, 'api.roll-keys'>

export interface OrdersWorld {
  readonly log: Log
  readonly clock: Clock
  readonly keys: Keys
  readonly syncer: Syncer
  keySync(): KeySyncConfig
  settings(): TurnSettings
  /** Stores and tells what the ring changed; false when the disk refused it. */
  changed(outcomes: readonly RingOutcome[]): Promise<boolean>
  turn(zones: readonly string[]): void
}

const ROLES: ReadonlySet<string> = new Set(['csk', 'ksk', 'zsk'])

const FORCE = 'start what is off, or order it with force where that is dead and answers no DNS'

function wordsOf(refusal: CommandRefusal, zone: string): string {
  switch (refusal.kind) {
    case 'no-keys':
      return `${zone} has no keys yet`
    case 'no-such-key':
      return `${zone} has no such key in use`
    case 'full':
      return `${zone} has ${refusal.held} keys already: some must go before more are made`
    case 'led-elsewhere':
      if (refusal.isHeard) return `${refusal.leader} leads the keys of ${zone}: ask there`
      return `${refusal.leader} leads the keys of ${zone}, and was not heard of late: ${FORCE}`
    case 'too-few': {
      const unheard = refusal.unheard.join(', ')
      return `too few of the nodes that serve ${zone} are heard, for want of ${unheard}: ${FORCE}`
    }
  }
}

const refused = (message: string): Reply => ({ outcome: 'refused', message })

export class Orders {
  readonly #world: OrdersWorld

  constructor(world: OrdersWorld) {
    this.#world = world
  }

  /** An operator says of which keys the parent has a DS, where the parent cannot be asked. */
  async tellDs({ zone, keyTags, ttlSeconds, by }: DsTold): Promise<Reply> {
    const { keys, log, settings, changed, turn } = this.#world
    const { nowSeconds } = settings()
    const outcome = toldDs(keys.ring, zone, keyTags, ttlSeconds, nowSeconds)
    if (outcome === undefined)
      return {
        outcome: 'not-found',
        message: `${zone} has no such keys, or is not led by this node`,
      }
    log.info('the DS of the parent was told', { zone, by })
    await changed([outcome])
    turn([zone])
    return {
      outcome: 'done',
      message: `the parent of ${zone} is taken to have ${keyTags.length} DS`,
    }
  }

  /** An operator asks for a look at the peers now. */
  async sync(): Promise<Reply> {
    const { syncer } = this.#world
    const { peers } = this.#world.keySync()
    if (!syncer.isEnabled)
      return {
        outcome: 'unavailable',
        message: 'overwatch.dnssec.key_sync has no secret, or is off',
      }
    if (peers.length === 0)
      return { outcome: 'unavailable', message: 'overwatch.dnssec.key_sync.peers lists no peer' }
    void syncer.poll()
    return { outcome: 'done', message: `${peers.length} peers are asked for keys` }
  }

  async roll({ zone, role, emergency, force = false, by }: RollOrder): Promise<Reply> {
    const { keys, log, settings, changed, turn } = this.#world
    if (keys.of(zone) === undefined)
      return { outcome: 'not-found', message: `no zone "${zone}" is signed here` }
    if (role !== undefined && !ROLES.has(role))
      return refused(`"${role}" is no role: csk, ksk or zsk`)
    const roles = role === undefined ? {} : { roles: [role as StoredKey['role']] }
    const command: RollCommand = { ...roles, isEmergency: emergency }
    const forced = force ? await this.#force(zone) : undefined
    const refusal = keys.ring.refusal(zone, command, settings())
    const outcome =
      refusal === undefined ? keys.ring.command(zone, command, settings().nowSeconds) : undefined
    const outcomes = [forced?.outcome, outcome].filter((each) => each !== undefined)
    const isKept = await changed(outcomes)
    if (outcome === undefined) return refused(wordsOf(refusal ?? { kind: 'no-keys' }, zone))
    log.info('a rollover was asked for', { zone, by, emergency, force })
    turn([zone])
    const dead = forced?.dead ?? []
    const without = dead.length === 0 ? '' : `, and waits no more for ${dead.join(', ')}`
    const suffix = isKept ? '' : ' (not on disk yet)'
    return { outcome: 'done', message: `a rollover of ${zone} begins${without}${suffix}` }
  }

  /** Who lives and can be reached has been asked once more before it is taken for dead. */
  async #force(zone: string) {
    const { keys, syncer, clock, settings } = this.#world
    await new Promise<void>((resolve) => {
      const cancel = clock.after(limits.forcedLookMs.default, resolve)
      void syncer.poll().then(() => {
        cancel()
        resolve()
      })
    })
    return keys.ring.force(zone, settings())
  }
}
