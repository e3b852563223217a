// Goal: an agent's identity is made once, loaded ever after, renewed in time under the same id, and
// never overwritten by mistake; every fault names the configuration key and the file.
// Method: real files in a folder of their own; a key as the Go program writes it, made by openssl.
import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { loadIdentity, renewIdentity } from '../../../src/actors/gossip/ports-identity.ts'
import { readCertificate, toPem } from '../../../src/core/gossip/app/certificate.ts'
import { keyOf, START, YEAR } from '../../harness/agents.ts'
import { has, output } from '../../harness/tools.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'identity-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const paths = () => ({
  region: 'us-east',
  certPath: join(folder, 'deep/er/agent.crt'),
  keyPath: join(folder, 'deep/er/agent.key'),
})

const load = (nowMs = START) => loadIdentity(paths(), nowMs)

function loaded(nowMs = START) {
  const identity = load(nowMs)
  if (!identity.ok) expect.fail(identity.error.message)
  return identity.value
}

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)

describe('an identity', () => {
  test('is made with its folder, with the modes that keep the key private', () => {
    const before = process.umask(0o077)
    const made = loaded()
    process.umask(before)
    expect(made).toMatchObject({ origin: 'made', region: 'us-east', previousKey: undefined })
    expect(made.agentId).toBe(`us-east-${made.key.fingerprint.slice(0, 12)}`)
    expect(made.notAfterMs).toBe(START + YEAR)
    expect(modeOf(paths().keyPath)).toBe('600')
    expect(modeOf(paths().certPath)).toBe('644')
    expect(readFileSync(paths().keyPath, 'utf8')).toContain('BEGIN PRIVATE KEY')
  })

  test('is the same at the next start', () => {
    const made = loaded()
    const again = loaded(START + 1_000)
    expect(again).toMatchObject({ origin: 'loaded', agentId: made.agentId })
    expect(again.key.fingerprint).toBe(made.key.fingerprint)
  })

  test('gets a certificate for a key that is there alone', () => {
    const made = loaded()
    rmSync(paths().certPath)
    const keyText = readFileSync(paths().keyPath, 'utf8')
    expect(loaded().origin).toBe('made')
    expect(readFileSync(paths().keyPath, 'utf8')).toBe(keyText)
    expect(loaded().key.fingerprint).not.toBe(made.key.fingerprint)
  })

  test.runIf(has('openssl')).each([
    ['SEC1 (EC PRIVATE KEY)', ['ecparam', '-name', 'prime256v1', '-genkey', '-noout']],
    ['PKCS#8', ['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256']],
  ])('of the Go program loads: P-256 in %s', async (_what, args) => {
    loaded()
    const { keyPath, certPath } = paths()
    const pem = await output('openssl', args)
    writeFileSync(keyPath, pem)
    const key = keyOf({ algorithm: 'p256', privateKey: createPrivateKey(pem), region: 'us-east' })
    writeFileSync(certPath, toPem(key.certificate))
    const identity = loaded()
    expect(identity).toMatchObject({ origin: 'loaded', key: { algorithm: 'p256' } })
    expect(identity.key.fingerprint).toBe(key.fingerprint)
    expect(identity.key.sign(new Uint8Array(3))).toHaveLength(64)
  })
})

describe('renewal', () => {
  test.each([
    ['29 days before its end', START + YEAR - 29 * 86_400_000],
    ['after its end', START + YEAR + 5_000],
  ])('%s keeps the id and the old pair', (_what, nowMs) => {
    const made = loaded()
    const keyText = readFileSync(paths().keyPath, 'utf8')
    const renewed = loaded(nowMs)
    expect(renewed).toMatchObject({ origin: 'renewed', agentId: made.agentId })
    expect(renewed.key.fingerprint).not.toBe(made.key.fingerprint)
    expect(renewed.previousKey?.fingerprint).toBe(made.key.fingerprint)
    expect(readFileSync(`${paths().keyPath}.old`, 'utf8')).toBe(keyText)
    expect(modeOf(`${paths().keyPath}.old`)).toBe('600')
    const again = loaded(nowMs + 1_000)
    expect(again).toMatchObject({ origin: 'loaded', agentId: made.agentId })
    expect(again.previousKey?.fingerprint).toBe(made.key.fingerprint)
    expect(readCertificate(again.key.certificate)).toMatchObject({
      ok: true,
      value: { agentId: made.agentId },
    })
  })

  test('31 days before its end is not due', () => {
    loaded()
    expect(loaded(START + YEAR - 31 * 86_400_000).origin).toBe('loaded')
  })

  test('that was cut short between key and certificate is finished at the next start', () => {
    const made = loaded()
    const renewed = renewIdentity(paths(), made, START)
    const { certPath } = paths()
    renameSync(certPath, `${certPath}.new`)
    writeFileSync(certPath, made.certificatePem)
    const identity = loaded()
    expect(identity.key.fingerprint).toBe(renewed.ok && renewed.value.key.fingerprint)
    expect(existsSync(`${certPath}.new`)).toBe(false)
  })
})

describe('files that cannot be used are named and left alone', () => {
  const cases: readonly [string, string, () => void, RegExp][] = [
    [
      'a certificate without its key',
      'agent.identity.key_path',
      () => rmSync(paths().keyPath),
      /agent\.key is missing, but .*agent\.crt is there$/,
    ],
    [
      'a key that is no key',
      'agent.identity.key_path',
      () => writeFileSync(paths().keyPath, 'hello'),
      /is no private key in PEM$/,
    ],
    [
      'a key of another kind',
      'agent.identity.key_path',
      () => {
        const { privateKey } = generateKeyPairSync('ed448')
        const pem = privateKey.export({ format: 'pem', type: 'pkcs8' })
        writeFileSync(paths().keyPath, pem)
      },
      /is neither an Ed25519 nor an ECDSA P-256 key$/,
    ],
    [
      'a certificate that is none',
      'agent.identity.cert_path',
      () => writeFileSync(paths().certPath, 'hello'),
      /is no certificate in PEM$/,
    ],
    [
      'a certificate too long to be one',
      'agent.identity.cert_path',
      () => writeFileSync(paths().certPath, 'x'.repeat(100_000)),
      /is no certificate in PEM$/,
    ],
    [
      'a certificate of another key',
      'agent.identity.cert_path',
      () => writeFileSync(paths().certPath, toPem(keyOf().certificate)),
      /does not belong to the key in .*agent\.key$/,
    ],
  ]
  test.each(cases)('%s', (_what, key, spoil, message) => {
    loaded()
    spoil()
    const files = [paths().keyPath, paths().certPath]
    const before = files.map((path) => existsSync(path) && readFileSync(path, 'utf8'))
    const identity = load()
    expect(identity).toMatchObject({ ok: false, error: { key } })
    expect(!identity.ok && identity.error.message).toMatch(message)
    expect(files.map((path) => existsSync(path) && readFileSync(path, 'utf8'))).toEqual(before)
  })

  test('a folder that cannot be made', () => {
    writeFileSync(join(folder, 'deep'), '')
    const identity = load()
    expect(identity).toMatchObject({ ok: false, error: { key: 'agent.identity.key_path' } })
    expect(!identity.ok && identity.error.message).toMatch(/cannot be written: ENOTDIR$/)
  })
})
