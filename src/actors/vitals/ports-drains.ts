/**
 * The drain file, watched, and the file in which drains of the API outlive a restart.
 */
import { type FSWatcher, watch } from 'node:fs'
import { open, rename, stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { limits } from '../../core/base/limits.ts'
import type { DrainFileSeen } from './contract.ts'
import { readBounded } from './ports-files.ts'

/** What a look finds: a stamp, whose changes mean that the file should be read again. */
type Look = { readonly stamp: string } | 'gone' | { readonly fault: string }

async function lookAt(path: string): Promise<Look> {
  try {
    const found = await stat(path)
    return { stamp: `${found.dev} ${found.ino} ${found.mtimeMs} ${found.ctimeMs} ${found.size}` }
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException
    return code === 'ENOENT' || code === 'ENOTDIR' ? 'gone' : { fault: code }
  }
}

/**
 * Looks at once, at each event of the folder, and every so often, since a network file system
 * tells of no event and a folder may be made later. Any file of that name counts, also an empty one
 * or one that cannot be read: an operator who makes it wants the drain. Where it cannot be told
 * whether there is a file, as on a share that is away, what was seen last stays.
 */
export function watchDrainFile(path: string, seen: (file: DrainFileSeen) => void): () => void {
  let ended = false
  let last: string | undefined
  let said: DrainFileSeen | undefined
  let looking = false
  let again = false
  let watcher: FSWatcher | undefined

  async function look(): Promise<void> {
    if (looking) {
      again = true
      return
    }
    looking = true
    do {
      again = false
      const found = await lookAt(path)
      if (ended) return
      if (found === 'gone') {
        last = undefined
        say({ present: false })
      } else if ('fault' in found) {
        last = undefined
        say({ ...(said ?? { present: false }), ...found })
      } else if (found.stamp !== last) {
        const text = await readBounded(path, limits.drainFileBytes.default)
        if (ended) return
        // What it said before is better than nothing; the next look reads it again.
        last = text === undefined ? undefined : found.stamp
        say({ present: true, text: text ?? textOf(said) })
      }
    } while (again)
    looking = false
  }

  function say(next: DrainFileSeen): void {
    const isSame = said?.present === next.present && textOf(said) === textOf(next)
    const isFault = next.fault !== undefined && next.fault !== said?.fault
    said = next
    if (!isSame || isFault) seen(next)
  }

  function listen(): void {
    if (watcher !== undefined || ended) return
    try {
      // The folder, not the file: it need not exist yet, and may be replaced by a rename.
      const opened = watch(dirname(path), (_event, name) => {
        if (name === null || name === basename(path)) void look()
      })
      const close = () => {
        opened.close()
        if (watcher === opened) watcher = undefined
      }
      opened.on('error', close)
      watcher = opened
    } catch {
      // The poll goes on, and tries again.
      watcher = undefined
    }
  }

  const poll = () => {
    listen()
    void look()
  }
  poll()
  const timer = setInterval(poll, limits.drainFilePollMs.default)
  return () => {
    ended = true
    clearInterval(timer)
    watcher?.close()
  }
}

const textOf = (seen: DrainFileSeen | undefined) => (seen?.present === true ? seen.text : '')

export async function loadDrains(
  path: string,
): Promise<{ readonly text: string } | 'absent' | 'unreadable'> {
  const text = await readBounded(path, limits.drainStateBytes.default + 1)
  if (text !== undefined) return { text }
  return (await lookAt(path)) === 'gone' ? 'absent' : 'unreadable'
}

/** Written beside and renamed, so that a kill leaves the old text or the new one. */
export async function saveDrains(path: string, text: string): Promise<boolean> {
  const next = `${path}.next`
  try {
    const file = await open(next, 'w', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(next, path)
    return true
  } catch {
    return false
  }
}

/** Of files that cannot be taken up: the next one saved does not take their place. */
export async function setAside(path: string): Promise<string | undefined> {
  const kept = `${path}.damaged`
  try {
    await rename(path, kept)
    return kept
  } catch {
    return undefined
  }
}
