/**
 * The folder that an operator lays key files of BIND into (`opengslb-cli dnssec import`).
 *
 * What lies there is bounded and checked: a pair of files is a key whose halves belong together, or
 * a fault that is told.
 */
import { readdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { limits } from '../../core/base/limits.ts'
import type { KeyMaker } from '../../core/dnssec/crypto.ts'
import { type StoredKey, readKeyFiles } from '../../core/dnssec/keyfile.ts'
import type { Imports } from './contract.ts'
import { type FileRead, readBounded } from './ports-files.ts'

interface Found {
  readonly stem: string
  readonly key: StoredKey
}

const readKeyFile = (path: string) => readBounded(path, limits.keyFileChars.default)

const textOf = (read: FileRead): string | undefined =>
  read.code === 'read' ? new TextDecoder().decode(read.octets) : undefined

/** Names in the folder, none where it is not there; else why it cannot be read. */
async function namesIn(folder: string): Promise<readonly string[] | Error> {
  return await readdir(folder).catch((error: NodeJS.ErrnoException) =>
    error.code === 'ENOENT' ? [] : error,
  )
}

async function findKeys(folder: string, crypto: Pick<KeyMaker, 'isPair'>) {
  const names = await namesIn(folder)
  if (names instanceof Error) {
    const faults = [{ file: basename(folder), fault: names.message }]
    return { found: [], faults, isUnread: true }
  }
  const stems = names
    .filter((name) => name.endsWith('.private'))
    .slice(0, limits.importFiles.default)
  const found: Found[] = []
  const faults: { file: string; fault: string }[] = []
  let isUnread = false
  for (const name of stems) {
    const stem = name.slice(0, -'.private'.length)
    const halves = [await readKeyFile(join(folder, `${stem}.key`))]
    halves.push(await readKeyFile(join(folder, name)))
    const failed = halves.find((half) => half.code === 'failed')
    if (failed?.code === 'failed') {
      isUnread = true
      faults.push({ file: name, fault: failed.message })
      continue
    }
    const [publicText, privateText] = halves.map(textOf)
    if (publicText === undefined || privateText === undefined) {
      faults.push({ file: name, fault: 'it, or the .key file beside it, cannot be read' })
      continue
    }
    const key = readKeyFiles(publicText, privateText)
    if (!key.ok) faults.push({ file: name, fault: key.error })
    else if (!crypto.isPair(key.value)) faults.push({ file: name, fault: 'the halves do not fit' })
    else found.push({ stem, key: key.value })
  }
  return { found, faults, isUnread }
}

export async function readImports(
  folder: string,
  crypto: Pick<KeyMaker, 'isPair'>,
): Promise<Imports> {
  const { found, faults, isUnread } = await findKeys(folder, crypto)
  return { keys: found.map(({ key }) => key), faults, isUnread }
}

export async function dropImports(
  folder: string,
  crypto: Pick<KeyMaker, 'isPair'>,
  zones: readonly string[],
): Promise<void> {
  const { found } = await findKeys(folder, crypto)
  for (const { stem, key } of found) {
    if (!zones.includes(key.zone)) continue
    for (const end of ['private', 'key'])
      await rm(join(folder, `${stem}.${end}`), { force: true }).catch(() => {})
  }
}
