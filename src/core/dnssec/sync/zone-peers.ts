/**
 * What one node knows of the others that serve a zone: which version of its document they answer
 * with, and who of them is gone.
 *
 * The law: a node that is gone holds nothing up, and is not counted among those of whom most must
 * be heard. It is gone when it was silent for long, when an operator says so, when it says itself
 * that it has no such zone, or when the node of that name goes by another one now.
 */
import { limits } from '../../base/limits.ts'
import type { PeersHeard } from './peers-heard.ts'
import type { TurnSettings } from './types.ts'

export class ZonePeers {
  readonly #node: string
  readonly #heard: PeersHeard
  readonly #serves = new Map<string, number>()
  /** Taken out of service, and when; one that is heard after that is a member again. */
  readonly #dead = new Map<string, number>()

  /** They say that they have no such zone, and since when. */
  readonly #left = new Map<string, number>()

  constructor(node: string, heard: PeersHeard) {
    this.#node = node
    this.#heard = heard
  }

  get names(): IterableIterator<string> {
    return this.#serves.keys()
  }

  /** The version that the node serves; undefined for one that was not heard of. */
  serves(name: string): number | undefined {
    return this.#serves.get(name)
  }

  /** What this node serves, which can be an older version too. */
  served(version: number): void {
    this.#serves.set(this.#node, version)
  }

  note(name: string, version: number): void {
    if (!this.#serves.has(name) && this.#serves.size >= limits.rollMembers.default) return
    this.#serves.set(name, Math.max(version, this.#serves.get(name) ?? 0))
  }

  drop(name: string): void {
    this.#serves.delete(name)
  }

  /** Versions of another history say nothing of this one. */
  clear(): void {
    this.#serves.clear()
  }

  /** An operator took the node out of service. */
  bury(name: string, atSeconds: number): void {
    if (name === this.#node) return
    this.#serves.delete(name)
    if (this.#dead.size >= limits.rollMembers.default) this.#dead.clear()
    this.#dead.set(name, atSeconds)
  }

  /** The node said what it has, and the zone was not among it. */
  left(name: string, atSeconds: number): void {
    if (name === this.#node || this.#left.has(name)) return
    if (this.#left.size < limits.syncPeers.default) this.#left.set(name, atSeconds)
  }

  /** The node said something of the zone. */
  came(name: string): void {
    this.#left.delete(name)
  }

  hasLeft(name: string): boolean {
    return this.#left.has(name)
  }

  #quietFor(name: string, { nowSeconds, startedSeconds }: TurnSettings): number {
    return nowSeconds - Math.max(this.#heard.lastHeard(name) ?? 0, startedSeconds)
  }

  /** Whether it is a name that this node had before, and there is nobody else who could bear it. */
  isOwnPast(name: string, { isAlone = false }: TurnSettings): boolean {
    const isOwn = this.#heard.heirOf(name) === this.#node
    return isAlone && isOwn && this.#heard.lastHeard(name) === undefined
  }

  /** Why nothing waits for a node that is gone, and whether people should know. */
  farewell(name: string): { readonly text: string; readonly isAlarm: boolean } {
    const heir = this.#heard.heirOf(name)
    if (heir !== undefined) return { text: `${name} goes by the name ${heir} now.`, isAlarm: false }
    if (this.hasLeft(name)) return { text: `${name} serves the zone no more.`, isAlarm: false }
    const text = `${name} was silent for so long that rollovers wait for it no more.`
    return { text, isAlarm: true }
  }

  /** Whether nothing waits for the node any more. */
  isGone(name: string, settings: TurnSettings): boolean {
    if (name === this.#node) return false
    const buried = this.#dead.get(name)
    if (buried !== undefined && (this.#heard.lastHeard(name) ?? 0) <= buried) return true
    if (this.isOwnPast(name, settings)) return true
    // A reload that was a mistake is made good before that.
    const leftSeconds = this.#left.get(name) ?? Number.POSITIVE_INFINITY
    if (settings.nowSeconds - leftSeconds > settings.takeoverSeconds) return true
    // A copy of its keys may run under the new name while the old one lives: then it is heard.
    const isRenamed = this.#heard.heirOf(name) !== undefined
    const patience = isRenamed ? settings.takeoverSeconds : settings.patienceSeconds
    return this.#quietFor(name, settings) > patience
  }

  /** Whether a leader of that name takes no step any more, so that another node may. */
  isLost(name: string, settings: TurnSettings): boolean {
    if (name === this.#node) return false
    return this.isGone(name, settings) || this.#quietFor(name, settings) > settings.takeoverSeconds
  }

  /** Whether this node, or another one, is the leader under another name, and lives. */
  heirOf(leader: string, settings: TurnSettings): string | undefined {
    const heir = this.#heard.heirOf(leader)
    return heir === undefined || this.isLost(heir, settings) ? undefined : heir
  }

  #speaks(name: string, sinceSeconds: number): boolean {
    return (this.#heard.lastHeard(name) ?? 0) >= sinceSeconds
  }

  /** Whether the node lives, and serves the zone. */
  isHeard(name: string, sinceSeconds: number): boolean {
    return this.#speaks(name, sinceSeconds) && !this.hasLeft(name)
  }

  /** Members that count and were not heard since. */
  unheard(
    members: readonly string[],
    sinceSeconds: number,
    settings: TurnSettings,
  ): readonly string[] {
    return members.filter(
      (name) =>
        name !== this.#node && !this.isGone(name, settings) && !this.#speaks(name, sinceSeconds),
    )
  }

  /** Whether more than half of the members, this node among them, were heard since. */
  hears(members: readonly string[], sinceSeconds: number, settings: TurnSettings): boolean {
    const others = members.filter((name) => name !== this.#node && !this.isGone(name, settings))
    const silent = this.unheard(others, sinceSeconds, settings)
    return 2 * (others.length - silent.length + 1) > others.length + 1
  }
}
