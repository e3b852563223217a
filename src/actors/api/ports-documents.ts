/**
 * Small documents in the data directory: each a file, replaced whole.
 *
 * A new text is written beside the old one, brought to the disk, and takes its place by a rename;
 * so whatever ends the process, one of the two is there.
 */
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { limits } from '../../core/base/limits.ts'
import type { ApiPorts, WriteOutcome } from './contract.ts'

type Documents = Pick<ApiPorts, 'readDocument' | 'writeDocument'>

/** @param folder absent keeps them in memory, as an agent does, which has no data directory */
export function openDocuments(folder: string | undefined): Documents {
  return folder === undefined || folder === '' ? inMemory() : onDisk(folder)
}

function inMemory(): Documents {
  const texts = new Map<string, string>()
  return {
    readDocument: async (name) => texts.get(name),
    writeDocument: async (name, text) => {
      texts.set(name, text)
      return { code: 'written' }
    },
  }
}

function onDisk(folder: string): Documents {
  return {
    readDocument: async (name) => {
      try {
        const text = await readFile(join(folder, name), 'utf8')
        return text.length <= limits.preferencesBytes.default * 2 ? text : undefined
      } catch {
        return undefined
      }
    },
    writeDocument: (name, text) => write(folder, name, text),
  }
}

async function write(folder: string, name: string, text: string): Promise<WriteOutcome> {
  const path = join(folder, name)
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const file = await open(`${path}.new`, 'w', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(`${path}.new`, path)
    // The name itself is on the disk only with its folder.
    const directory = await open(folder, 'r')
    await directory.sync().finally(() => directory.close())
    return { code: 'written' }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { code: 'failed', message }
  }
}
