/**
 * Overwatches that gossip here and with which no keys are shared. Each makes keys of its own for
 * the zones that both serve, and what one signs is bogus under a DS of the other.
 */
import type { Log } from '../../kernel/log.ts'

export interface ApartWorld {
  readonly log: Pick<Log, 'warn'>
  readonly node: string
  /** Zones are signed here, keys may be shared, and nobody is named to share them with. */
  readonly isAlone: () => boolean
}

export class Apart {
  readonly #world: ApartWorld
  #others: readonly string[] = []
  #said = ''

  constructor(world: ApartWorld) {
    this.#world = world
  }

  /** @param live names of all overwatches, this one too */
  hear(live: readonly string[]): void {
    this.#others = live.filter((name) => name !== this.#world.node)
    this.note()
  }

  /** Says so once of those there are. */
  note(): void {
    const others = this.names.join(' ')
    if (others === this.#said) return
    this.#said = others
    if (others === '') return
    const hint =
      'name their API in overwatch.dnssec.key_sync.peers, on all of them; or set ' +
      'overwatch.dnssec.key_sync.enabled: false where they serve no zone of this node'
    const what = 'other overwatches share no keys with this one: no CDS asks for a DS meanwhile'
    this.#world.log.warn(what, { overwatches: others, hint })
  }

  get names(): readonly string[] {
    return this.#world.isAlone() ? this.#others : []
  }
}
