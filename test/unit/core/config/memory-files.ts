/**
 * A file system in memory for the loader: paths with slashes, directories implied by their files.
 */
import { fail, ok } from '../../../../src/core/base/result.ts'
import type { DirectoryEntry, Files } from '../../../../src/core/config/files.ts'

export interface MemoryFile {
  readonly text: string | Uint8Array
  readonly mode?: number
  /** The path it stands for; by default its own. */
  readonly identity?: string
}

function normal(path: string): string {
  const steps: string[] = []
  for (const step of path.split('/')) {
    if (step === '..' && steps.length > 0 && steps.at(-1) !== '') steps.pop()
    else if (step !== '.' && (step !== '' || steps.length === 0)) steps.push(step)
  }
  const joined = steps.join('/')
  return joined === '' && path.startsWith('/') ? '/' : joined
}

export function memoryFiles(files: Readonly<Record<string, string | MemoryFile>>): Files {
  const paths = Object.keys(files)
  return {
    read: (path, maxBytes) => {
      const file = files[normal(path)]
      if (file === undefined) return fail('missing')
      const {
        text,
        mode = 0o640,
        identity = normal(path),
      } = typeof file === 'string' ? { text: file } : file
      const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text
      return bytes.length > maxBytes ? fail('too-large') : ok({ bytes, mode, identity })
    },
    list: (directory) => {
      const top = normal(directory)
      const prefix = top === '' || top.endsWith('/') ? top : `${top}/`
      const entries = new Map<string, DirectoryEntry>()
      for (const path of paths) {
        if (!path.startsWith(prefix)) continue
        const [name, ...rest] = path.slice(prefix.length).split('/')
        entries.set(name!, { name: name!, kind: rest.length > 0 ? 'directory' : 'file' })
      }
      return entries.size === 0 ? fail('missing') : ok([...entries.values()])
    },
    directoryOf: (path) => (path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : ''),
    join: (directory, path) =>
      path.startsWith('/') || directory === '' ? normal(path) : normal(`${directory}/${path}`),
  }
}
