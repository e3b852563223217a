/**
 * What the mechanisms share: the table, the queues, the timers and the way out.
 *
 * It decides nothing. One object a membership; the functions beside it take it as first argument.
 */
import type { Random } from '../../base/random.ts'
import { limits } from '../../base/limits.ts'
import type { Alive, Dead, Endpoint, PacketMessage, Suspect, UserMessage } from '../messages.ts'
import { Awareness } from './awareness.ts'
import { Broadcasts } from './broadcasts.ts'
import { Corrections } from './corrections.ts'
import { Lost } from './lost.ts'
import { Members } from './members.ts'
import type { NodeRecord, SelfDescription } from './node.ts'
import type { MembershipEvent, Output } from './outputs.ts'
import { type SwimSettings, transmissionsWanted } from './settings.ts'
import { Suspicions } from './suspicion.ts'

export interface ClusterSurroundings {
  readonly random: Random
  /** The octets a message takes on the wire, its type octet included. */
  readonly sizeOf: (message: PacketMessage) => number
  /** Smaller bounds for tests and small nodes. */
  readonly membersMax?: number
}

/** What a compound adds to a packet (type and count), and to each message in it (its length). */
const COMPOUND_OCTETS = 2
const PART_OCTETS = 2

export class Cluster {
  readonly settings: SwimSettings
  readonly random: Random
  readonly self: NodeRecord
  readonly members: Members
  /** News of members, by name: what is newer replaces what waited. */
  readonly news: Broadcasts<Alive | Suspect | Dead>
  readonly userNews: Broadcasts<UserMessage>
  readonly suspicions = new Suspicions()
  readonly awareness: Awareness
  readonly lost: Lost
  readonly corrections: Corrections
  /** Set by leave(), and never taken back: a node that comes back is a new one. */
  leaving = false
  readonly #sizeOf: (message: PacketMessage) => number
  #outputs: Output[] = []

  constructor(settings: SwimSettings, self: SelfDescription, around: ClusterSurroundings) {
    const { random, sizeOf, membersMax = limits.swimMembers.default } = around
    this.settings = settings
    this.random = random
    this.#sizeOf = sizeOf
    // The first incarnation of a node is 1.
    this.self = { ...self, incarnation: 1, state: 'alive', sinceMs: 0 }
    this.members = new Members(this.self, random, membersMax)
    this.news = new Broadcasts(membersMax, sizeOf)
    this.userNews = new Broadcasts(limits.swimUserBroadcasts.default, sizeOf)
    this.awareness = new Awareness(settings.awarenessMultiplierMax)
    this.lost = new Lost(limits.swimLost.default)
    this.corrections = new Corrections(this)
  }

  emit(event: MembershipEvent): void {
    this.#outputs.push({ kind: 'event', event })
  }

  put(output: Output): void {
    this.#outputs.push(output)
  }

  drain(): readonly Output[] {
    if (this.#outputs.length === 0) return nothing
    const outputs = this.#outputs
    this.#outputs = []
    return outputs
  }

  /** Sends messages that have a reason, and as much news beside them as fits (SWIM, 4.1). */
  send({ addr, port }: Endpoint, messages: PacketMessage[], pMax: number): void {
    let used = COMPOUND_OCTETS
    for (const message of messages) used += this.#sizeOf(message) + PART_OCTETS
    this.#addNews(messages, used)
    this.put({ kind: 'packet', to: { addr, port }, messages, pMax })
  }

  /** Sends news alone; false when there was none. */
  sendNews({ addr, port }: Endpoint, pMax: number): boolean {
    const messages: PacketMessage[] = []
    this.#addNews(messages, COMPOUND_OCTETS)
    if (messages.length > 0) this.put({ kind: 'packet', to: { addr, port }, messages, pMax })
    return messages.length > 0
  }

  #addNews(messages: PacketMessage[], used: number): void {
    if (this.news.size === 0 && this.userNews.size === 0) return
    const { packetBytes, packetOverheadBytes } = this.settings
    const rules = {
      overheadEach: PART_OCTETS,
      timesMax: transmissionsWanted(this.settings, this.members.size),
    }
    const partsMax = limits.swimPacketParts.default
    let budget = packetBytes - packetOverheadBytes - used
    budget -= this.news.take(messages, { ...rules, budget, partsMax: partsMax - messages.length })
    this.userNews.take(messages, { ...rules, budget, partsMax: partsMax - messages.length })
  }
}

const nothing: readonly Output[] = []
