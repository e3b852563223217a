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

/** So many zones are named where keys of more wait. */
const NAMED = 5

const readKeyFile = (path: string) => readBounded(path, limits.keyFileChars.default)

const textOf = (read: FileRead): string | undefined =>
  read.code === 'read' ? new TextDecoder().decode(read.octets) : undefined

/** Names in the folder, none where it is not there; else why it cannot be read. */
async function namesIn(folder: string): Promise<readonly string[] | Error> {
  return await readdir(folder).catch((error: NodeJS.ErrnoException) =>
    error.code === 'ENOENT' ? [] : error,
  )
}

/** The zone in the name of a key file of BIND: `Kexample.com.+013+12345`; a slash is `%2F`. */
const zoneOf = (stem: string): string | undefined =>
  /^K(.+)\.\+\d{3}\+\d{5}$/.exec(stem)?.[1]?.toLowerCase().replaceAll('%2f', '/')

/** The keys of one zone are read together or not at all. */
function byZone(names: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const zones = new Map<string, string[]>()
  const stems = names.flatMap((name) => /^(.*)\.(?:private|key)$/.exec(name)?.[1] ?? [])
  for (const stem of [...new Set(stems)].sort()) {
    const zone = zoneOf(stem) ?? ''
    zones.set(zone, [...(zones.get(zone) ?? []), stem])
  }
  return zones
}

/** One key of two files; else why it is none, and whether they could not be read at all. */
async function readPair(folder: string, stem: string, crypto: Pick<KeyMaker, 'isPair'>) {
  const paths = [`${stem}.key`, `${stem}.private`].map((name) => join(folder, name))
  const halves = [await readKeyFile(paths[0]!), await readKeyFile(paths[1]!)]
  const failed = halves.find((half) => half.code === 'failed')
  if (failed?.code === 'failed') return { fault: failed.message, isUnread: true }
  const [publicText, privateText] = halves.map(textOf)
  if (publicText === undefined || privateText === undefined)
    return { fault: 'the .key or the .private file is missing, or cannot be read' }
  const key = readKeyFiles(publicText, privateText)
  if (!key.ok) return { fault: key.error }
  if (!crypto.isPair(key.value)) return { fault: 'the halves do not fit' }
  return { key: key.value }
}

function tooMany(zones: readonly string[]) {
  const named = zones.slice(0, NAMED).join(', ')
  const rest = zones.length > NAMED ? ` and ${zones.length - NAMED} more zones` : ''
  const most = limits.importFiles.default
  const fault = `holds more than ${most} keys: those of ${named}${rest} wait for the next reload`
  return { file: 'import', fault }
}

async function findKeys(folder: string, crypto: Pick<KeyMaker, 'isPair'>) {
  const names = await namesIn(folder)
  const found: Found[] = []
  const faults: { file: string; fault: string }[] = []
  const held = new Set<string>()
  if (names instanceof Error) {
    faults.push({ file: basename(folder), fault: names.message })
    return { found, faults, held, isUnread: true }
  }
  let isUnread = false
  let left = limits.importFiles.default
  const late: string[] = []
  for (const [zone, stems] of byZone(names)) {
    if (stems.length > left) {
      late.push(zone)
      held.add(zone)
      continue
    }
    left -= stems.length
    for (const stem of stems) {
      const { key, fault, isUnread: isLost = false } = await readPair(folder, stem, crypto)
      if (key !== undefined) found.push({ stem, key })
      else faults.push({ file: `${stem}.private`, fault })
      if (key === undefined) held.add(zone)
      // A name that tells no zone may be that of any.
      if (isLost || (key === undefined && zone === '')) isUnread = true
    }
  }
  if (late.length > 0) faults.push(tooMany(late))
  return { found, faults, held, isUnread }
}

export async function readImports(
  folder: string,
  crypto: Pick<KeyMaker, 'isPair'>,
): Promise<Imports> {
  const { found, faults, held, isUnread } = await findKeys(folder, crypto)
  return { keys: found.map(({ key }) => key), faults, held: [...held], isUnread }
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
