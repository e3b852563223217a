/** Tells and counts what follows from the voices on a server. */
import type { Server } from '../../core/health/fleet.ts'
import type { Book } from './book.ts'

export function noteVoices(book: Book, key: string): void {
  const server = book.fleet.servers.get(key)
  if (server === undefined) return
  noteDrain(book, server)
  const { verdict } = server.health
  const claim = book.chorus.voiceOf(key)
  const isVetoed =
    server.judged.cause === 'validation' &&
    claim?.silent === false &&
    claim.healthy !== undefined &&
    claim.healthy !== (verdict === 'up')
  book.metrics.vetoed(key, isVetoed ? server.spec.service : undefined, verdict)
}

/** The drain in the answers of this node began, ended, or is another one. */
function noteDrain(book: Book, server: Server): void {
  const { key } = server.spec
  const before = book.told.drainOf(key)
  book.told.withdrawn(key, book.nowMs())
  const now = book.told.drainOf(key)
  if (before !== now) book.tell.drainChanged(server, before, book.chorus.drainOf(key))
}
