/**
 * What changes of the registry look like as events: servers that come and go, words, members.
 */
import { limits } from '../../core/base/limits.ts'
import type { DurableName } from '../../core/events/definitions.ts'
import type { Compiled, Fleet, Server } from '../../core/health/fleet.ts'
import type { WordChange } from '../../core/steer/snapshot.ts'
import { unpackWord } from '../../core/steer/words.ts'
import type { MemberView } from '../../messages/agent-views.ts'
import type { FeedRecorder } from './feed.ts'

export const labelsOf = ({ spec }: Server) => ({ service: spec.service, region: spec.region })

export const backendOf = ({ spec }: Server) => ({
  backend: spec.key,
  address: spec.address,
  port: spec.port,
})

/** Each change of what the DNS threads know. */
export function recordWords(feed: FeedRecorder, fleet: Fleet, words: readonly WordChange[]): void {
  for (const { epoch, version, pool, member, word } of words) {
    const spec = fleet.pools[pool]?.members[member]
    if (spec === undefined) continue
    const { serving, status, cause, heldDown, guarded, share } = unpackWord(word)
    feed.record(
      'delta.word-changed',
      { service: spec.service, region: spec.region },
      {
        ...{ domain: fleet.pools[pool]!.spec.name, backend: spec.key, epoch, version },
        ...{ serving, status, cause, held_down: heldDown, guarded, share },
      },
    )
  }
}

/** A compiled topology, and the servers in which it differs; of the first one the sums only. */
export function recordCompiled(
  feed: FeedRecorder,
  fleet: Fleet,
  { added, removed }: Compiled,
  isFirst: boolean,
): void {
  feed.record(
    'config.topology-compiled',
    {},
    {
      ...{ epoch: fleet.epoch, domains: fleet.pools.length, backends: fleet.servers.size },
      ...{ added: added.length, removed: removed.length },
    },
  )
  if (isFirst || added.length + removed.length > limits.feedCompiledEvents.default) return
  for (const key of removed) feed.record('registration.backend-removed', {}, { backend: key })
  for (const key of added) {
    const server = fleet.servers.get(key)
    if (server === undefined) continue
    const data = { ...backendOf(server), source: server.spec.source }
    feed.record('registration.backend-added', labelsOf(server), data)
  }
}

const KIND_OF_STATE = {
  suspect: 'gossip.member-suspected',
  dead: 'gossip.member-failed',
  left: 'gossip.member-left',
} as const

/** What a list of members says that the one before did not. */
export class MembersSeen {
  readonly #feed: FeedRecorder
  #members: ReadonlyMap<string, MemberView> | undefined
  #live: readonly string[] = []

  constructor(feed: FeedRecorder) {
    this.#feed = feed
  }

  /** The first list of a process is what it finds, and no event. */
  set(members: readonly MemberView[], liveOverwatches: readonly string[]): void {
    const before = this.#members
    const now = new Map(members.map((member) => [member.name, member]))
    this.#members = now
    if (before !== undefined) {
      for (const member of members) {
        const kind = kindOf(before.get(member.name), member)
        if (kind !== undefined) this.#record(kind, member)
      }
      for (const [name, member] of before)
        if (!now.has(name)) this.#record('gossip.member-forgotten', member)
      this.#noteLive(liveOverwatches)
    }
    this.#live = [...liveOverwatches]
  }

  #record(kind: Extract<DurableName, `gossip.${string}`>, member: MemberView): void {
    const { name, role, address, port, region } = member
    this.#feed.record(kind, { region }, { member: name, role, address: `${address}:${port}` })
  }

  #noteLive(live: readonly string[]): void {
    const joined = live.filter((name) => !this.#live.includes(name))
    const lost = this.#live.filter((name) => !live.includes(name))
    if (joined.length + lost.length === 0) return
    this.#feed.record('cluster.overwatches-changed', {}, { live, joined, lost })
  }
}

function kindOf(before: MemberView | undefined, { state }: MemberView) {
  if (before?.state === state) return undefined
  if (state !== 'alive') return before === undefined ? undefined : KIND_OF_STATE[state]
  const isNew = before === undefined || before.state === 'left'
  return isNew ? 'gossip.member-joined' : 'gossip.member-recovered'
}
