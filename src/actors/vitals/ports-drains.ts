/**
 * The drain file, watched, and the file in which drains of the API outlive a restart.
 */
import { type FSWatcher, watch } from 'node:fs'
import { open, rename, stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { limits } from '../../core/base/limits.ts'
import type { DrainFileSeen } from './contract.ts'
import { readBounded } from './ports-files.ts'

/** Changes of it mean that the file should be read again. */
async function stampOf(path: string): Promise<string> {
  try {
    const found = await stat(path)
    return `${found.dev} ${found.ino} ${found.mtimeMs} ${found.ctimeMs} ${found.size}`
  } catch {
    return ''
  }
}

/**
 * Looks at once, at each event of the folder, and every so often, since a network file system
 * tells of no event and a folder may be made later. Any file of that name counts, also an empty one
 * or one that cannot be read: an operator who makes it wants the drain.
 */
export function watchDrainFile(path: string, seen: (file: DrainFileSeen) => void): () => void {
  let ended = false
  let last: string | undefined
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
      const stamp = await stampOf(path)
      if (ended) return
      if (stamp === last) continue
      last = stamp
      if (stamp === '') seen({ present: false })
      else {
        const text = (await readBounded(path, limits.drainFileBytes.default)) ?? ''
        if (ended) return
        seen({ present: true, text })
      }
    } while (again)
    looking = false
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

export async function loadDrains(
  path: string,
): Promise<{ readonly text: string } | 'absent' | 'unreadable'> {
  const text = await readBounded(path, limits.drainStateBytes.default + 1)
  if (text !== undefined) return { text }
  return (await stampOf(path)) === '' ? 'absent' : 'unreadable'
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
