/** Tells and counts what follows from the voices on servers. */
import { isAnswered } from '../../core/health/answered.ts'
import type { Compiled, Server } from '../../core/health/fleet.ts'
import { storedTtl } from '../../core/health/membership.ts'
import type { ServerRow } from '../../core/health/rows.ts'
import type { Book } from './book.ts'

export function noteVoices(book: Book, keys: readonly string[]): void {
  const pools = new Set<number>()
  for (const key of keys) {
    const server = book.fleet.servers.get(key)
    if (server === undefined) continue
    noteDrain(book, server)
    noteVeto(book, server)
    if (server.spec.source === 'agent' && !book.chorus.settings.validates)
      book.told.unchecked(key, book.nowMs())
    for (const { pool } of server.places) pools.add(pool)
  }
  // Where nobody serves any more a drained server may stand in, and no longer once somebody does.
  for (const key of book.told.draining()) {
    const server = book.fleet.servers.get(key)
    if (server?.places.some(({ pool }) => pools.has(pool)) === true) noteDrain(book, server)
  }
}

function noteVeto(book: Book, { spec, health, judged }: Server): void {
  const { verdict } = health
  const claim = book.chorus.voiceOf(spec.key)
  const isVetoed =
    judged.cause === 'validation' &&
    claim?.silent === false &&
    claim.healthy !== undefined &&
    claim.healthy !== (verdict === 'up')
  book.metrics.vetoed(spec.key, isVetoed ? spec.service : undefined, verdict)
}

/** The drain of this node began, ended, is another one, or is in its answers now. */
export function noteDrain(book: Book, server: Server): void {
  const { key } = server.spec
  const before = book.told.drainOf(key)
  noteOut(book, server)
  const now = book.told.drainOf(key)
  if (before !== now) book.tell.drainChanged(server, before, book.chorus.drainOf(key))
}

function noteOut(book: Book, server: Server): void {
  book.told.withdrawn(server.spec.key, !isAnswered(book.fleet, server), book.nowMs())
}

/** A start: resolvers may hold answers that were given before it. */
export function noteStored(book: Book, rows: ReadonlyMap<string, ServerRow>): void {
  const ttls = [...rows].map(([key, row]) => [key, storedTtl(row)] as const)
  book.told.formerTtls.compiled(new Map(ttls), book.nowMs())
}

/** A topology was compiled: servers came, and answers live as long as the TTL they had. */
export function noteCompiled(book: Book, { added, moved }: Compiled): void {
  const { fleet, told } = book
  const ttls = new Map<string, number>()
  for (const key of moved) {
    const server = fleet.servers.get(key)
    ttls.set(key, server === undefined ? 0 : ttlOf(book, server))
  }
  told.formerTtls.compiled(ttls, book.nowMs())
  for (const key of new Set([...added, ...told.draining()])) {
    const server = fleet.servers.get(key)
    if (server !== undefined) noteOut(book, server)
  }
}

/** The longest TTL of answers with a server, seconds. */
export const ttlOf = ({ fleet }: Book, { places }: Server): number =>
  Math.max(0, ...places.map((at) => fleet.pools[at.pool]!.spec.ttlSeconds))
