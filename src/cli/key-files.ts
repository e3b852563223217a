/**
 * Keys between the sealed store of a node and files as BIND writes them.
 *
 * The running node is the only writer of its store. Exporting opens a copy; importing lays the
 * files into a folder beside the store, and the node takes them over when it starts or reloads.
 */
import { createDecipheriv } from 'node:crypto'
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { limits } from '../core/base/limits.ts'
import type { Sealer } from '../core/dnssec/crypto.ts'
import { sortImports } from '../core/dnssec/imports.ts'
import {
  type StoredKey,
  keyFileName,
  privateKeyFile,
  publicKeyFile,
  readKeyFiles,
} from '../core/dnssec/keyfile.ts'
import { type KeyStoreFault, openKeys } from '../core/dnssec/keystore.ts'
import { formatProblem, loadConfig } from '../core/config/load.ts'
import { nodeFiles } from './config-files.ts'
import { CommandFailed, type Io } from './shell.ts'

const TAG_BYTES = 16
const PRIVATE_FILE = 0o600
const PRIVATE_FOLDER = 0o700

const opener: Pick<Sealer, 'open'> = {
  open(key, nonce, sealed, label) {
    const end = sealed.length - TAG_BYTES
    if (end < 0) return undefined
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
      decipher.setAAD(label)
      decipher.setAuthTag(sealed.subarray(end))
      const body = [decipher.update(sealed.subarray(0, end)), decipher.final()]
      return new Uint8Array(Buffer.concat(body))
    } catch {
      return undefined
    }
  },
}

const FAULTS: Readonly<Record<KeyStoreFault, string>> = {
  'too-large': 'is too large',
  'not-a-key-store': 'is no file of keys',
  'newer-version': 'was written by a later version',
  'wrong-secret-or-damaged': 'does not open: overwatch.dnssec.key_secret is another one',
  malformed: 'holds what cannot be read',
}

const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

interface Place {
  readonly dataDir: string
  readonly folder: string
  readonly secret: string
}

function placeOf(path: string, io: Io): Place {
  const loaded = loadConfig(path, { files: nodeFiles(), env: io.env })
  if (!loaded.ok) throw new CommandFailed(loaded.error.map(formatProblem).join('\n'))
  const { data_dir: dataDir, dnssec } = loaded.value.config.overwatch
  if (dataDir === '')
    throw new CommandFailed(`${path}: overwatch.data_dir is empty: keys live in memory alone`)
  return { dataDir, folder: join(dataDir, 'dnssec'), secret: dnssec.key_secret }
}

function bounded(path: string, most: number): Uint8Array {
  try {
    if (statSync(path).size <= most) return readFileSync(path)
  } catch (error) {
    throw new CommandFailed(reasonOf(error))
  }
  throw new CommandFailed(`${path}: is larger than ${most} bytes`)
}

/** Files written, by their path. */
export function exportKeys(
  config: string,
  zone: string | undefined,
  to: string,
  io: Io,
): readonly string[] {
  const { folder, secret } = placeOf(config, io)
  const key = secret === '' ? bounded(join(folder, 'secret'), 64) : Buffer.from(secret, 'base64')
  const path = join(folder, 'keys.sealed')
  const opened = openKeys(bounded(path, limits.keyStoreBytes.default), key, opener)
  if (!opened.ok) throw new CommandFailed(`${path} ${FAULTS[opened.error]}`)
  const keys = opened.value.filter((one) => zone === undefined || one.zone === zone)
  try {
    mkdirSync(to, { mode: PRIVATE_FOLDER, recursive: true })
    return keys.flatMap((one) => writeKey(to, one))
  } catch (error) {
    throw new CommandFailed(reasonOf(error))
  }
}

function writeKey(folder: string, key: StoredKey): string[] {
  const path = join(folder, keyFileName(key))
  // Never over a file that is there: it may be the only copy of another key.
  const options = { mode: PRIVATE_FILE, flag: 'wx' } as const
  writeFileSync(`${path}.key`, publicKeyFile(key), options)
  writeFileSync(`${path}.private`, privateKeyFile(key), options)
  return [`${path}.key`, `${path}.private`]
}

/**
 * Does it as whom the folder belongs to, where that is another than root: what root lays down the
 * node cannot read, and what root writes in a folder of others may lead anywhere.
 */
function asOwnerOf<T>(folder: string, run: () => T): T {
  const owner = statSync(folder, { throwIfNoEntry: false })
  const isOther = process.geteuid?.() === 0 && owner !== undefined && owner.uid !== 0
  if (!isOther) return run()
  const group = process.getegid!()
  process.setegid!(owner.gid)
  process.seteuid!(owner.uid)
  try {
    return run()
  } finally {
    process.seteuid!(0)
    process.setegid!(group)
  }
}

export interface Imported {
  /** Names of the keys that were laid down. */
  readonly taken: readonly string[]
  /** Sentences about those that were not. */
  readonly left: readonly string[]
}

export function importKeys(
  config: string,
  files: readonly string[],
  io: Io,
  nowSeconds: number,
): Imported {
  const { folder, dataDir } = placeOf(config, io)
  const inbox = join(folder, 'import')
  const read = files.map((file) => {
    const stem = file.replace(/\.(?:private|key)$/, '')
    const [publicText, privateText] = [`${stem}.key`, `${stem}.private`].map((path) =>
      new TextDecoder().decode(bounded(path, limits.keyFileChars.default)),
    )
    const key = readKeyFiles(publicText!, privateText!)
    if (!key.ok) throw new CommandFailed(`${basename(stem)}: ${key.error}`)
    return { name: keyFileName(key.value), key: key.value, publicText, privateText }
  })
  // The node sorts them once more: files may lie there for long.
  const sorted = sortImports(
    read.map(({ key }) => key),
    nowSeconds,
  )
  const left = sorted.left.map(({ key, why }) => `${keyFileName(key)} is left out: ${why}`)
  // The node would know nothing of what is not laid down, and begin new keys for that zone.
  const whole = new Set(sorted.taken.map(({ zone }) => zone))
  if (read.some(({ key }) => !whole.has(key.zone))) throw new CommandFailed(left.join('\n'))
  const isLeft = new Set(sorted.left.map(({ key }) => key))
  const taken = read.filter(({ key }) => !isLeft.has(key))
  const lay = () => {
    for (const path of [folder, inbox]) {
      mkdirSync(path, { mode: PRIVATE_FOLDER, recursive: true })
      chmodSync(path, PRIVATE_FOLDER)
    }
    for (const { name, publicText, privateText } of taken) {
      const path = join(inbox, name)
      writeFileSync(`${path}.key`, publicText!, { mode: PRIVATE_FILE })
      // Last, and it is what the node looks for: a file without its other half is not taken.
      writeFileSync(`${path}.private`, privateText!, { mode: PRIVATE_FILE })
    }
  }
  try {
    asOwnerOf(dataDir, lay)
  } catch (error) {
    throw new CommandFailed(reasonOf(error))
  }
  return { taken: taken.map(({ name }) => name), left }
}
