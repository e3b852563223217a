/**
 * The file system as the loader sees it. Outcomes are values; nothing here throws.
 *
 * Paths are opaque text to the loader: only these functions take them apart or put them together,
 * so that the loader works the same on every system and in tests without any.
 */
import { fail, ok, type Result } from '../base/result.ts'

export interface FileContent {
  readonly bytes: Uint8Array
  /** Permission bits (`0o644`); undefined where the system has none. */
  readonly mode: number | undefined
  /** One spelling for one file, links followed: tells a cycle from a coincidence. */
  readonly identity: string
}

export interface DirectoryEntry {
  readonly name: string
  /** `directory-link` is a symbolic link to a directory; `**` does not follow those. */
  readonly kind: 'file' | 'directory' | 'directory-link' | 'other'
}

export type FileFault = 'missing' | 'not-a-file' | 'not-permitted' | 'too-large' | 'unreadable'

export interface Files {
  /** Reads a whole file, at most `maxBytes`. */
  read(path: string, maxBytes: number): Result<FileContent, FileFault>
  list(directory: string): Result<readonly DirectoryEntry[], FileFault>
  /** The directory a file lies in. */
  directoryOf(path: string): string
  /** `path` as seen from `directory`; an absolute path stays as it is. */
  join(directory: string, path: string): string
}

export const fileFaultText: Readonly<Record<FileFault, string>> = {
  missing: 'does not exist',
  'not-a-file': 'is not a regular file',
  'not-permitted': 'may not be read by this user',
  'too-large': 'is too large',
  unreadable: 'cannot be read',
}

/** A few texts as a file system of their own; a path is a name and nothing else. */
export function textFiles(texts: Readonly<Record<string, string>>): Files {
  return {
    read: (path, maxBytes) => {
      const text = Object.hasOwn(texts, path) ? texts[path] : undefined
      if (text === undefined) return fail('missing')
      const bytes = new TextEncoder().encode(text)
      return bytes.length > maxBytes
        ? fail('too-large')
        : ok({ bytes, mode: undefined, identity: path })
    },
    list: () => fail('missing'),
    directoryOf: () => '',
    join: (_directory, path) => path,
  }
}
