/**
 * Makes a folder and what is missing above it.
 *
 * `mkdir` with `recursive` never comes back on Node 20 where the file system answers ENOENT under a
 * parent that exists (as /proc does), so the walk is done here, one step for each part of the path.
 */
import { mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

const exists = (path: string) => statSync(path, { throwIfNoEntry: false }) !== undefined

/** Closed to others; throws what the file system says. */
export function makeFolder(path: string): void {
  const missing: string[] = []
  for (let at = resolve(path); !exists(at) && at !== dirname(at); at = dirname(at)) missing.push(at)
  for (const folder of missing.reverse()) {
    try {
      mkdirSync(folder, { mode: 0o750 })
    } catch (error) {
      // Another thread was quicker.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
}
