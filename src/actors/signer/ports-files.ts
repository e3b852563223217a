/**
 * Small files of secrets: read within bounds, written whole or not at all, for their owner alone.
 */
import { chmod, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

const PRIVATE_FILE = 0o600
const PRIVATE_FOLDER = 0o700

export type FileRead =
  | { readonly code: 'read'; readonly octets: Uint8Array }
  | { readonly code: 'absent' }
  | { readonly code: 'failed'; readonly message: string }

const reasonOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code

export async function readBounded(path: string, most: number): Promise<FileRead> {
  try {
    const { size } = await stat(path)
    if (size > most) return { code: 'failed', message: `has ${size} bytes, more than ${most}` }
    return { code: 'read', octets: await readFile(path) }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return { code: 'absent' }
    return { code: 'failed', message: reasonOf(error) }
  }
}

async function makePrivateFolder(path: string): Promise<void> {
  await mkdir(path, { mode: PRIVATE_FOLDER }).catch((error: unknown) => {
    if (codeOf(error) !== 'EEXIST') throw error
  })
  // A folder that was there before may be open to others.
  await chmod(path, PRIVATE_FOLDER)
}

async function write(path: string, octets: Uint8Array): Promise<void> {
  const file = await open(path, 'wx', PRIVATE_FILE)
  try {
    await file.writeFile(octets)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  await folder.sync().finally(() => folder.close())
}

/** Written beside itself and moved in place: a crash leaves the old file or the new one. */
export async function writeWhole(path: string, octets: Uint8Array): Promise<string | undefined> {
  const beside = `${path}.next`
  try {
    await makePrivateFolder(dirname(path))
    await rm(beside, { force: true })
    await write(beside, octets)
    await rename(beside, path)
    await syncFolder(dirname(path))
    return undefined
  } catch (error) {
    return reasonOf(error)
  }
}
