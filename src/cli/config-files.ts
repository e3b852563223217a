/**
 * The file system for the configuration loader: the one place of it that touches node:fs.
 *
 * Synchronous on purpose: a configuration is read before anything is served, and on reload by the
 * main thread, which answers no queries.
 */
import {
  closeSync,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  statSync,
} from 'node:fs'
import { dirname, isAbsolute, join, sep } from 'node:path'
import { fail, ok, type Result } from '../core/base/result.ts'
import type { DirectoryEntry, FileContent, FileFault, Files } from '../core/config/files.ts'

function faultOf(error: unknown): FileFault {
  const code = (error as { code?: unknown }).code
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'missing'
  if (code === 'EACCES' || code === 'EPERM') return 'not-permitted'
  if (code === 'EISDIR') return 'not-a-file'
  return 'unreadable'
}

/** At most `maxBytes`, whatever the file says its size is; it may grow while it is read. */
function readAtMost(descriptor: number, maxBytes: number): Uint8Array | undefined {
  const size = Math.min(fstatSync(descriptor).size, maxBytes) + 1
  let buffer = new Uint8Array(size)
  let length = 0
  for (;;) {
    const got = readSync(descriptor, buffer, length, buffer.length - length, null)
    length += got
    if (length > maxBytes) return undefined
    if (got === 0) return buffer.subarray(0, length)
    if (length === buffer.length) {
      const larger = new Uint8Array(Math.min(buffer.length * 2, maxBytes + 1))
      larger.set(buffer)
      buffer = larger
    }
  }
}

function readFile(path: string, maxBytes: number): Result<FileContent, FileFault> {
  let descriptor: number | undefined
  try {
    // A pipe or a device would block or never end; it is looked at before it is opened.
    if (!statSync(path).isFile()) return fail('not-a-file')
    descriptor = openSync(path, 'r')
    // The mode is that of what was opened, not of what the name may point to by now.
    const stat = fstatSync(descriptor)
    if (!stat.isFile()) return fail('not-a-file')
    const bytes = readAtMost(descriptor, maxBytes)
    if (bytes === undefined) return fail('too-large')
    const mode = process.platform === 'win32' ? undefined : stat.mode & 0o7777
    return ok({ bytes, mode, identity: realpathSync(path) })
  } catch (error) {
    return fail(faultOf(error))
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

function kindOfLink(path: string): DirectoryEntry['kind'] {
  try {
    const target = statSync(path)
    if (target.isDirectory()) return 'directory-link'
    return target.isFile() ? 'file' : 'other'
  } catch {
    return 'other'
  }
}

function list(directory: string): Result<readonly DirectoryEntry[], FileFault> {
  try {
    return ok(
      readdirSync(directory === '' ? '.' : directory, { withFileTypes: true }).map((entry) => {
        const { name } = entry
        if (entry.isSymbolicLink()) return { name, kind: kindOfLink(join(directory, name)) }
        const kind = entry.isDirectory() ? 'directory' : entry.isFile() ? 'file' : 'other'
        return { name, kind }
      }),
    )
  } catch (error) {
    return fail(faultOf(error))
  }
}

/** The real file system. */
export const nodeFiles = (): Files => ({
  read: readFile,
  list,
  directoryOf: dirname,
  join: (directory, path) => (isAbsolute(path) ? path.replaceAll('/', sep) : join(directory, path)),
})
