/**
 * Bounded reads of small files: whatever the file is, no more than so many bytes are taken.
 */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'

/** The beginning of a file as text, or undefined when it cannot be read. */
export async function readBounded(path: string, most: number): Promise<string | undefined> {
  try {
    // A FIFO without a writer must not hold a thread of the pool for ever.
    const file = await open(path, O_READ_NOW)
    try {
      return await readText(file, most)
    } finally {
      await file.close()
    }
  } catch {
    return undefined
  }
}

const O_READ_NOW = constants.O_RDONLY | constants.O_NONBLOCK

async function readText(file: FileHandle, most: number): Promise<string> {
  // Files of /proc and /sys say their size is 0 or a page, so they are read until they end.
  const chunks: Buffer[] = []
  let bytes = 0
  while (bytes < most) {
    const chunk = Buffer.allocUnsafe(Math.min(16_384, most - bytes))
    const { bytesRead } = await file.read(chunk, 0, chunk.length, null)
    if (bytesRead === 0) break
    chunks.push(chunk.subarray(0, bytesRead))
    bytes += bytesRead
  }
  return Buffer.concat(chunks).toString('utf8')
}
