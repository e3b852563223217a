/**
 * A file of framed records (core/health/frames.ts) that is only ever appended to or cut.
 */
import { open, readFile, stat } from 'node:fs/promises'
import { type Scan, scanFrames } from '../../core/health/frames.ts'

export interface FrameFile {
  readonly bytes: number
  /** A write failed and could not be taken back: what follows it would never be read. */
  readonly isTorn: boolean
  /** Adds whole records and syncs them; on a fault the file is cut back, and this rejects. */
  append(group: Uint8Array): Promise<void>
  /** Drops everything from this offset on. */
  cut(bytes: number): Promise<void>
  close(): Promise<void>
}

/** Opens for appending, making the file if need be. */
export async function openFrameFile(path: string): Promise<FrameFile> {
  const handle = await open(path, 'a', 0o600)
  let { size: bytes } = await handle.stat()
  let isTorn = false
  return {
    get bytes() {
      return bytes
    },
    get isTorn() {
      return isTorn
    },
    append: async (group) => {
      try {
        await handle.appendFile(group)
        await handle.datasync()
      } catch (error) {
        await handle.truncate(bytes).catch(() => {
          isTorn = true
        })
        throw error
      }
      bytes += group.length
    },
    cut: async (at) => {
      if (at >= bytes) return
      await handle.truncate(at)
      await handle.datasync()
      bytes = at
    },
    close: () => handle.close().catch(() => undefined),
  }
}

export interface FileScan extends Scan {
  /** Size of the file, damage included. */
  readonly size: number
}

/** The records before the first damage; undefined when the file is too large to be one of ours. */
export async function readFrames(
  path: string,
  maxBytes: number,
  maxPayloadBytes: number,
): Promise<FileScan | undefined> {
  const { size } = await stat(path)
  if (size > maxBytes) return
  const bytes = await readFile(path)
  return { ...scanFrames(bytes, maxPayloadBytes), size: bytes.length }
}

/** A new name is durable only once its folder is synced. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
