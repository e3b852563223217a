/**
 * The folder that an operator lays key files of BIND into (`opengslb-cli dnssec import`).
 *
 * What lies there is bounded and checked: a pair of files is a key whose halves belong together, or
 * a fault that is told.
 */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { limits } from '../../core/base/limits.ts'
import type { KeyMaker } from '../../core/dnssec/crypto.ts'
import { type StoredKey, readKeyFiles } from '../../core/dnssec/keyfile.ts'
import type { Imports } from './contract.ts'
import { readBounded } from './ports-files.ts'

interface Found {
  readonly stem: string
  readonly key: StoredKey
}

async function textAt(path: string): Promise<string | undefined> {
  const read = await readBounded(path, limits.keyFileChars.default)
  return read.code === 'read' ? new TextDecoder().decode(read.octets) : undefined
}

async function findKeys(folder: string, crypto: Pick<KeyMaker, 'isPair'>) {
  const names = await readdir(folder).catch((): string[] => [])
  const stems = names
    .filter((name) => name.endsWith('.private'))
    .slice(0, limits.importFiles.default)
  const found: Found[] = []
  const faults: { file: string; fault: string }[] = []
  for (const name of stems) {
    const stem = name.slice(0, -'.private'.length)
    const publicText = await textAt(join(folder, `${stem}.key`))
    const privateText = await textAt(join(folder, name))
    if (publicText === undefined || privateText === undefined) {
      faults.push({ file: name, fault: 'it, or the .key file beside it, cannot be read' })
      continue
    }
    const key = readKeyFiles(publicText, privateText)
    if (!key.ok) faults.push({ file: name, fault: key.error })
    else if (!crypto.isPair(key.value)) faults.push({ file: name, fault: 'the halves do not fit' })
    else found.push({ stem, key: key.value })
  }
  return { found, faults }
}

export async function readImports(
  folder: string,
  crypto: Pick<KeyMaker, 'isPair'>,
): Promise<Imports> {
  const { found, faults } = await findKeys(folder, crypto)
  return { keys: found.map(({ key }) => key), faults }
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
