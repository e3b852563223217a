/**
 * Where the watcher of this node (ports-watch-entry.ts) hears that the actor lives: a socket in the
 * folder of the member, at which each octet is answered by the thread that renews the lease.
 */
import { rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BEAT } from '../../core/cluster/engine.ts'

/** Built beside this file. */
const entry = fileURLToPath(new URL('./ports-watch-entry.js', import.meta.url))

/** The watcher and its successor for a moment, if the first one was killed. */
const LISTENERS = 4

/** The arguments of node that run the watcher. */
export const watcherOf = (folder: string, silenceMs: number): readonly string[] => [
  '--max-old-space-size=32',
  '--no-warnings',
  entry,
  folder,
  String(silenceMs),
]

/** Answers until what is returned is called; the message of what failed otherwise. */
export function openBeat(folder: string): Promise<(() => void) | string> {
  const path = join(folder, BEAT)
  // One incarnation of the actor after another; nobody else holds the folder.
  rmSync(path, { force: true })
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('data', (octets) => void socket.write(octets))
    socket.on('error', () => {})
    socket.on('close', () => open.delete(socket))
  })
  server.maxConnections = LISTENERS
  const close = () => {
    server.close()
    for (const socket of open) socket.destroy()
  }
  return new Promise((resolve) => {
    server.once('error', ({ message }) => resolve(message))
    server.listen(path, () => {
      server.on('error', () => {})
      resolve(close)
    })
  })
}
