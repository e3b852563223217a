// Goal: keys leave a node's store as files of BIND and come to its inbox from such files, for their
// owner alone, and nothing is written over. Method: a sealed store in a temporary folder.
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { exportKeys, importKeys } from '../../../src/cli/key-files.ts'
import { CommandFailed, type Io } from '../../../src/cli/shell.ts'
import {
  type StoredKey,
  keyFileName,
  privateKeyFile,
  publicKeyFile,
  readKeyFiles,
} from '../../../src/core/dnssec/keyfile.ts'
import { sealKeys } from '../../../src/core/dnssec/keystore.ts'
import { crypto, keyFor } from '../../harness/dnssec.ts'

const io: Io = { out: () => {}, err: () => {}, env: {} }
const NOW = 1_760_000_000
const SECRET = Buffer.alloc(32, 3)

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'opengslb-files-'))
  mkdirSync(join(root, 'data', 'dnssec'), { recursive: true })
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const keyOf = (zone: string): StoredKey => {
  const { publicKey, privateKey } = keyFor(13)
  return { publicKey, privateKey, role: 'csk', zone, times: { created: 1_750_000_000 } }
}
const KEYS = [keyOf('a.test'), keyOf('b.test')]

function config(secret = SECRET.toString('base64'), dataDir = join(root, 'data')): string {
  const path = join(root, 'config.yaml')
  const text = `dns: { zones: [a.test] }
overwatch: { data_dir: "${dataDir}", dnssec: { key_secret: "${secret}" } }
`
  writeFileSync(path, text, { mode: 0o600 })
  return path
}

const sealed = () => join(root, 'data', 'dnssec', 'keys.sealed')
const store = () => writeFileSync(sealed(), sealKeys(KEYS, SECRET, new Uint8Array(12), crypto))
const textOf = (path: string) => readFileSync(path, 'utf8')

describe('export', () => {
  test('writes each key as two files that read back as it, closed to others', () => {
    store()
    const files = exportKeys(config(), undefined, join(root, 'out'), io)
    expect(files).toHaveLength(4)
    for (const file of files) expect(statSync(file).mode & 0o777).toBe(0o600)
    const [stem] = files.map((file) => file.replace(/\.(key|private)$/, ''))
    expect(readKeyFiles(textOf(`${stem}.key`), textOf(`${stem}.private`))).toEqual({
      ok: true,
      value: KEYS[0],
    })
  })

  test('takes the zone that was asked for', () => {
    store()
    const files = exportKeys(config(), 'b.test', join(root, 'out'), io)
    expect(files).toHaveLength(2)
    expect(files[0]).toContain(keyFileName(KEYS[1]!))
  })

  test('reads the secret beside the keys where the file gives none', () => {
    store()
    writeFileSync(join(root, 'data', 'dnssec', 'secret'), SECRET)
    expect(exportKeys(config(''), undefined, join(root, 'out'), io)).toHaveLength(4)
  })

  test('writes over nothing', () => {
    store()
    exportKeys(config(), 'a.test', join(root, 'out'), io)
    expect(() => exportKeys(config(), 'a.test', join(root, 'out'), io)).toThrow(CommandFailed)
  })

  test.each([
    ['another secret', () => config(Buffer.alloc(32, 4).toString('base64')), 'key_secret'],
    ['no folder', () => config(undefined, ''), 'data_dir is empty'],
    ['no file of configuration', () => join(root, 'none.yaml'), 'none.yaml'],
  ])('fails for %s', (_what, path, words) => {
    store()
    expect(() => exportKeys(path(), undefined, join(root, 'out'), io)).toThrow(words)
  })
})

describe('import', () => {
  const outside = () => {
    store()
    return exportKeys(config(), 'a.test', join(root, 'out'), io)
  }

  test('lays both files where the node looks for them, closed to others', () => {
    const files = outside()
    const inbox = join(root, 'data', 'dnssec', 'import')
    const { taken: names, left } = importKeys(config(), [files[1]!], io, NOW)
    expect(left).toEqual([])
    expect(names).toEqual([keyFileName(KEYS[0]!)])
    expect(readdirSync(inbox).sort()).toEqual([`${names[0]}.key`, `${names[0]}.private`])
    for (const name of readdirSync(inbox)) {
      expect(statSync(join(inbox, name)).mode & 0o777).toBe(0o600)
      expect(textOf(join(inbox, name))).toBe(textOf(join(root, 'out', name)))
    }
    expect(statSync(inbox).mode & 0o777).toBe(0o700)
  })

  const isRoot = process.geteuid?.() === 0
  test.runIf(isRoot)('by root lays them as the owner of data_dir, who can read them', () => {
    const files = outside()
    const data = join(root, 'data')
    const inbox = join(data, 'dnssec', 'import')
    for (const path of [data, join(data, 'dnssec')]) chownSync(path, 65_534, 65_533)
    chmodSync(root, 0o711)
    const [name] = importKeys(config(), [files[1]!], io, NOW).taken
    for (const path of [inbox, join(inbox, `${name}.key`), join(inbox, `${name}.private`)])
      expect(statSync(path)).toMatchObject({ uid: 65_534, gid: 65_533 })
    expect([process.geteuid!(), process.getegid!()]).toEqual([0, process.getgid!()])
    // What root left there before is not written over in its name.
    chownSync(inbox, 0, 0)
    expect(() => importKeys(config(), [files[1]!], io, NOW)).toThrow('EPERM')
    expect(process.geteuid!()).toBe(0)
  })

  test('leaves out a key that is over, and fails where nothing else is there', () => {
    const over = { ...keyOf('a.test'), times: { created: 1, inactive: 2, delete: NOW } }
    const path = join(root, keyFileName(over))
    writeFileSync(`${path}.key`, publicKeyFile(over))
    writeFileSync(`${path}.private`, privateKeyFile(over))
    const said = `${keyFileName(over)} is left out: its time to be deleted was 20251009085320`
    expect(() => importKeys(config(), [path], io, NOW)).toThrow(said)
    const { taken, left } = importKeys(config(), [path, outside()[1]!], io, NOW)
    expect([taken, left]).toEqual([[keyFileName(KEYS[0]!)], [said]])
    expect(readdirSync(join(root, 'data', 'dnssec', 'import'))).toHaveLength(2)
  })

  test('lays nothing where one of the zones would come without the key of its DS', () => {
    const alone = { ...keyOf('alone.test'), role: 'zsk' as const }
    const path = join(root, keyFileName(alone))
    writeFileSync(`${path}.key`, publicKeyFile(alone))
    writeFileSync(`${path}.private`, privateKeyFile(alone))
    expect(() => importKeys(config(), [path, outside()[1]!], io, NOW)).toThrow('(KSK or CSK)')
    expect(() => statSync(join(root, 'data', 'dnssec', 'import'))).toThrow('ENOENT')
  })

  test('lays nothing of files that are no key', () => {
    const [file] = outside()
    writeFileSync(file!, 'nothing\n')
    expect(() => importKeys(config(), [file!], io, NOW)).toThrow('no DNSKEY record')
    expect(() => statSync(join(root, 'data', 'dnssec', 'import'))).toThrow('ENOENT')
  })
})
