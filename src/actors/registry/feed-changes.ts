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

/** What is said of members that was not said before. */
export class MembersSeen {
  readonly #feed: FeedRecorder
  #members: Map<string, MemberView> | undefined
  #live: readonly string[] | undefined

  constructor(feed: FeedRecorder) {
    this.#feed = feed
  }

  /** The first list of a process is what it finds, and no event. */
  set(members: readonly MemberView[]): void {
    const before = this.#members
    const now = new Map(members.map((member) => [member.name, member]))
    this.#members = now
    if (before === undefined) return
    for (const member of members) this.#note(before.get(member.name), member)
    for (const [name, member] of before)
      if (!now.has(name)) this.#record('gossip.member-forgotten', member)
  }

  /** `member` is absent where it is forgotten. */
  change({ name, member }: { readonly name: string; readonly member?: MemberView | undefined }) {
    const members = this.#members
    // What came before the list is in it.
    if (members === undefined) return
    const before = members.get(name)
    if (member !== undefined) {
      members.set(name, member)
      this.#note(before, member)
    } else if (members.delete(name)) this.#record('gossip.member-forgotten', before!)
  }

  #note(before: MemberView | undefined, member: MemberView): void {
    const kind = kindOf(before, member)
    if (kind !== undefined) this.#record(kind, member)
  }

  #record(kind: Extract<DurableName, `gossip.${string}`>, member: MemberView): void {
    const { name, role, address, port, region } = member
    this.#feed.record(kind, { region }, { member: name, role, address: `${address}:${port}` })
  }

  /** Which overwatches are alive; the first word of it is no event. */
  setLive(live: readonly string[]): void {
    const before = this.#live
    this.#live = [...live]
    if (before === undefined) return
    const joined = live.filter((name) => !before.includes(name))
    const lost = before.filter((name) => !live.includes(name))
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
