// Goal: a key survives its files and its encrypted store unchanged; anything else is refused with a
// reason, never with an exception, and never shows private material.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { algorithms } from '../../../../src/core/dnssec/algorithms.ts'
import {
  type StoredKey,
  keyFileName,
  privateKeyFile,
  publicKeyFile,
  readKeyFiles,
} from '../../../../src/core/dnssec/keyfile.ts'
import { openKeys, openStore, sealKeys } from '../../../../src/core/dnssec/keystore.ts'
import { crypto, keyFor } from '../../../harness/dnssec.ts'

const stored = (algorithm: (typeof algorithms)[keyof typeof algorithms]): StoredKey => {
  const { publicKey, privateKey } = keyFor(algorithm)
  const times = { created: 1_700_000_000, publish: 1_700_000_000, activate: 1_700_003_600 }
  return { zone: 'example.com', role: 'csk', publicKey, privateKey, times }
}
const keys = Object.values(algorithms).map(stored)
const secret = new Uint8Array(32).fill(7)
const nonce = new Uint8Array(12).fill(9)

describe.each(Object.entries(algorithms))('%s', (name, algorithm) => {
  const key = stored(algorithm)

  test('its two files read back to the same key, which can sign', () => {
    const read = readKeyFiles(publicKeyFile(key), privateKeyFile(key))
    expect(read).toEqual({ ok: true, value: key })
    expect(read.ok && crypto.isPair(read.value)).toBe(true)
    expect(keyFileName(key)).toMatch(
      new RegExp(`^Kexample\\.com\\.\\+0${String(algorithm).padStart(2, '0')}\\+\\d{5}$`),
    )
    expect(privateKeyFile(key)).toContain(`Algorithm: ${algorithm} (${name})`)
    const asKsk = readKeyFiles(publicKeyFile(key), privateKeyFile(key), 'ksk')
    expect(asKsk).toMatchObject({ ok: true, value: { role: 'ksk' } })
  })

  test('files that were cut or mixed up are refused without showing what they hold', () => {
    const other = stored(algorithm === 13 ? 15 : 13)
    expect(readKeyFiles(publicKeyFile(other), privateKeyFile(key)).ok).toBe(false)
    const { publicKey } = keyFor(algorithm, 'ksk')
    const mixed = readKeyFiles(publicKeyFile({ ...key, publicKey }), privateKeyFile(key))
    // Only RSA has its public numbers in both files; of the others the pair is tried.
    if (algorithm < 13)
      expect(mixed).toMatchObject({ error: 'the two files are of different keys' })
    else expect(mixed.ok && crypto.isPair(mixed.value)).toBe(false)
    const secrets = privateKeyFile(key)
      .split('\n')
      .slice(2)
      .map((line) => line.split(': ')[1] ?? '')
      .filter((value) => value.length > 16)
    // Every cut of it, whose last line is a piece of a number more often than not.
    for (let length = 0; length < privateKeyFile(key).length - 60; length += 13) {
      const read = readKeyFiles(publicKeyFile(key), privateKeyFile(key).slice(0, length))
      expect(read.ok).toBe(false)
      for (const part of secrets) expect(JSON.stringify(read)).not.toContain(part)
    }
    // Cut between lines: the numbers have to be there, the times need not.
    const lines = privateKeyFile(key).split('\n')
    for (let kept = 0; kept < lines.length; kept++) {
      const read = readKeyFiles(publicKeyFile(key), `${lines.slice(0, kept).join('\n')}\n`)
      if (read.ok) expect(read.value.privateKey).toEqual(key.privateKey)
      else expect(kept).toBeLessThan(lines.length - 3)
    }
  })
})

test('another key with the right form is no pair', () => {
  const { publicKey } = keyFor(13, 'ksk')
  expect(crypto.isPair({ ...stored(13), publicKey })).toBe(false)
  expect(crypto.isPair({ ...stored(15), publicKey: keyFor(15, 'ksk').publicKey })).toBe(false)
  expect(
    crypto.isPair({ ...stored(13), publicKey: { algorithm: 13, bytes: new Uint8Array(64) } }),
  ).toBe(false)
})

test('a key with a scalar written without its leading zeros reads as the whole scalar', () => {
  const key = stored(13)
  const scalar = new Uint8Array(32)
  scalar[31] = 5
  const text = privateKeyFile({ ...key, privateKey: { kind: 'scalar', scalar: scalar.slice(31) } })
  const read = readKeyFiles(publicKeyFile(key), text)
  expect(read).toMatchObject({ ok: true, value: { privateKey: { scalar } } })
})

test('no text makes the reader of key files throw', () => {
  const pieces = [
    publicKeyFile(stored(13)),
    privateKeyFile(stored(8)),
    ':',
    '\n',
    ';',
    '(',
    'DNSKEY',
  ]
  const text = fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string()), { maxLength: 6 })
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(typeof readKeyFiles(a.join(''), b.join('')).ok).toBe('boolean')
    }),
    { numRuns: 300 },
  )
  expect(readKeyFiles('x'.repeat(1_000_000), '')).toMatchObject({ ok: false })
})

describe('the store', () => {
  const file = sealKeys(keys, secret, nonce, crypto)

  test('opens to the same keys, and shows none of them while it is closed', () => {
    expect(openKeys(file, secret, crypto)).toEqual({ ok: true, value: keys })
    expect(Buffer.from(file).includes('example.com')).toBe(false)
    expect(Buffer.from(file).includes('scalar')).toBe(false)
  })

  test('says which node wrote it, under which names', () => {
    const holder = { node: 'now', formerly: ['before', 'first'] }
    const named = sealKeys(keys, secret, nonce, crypto, [], holder)
    expect(openStore(named, secret, crypto)).toMatchObject({ ok: true, value: { holder } })
    const nameless = openStore(file, secret, crypto)
    expect(nameless.ok && 'holder' in nameless.value).toBe(false)
    for (const bad of [
      { node: '', formerly: [] },
      { node: 'x', formerly: Array(999).fill('y') },
    ]) {
      const opened = openStore(sealKeys(keys, secret, nonce, crypto, [], bad), secret, crypto)
      expect(opened.ok && opened.value.holder).toBeUndefined()
    }
  })

  test('does not open with another secret', () => {
    const error = 'wrong-secret-or-damaged'
    expect(openKeys(file, new Uint8Array(32), crypto)).toEqual({ ok: false, error })
  })

  test('tells a file that is none from one of a later version', () => {
    const errorOf = (bytes: Uint8Array) => {
      const opened = openKeys(bytes, secret, crypto)
      return opened.ok ? 'ok' : opened.error
    }
    const later = file.slice()
    later[9] = 2
    expect(errorOf(later)).toBe('newer-version')
    expect(errorOf(new Uint8Array(0))).toBe('not-a-key-store')
    expect(errorOf(new TextEncoder().encode('Private-key-format: v1.3'))).toBe('not-a-key-store')
    expect(errorOf(file.subarray(0, 22))).toBe('wrong-secret-or-damaged')
    const sealed = (text: string) => {
      const plain = new TextEncoder().encode(text)
      const head = file.slice(0, 22)
      return new Uint8Array([...head, ...crypto.seal(secret, nonce, plain, head)])
    }
    for (const text of ['', '[]', '{}', '{"keys":1}', '{"keys":[1]}', '{"keys":[{"zone":"A"}]}'])
      expect(errorOf(sealed(text))).toBe('malformed')
    expect(errorOf(sealed('{"keys":[]}'))).toBe('ok')
  })

  test('no flipped bit goes unseen', () => {
    const small = sealKeys([keys[4]!], secret, nonce, crypto)
    for (let bit = 0; bit < small.length * 8; bit++) {
      const flipped = small.slice()
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      expect(openKeys(flipped, secret, crypto).ok).toBe(false)
    }
  })
})
