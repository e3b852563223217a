// Goal: keys lie sealed where their owner alone reads them, come back with their secret and with no
// other, and what an operator lays down is checked. Method: the real files, in a temporary folder.
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { limits } from '../../../../src/core/base/limits.ts'
import { openPorts } from '../../../../src/actors/signer/ports.ts'
import {
  type StoredKey,
  keyFileName,
  privateKeyFile,
  publicKeyFile,
} from '../../../../src/core/dnssec/keyfile.ts'
import { keyFor } from '../../../harness/dnssec.ts'
import { ZONE, configOf } from './world.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'opengslb-keys-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const folder = () => join(root, 'dnssec')
const portsWith = (secret = '') => openPorts(configOf({ folder: folder(), secret }))

const keyOf = (role: StoredKey['role'] = 'csk'): StoredKey => {
  const { publicKey, privateKey } = keyFor(13, role)
  return { publicKey, privateKey, role, zone: ZONE, times: { created: 1_750_000_000 } }
}
const contents = { keys: [keyOf()], rolls: [] }
const secret = (octet: number) => Buffer.alloc(32, octet).toString('base64')

describe('keys at rest', () => {
  test('are absent at first, and leave no trace of having been looked for', async () => {
    expect(await portsWith().loadKeys()).toEqual({ code: 'absent' })
    expect(() => statSync(folder())).toThrow('ENOENT')
  })

  test('come back, for a process that reads the secret beside them', async () => {
    expect(await portsWith().saveKeys(contents)).toBe('saved')
    expect(await portsWith().loadKeys()).toEqual({ code: 'loaded', content: contents })
    expect(statSync(folder()).mode & 0o777).toBe(0o700)
    for (const name of ['keys.sealed', 'secret'])
      expect(statSync(join(folder(), name)).mode & 0o777, name).toBe(0o600)
  })

  test('hold nothing of a private key in the clear', async () => {
    await portsWith(secret(1)).saveKeys(contents)
    const [key] = contents.keys
    const { privateKey } = key!
    if (privateKey.kind !== 'scalar') throw new Error('a key of a curve is expected')
    const file = readFileSync(join(folder(), 'keys.sealed'))
    for (const form of ['latin1', 'base64', 'hex'] as const)
      expect(file.includes(Buffer.from(privateKey.scalar).toString(form), 0, 'latin1')).toBe(false)
  })

  test('with a secret of the configuration have no other beside them', async () => {
    await portsWith(secret(1)).saveKeys(contents)
    expect(() => statSync(join(folder(), 'secret'))).toThrow('ENOENT')
    expect((await portsWith(secret(1)).loadKeys()).code).toBe('loaded')
    const other = await portsWith(secret(2)).loadKeys()
    expect(other).toMatchObject({ code: 'failed' })
    expect(JSON.stringify(other)).toContain('overwatch.dnssec.key_secret')
  })

  test('whose secret is cut short do not open, and it is not replaced', async () => {
    await portsWith().saveKeys(contents)
    writeFileSync(join(folder(), 'secret'), 'short')
    expect(await portsWith().loadKeys()).toMatchObject({ code: 'failed' })
    expect(await portsWith().saveKeys(contents)).toBe('failed')
    expect(readFileSync(join(folder(), 'secret'), 'utf8')).toBe('short')
  })

  test('that are damaged are a failure, never absent', async () => {
    await portsWith(secret(1)).saveKeys(contents)
    const path = join(folder(), 'keys.sealed')
    const file = readFileSync(path)
    for (const at of [0, 9, 15, file.length - 1]) {
      const bad = Buffer.from(file)
      bad[at]! ^= 1
      writeFileSync(path, bad)
      expect((await portsWith(secret(1)).loadKeys()).code).toBe('failed')
    }
    writeFileSync(path, '')
    expect((await portsWith(secret(1)).loadKeys()).code).toBe('failed')
  })

  test('that are lost beside signatures they made are no first start', async () => {
    const ports = portsWith()
    await ports.saveKeys(contents)
    await ports.saveSignatures(Uint8Array.from([1]))
    rmSync(join(folder(), 'keys.sealed'))
    expect(await ports.loadKeys()).toMatchObject({
      ...{ code: 'failed', message: expect.stringContaining('keys.sealed is not there, but') },
    })
    rmSync(join(folder(), 'signatures.sealed'))
    expect(await ports.loadKeys()).toEqual({ code: 'absent' })
  })

  test('close a folder that was open to others', async () => {
    mkdirSync(folder())
    chmodSync(folder(), 0o755)
    await portsWith().saveKeys(contents)
    expect(statSync(folder()).mode & 0o777).toBe(0o700)
  })
})

describe('signatures', () => {
  test('come back with their secret, and with another one not at all', async () => {
    const octets = Uint8Array.from([1, 2, 3])
    expect(await portsWith(secret(1)).loadSignatures()).toBeUndefined()
    expect(await portsWith(secret(1)).saveSignatures(octets)).toBe('saved')
    expect(await portsWith(secret(1)).loadSignatures()).toEqual(octets)
    expect(await portsWith(secret(2)).loadSignatures()).toBeUndefined()
  })
})

describe('keys that are laid down', () => {
  const lay = (key: StoredKey, change: (text: string) => string = (text) => text) => {
    mkdirSync(join(folder(), 'import'), { recursive: true })
    const path = join(folder(), 'import', keyFileName(key))
    writeFileSync(`${path}.key`, publicKeyFile(key))
    writeFileSync(`${path}.private`, change(privateKeyFile(key)))
  }

  test('are read, and taken away once they are kept', async () => {
    lay(keyOf())
    const ports = portsWith()
    expect((await ports.readImports()).keys).toEqual([keyOf()])
    await ports.dropImports(['other.test'])
    expect((await ports.readImports()).keys).toHaveLength(1)
    await ports.dropImports([ZONE])
    expect(await ports.readImports()).toEqual({
      ...{ keys: [], faults: [], held: [], isUnread: false },
    })
  })

  test('are not taken for absent where they, or their folder, cannot be read', async () => {
    lay(keyOf())
    const path = join(folder(), 'import', `${keyFileName(keyOf())}.private`)
    rmSync(path)
    mkdirSync(path)
    const file = { file: basename(path), fault: expect.stringContaining('EISDIR') }
    expect(await portsWith().readImports()).toEqual({
      ...{ keys: [], faults: [file], held: [ZONE], isUnread: true },
    })
    rmSync(join(folder(), 'import'), { recursive: true })
    writeFileSync(join(folder(), 'import'), '')
    const all = { file: 'import', fault: expect.stringContaining('ENOTDIR') }
    expect(await portsWith().readImports()).toEqual({
      ...{ keys: [], faults: [all], held: [], isUnread: true },
    })
  })

  test('are faults where the halves do not fit, or one is missing', async () => {
    const other = keyFor(13, 'ksk')
    lay(keyOf(), () => privateKeyFile({ ...keyOf(), privateKey: other.privateKey }))
    writeFileSync(join(folder(), 'import', 'alone.private'), 'Private-key-format: v1.3\n')
    const { keys, faults, held, isUnread } = await portsWith().readImports()
    expect([keys, held, isUnread]).toEqual([[], [ZONE, ''], true])
    expect(faults.map(({ fault }) => fault).sort()).toEqual([
      'the .key or the .private file is missing, or cannot be read',
      'the halves do not fit',
    ])
  })

  test('hold the zone that the name of a file tells, where its other half is missing', async () => {
    for (const end of ['key', 'private']) {
      lay(keyOf())
      rmSync(join(folder(), 'import', `${keyFileName(keyOf())}.${end}`))
      const { keys, held, isUnread } = await portsWith().readImports()
      expect([keys, held, isUnread]).toEqual([[], [ZONE], false])
    }
  })

  test('hold a zone with a slash in its name, and one with more keys than the limit alone', async () => {
    const zone = '0/25.2.0.192.in-addr.arpa'
    lay({ ...keyOf(), zone })
    rmSync(join(folder(), 'import', `${keyFileName({ ...keyOf(), zone })}.key`))
    const most = limits.importFiles.default
    for (let at = 0; at <= most; at++)
      writeFileSync(
        join(folder(), 'import', `Kbig.test.+013+${String(at).padStart(5, '0')}.key`),
        '',
      )
    lay({ ...keyOf(), zone: 'later.test' })
    const { keys, held } = await portsWith().readImports()
    expect([keys.map((key) => key.zone), held]).toEqual([['later.test'], [zone, 'big.test']])
  })

  test('that are too many at once are read by whole zones, and hold those that wait', async () => {
    const most = limits.importFiles.default
    const zones = Array.from(
      { length: most + 6 },
      (_, at) => `z${String(at).padStart(5, '0')}.test`,
    )
    for (const zone of zones) lay({ ...keyOf(), zone })
    const { keys, faults, held } = await portsWith().readImports()
    expect([keys.length, held]).toEqual([most, zones.slice(most)])
    expect(faults).toHaveLength(1)
    expect(faults[0]!.fault).toContain('z01028.test and 1 more zones wait for the next reload')
    await portsWith().dropImports(zones.slice(0, most))
    expect(await portsWith().readImports()).toMatchObject({ faults: [], held: [] })
  })
})
