// Goal: certificates that are written are good for openssl, those of others are read, and nothing
// malformed is taken.
// Method: openssl itself where it is installed; node's own reader else.
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fromBase64, toBase64 } from '../../../../../src/core/gossip/app/base64.ts'
import {
  agentIdOf,
  fromPem,
  readCertificate,
  toPem,
} from '../../../../../src/core/gossip/app/certificate.ts'
import { der, derValues, integer, oid, time } from '../../../../../src/core/gossip/app/der.ts'
import { keyOf, START, YEAR } from '../../../../harness/agents.ts'
import { has, output } from '../../../../harness/tools.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

/** Runs in a folder of its own, which is gone afterwards. */
async function inFolder<T>(run: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'certificate-'))
  try {
    return await run(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe.each(['ed25519', 'p256'] as const)('a certificate of an %s key', (algorithm) => {
  const key = keyOf({ algorithm, region: 'us-east', agentId: 'us-east-0123456789ab' })

  test.runIf(has('openssl'))('is one that openssl reads and verifies', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'agent.crt')
      writeFileSync(path, toPem(key.certificate))
      const text = await output('openssl', ['x509', '-in', path, '-text', '-noout'])
      expect(text).toContain('Version: 3 (0x2)')
      expect(text).toContain('Subject: O = OpenGSLB Agent, CN = opengslb-agent-us-east')
      expect(text).toContain('Issuer: O = OpenGSLB Agent, CN = opengslb-agent-us-east')
      expect(text).toMatch(/X509v3 Key Usage: critical\s+Digital Signature\n/)
      expect(text).toMatch(/X509v3 Extended Key Usage:\s+TLS Web Client Authentication/)
      expect(text).toContain('URI:urn:opengslb:agent:us-east-0123456789ab')
      expect(text).toContain(algorithm === 'ed25519' ? 'ED25519' : 'ASN1 OID: prime256v1')
      expect(text).toContain('Not After : Nov 21 12:00:00 2027 GMT')
      const at = String(START / 1_000)
      const verified = await output('openssl', [
        'verify',
        '-check_ss_sig',
        '-attime',
        at,
        '-CAfile',
        path,
        path,
      ])
      expect(verified.trim()).toBe(`${path}: OK`)
      const print = await output('openssl', [
        'x509',
        '-in',
        path,
        '-fingerprint',
        '-sha256',
        '-noout',
      ])
      expect(print.trim().toLowerCase().replace(/.*=|:/g, '')).toBe(key.fingerprint)
    })
  })

  test('is read back, by us and by node', () => {
    const read = readCertificate(key.certificate)
    expect(read).toMatchObject({
      ok: true,
      value: {
        algorithm,
        notBeforeMs: START - 3_600_000,
        notAfterMs: START + YEAR,
        agentId: 'us-east-0123456789ab',
      },
    })
    const node = new X509Certificate(key.certificate)
    expect(node.verify(node.publicKey)).toBe(true)
    const spki = node.publicKey.export({ type: 'spki', format: 'der' })
    expect(read.ok && hex(read.value.spki)).toBe(hex(spki))
    expect(hex(fromPem(toPem(key.certificate))!)).toBe(hex(key.certificate))
    expect(hex(fromPem(new X509Certificate(key.certificate).toString())!)).toBe(
      hex(key.certificate),
    )
  })

  test('cut short anywhere is refused', () => {
    for (let length = 0; length < key.certificate.length; length++)
      expect(readCertificate(key.certificate.subarray(0, length)).ok).toBe(false)
  })
})

test('a first certificate names no agent, which then has its id from the fingerprint', () => {
  const key = keyOf()
  expect(readCertificate(key.certificate)).toMatchObject({
    ok: true,
    value: { agentId: undefined },
  })
  expect(agentIdOf('eu', key.fingerprint)).toBe(`eu-${key.fingerprint.slice(0, 12)}`)
  expect(agentIdOf('', key.fingerprint)).toBe(key.fingerprint.slice(0, 12))
})

test.runIf(has('openssl'))(
  'a certificate that openssl made is read; an RSA one is refused',
  async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'made.crt')
      const make = (kind: readonly string[]) =>
        output('openssl', [
          'req',
          '-x509',
          ...kind,
          '-nodes',
          '-subj',
          '/CN=x',
          '-days',
          '30',
          '-keyout',
          join(folder, 'made.key'),
          '-out',
          path,
        ])
      await make(['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'])
      const ec = fromPem(readFileSync(path, 'utf8'))!
      expect(readCertificate(ec)).toMatchObject({ ok: true, value: { algorithm: 'p256' } })
      await make(['-newkey', 'rsa:2048'])
      const rsa = fromPem(readFileSync(path, 'utf8'))!
      expect(readCertificate(rsa)).toEqual({
        ok: false,
        error: 'the key of the certificate is neither Ed25519 nor ECDSA P-256',
      })
    })
  },
)

describe('DER', () => {
  test.each([
    ['a length of the indefinite form', '3080020101'],
    ['a length with a needless octet', '308103020101'],
    ['a length past the end', '3010020101'],
    ['a tag of several octets', '1f8101'],
  ])('%s is refused', (_what, text) => {
    expect(derValues(Buffer.from(text, 'hex'), 4)).toBeUndefined()
  })

  test.each([
    [oid('1.2.840.10045.3.1.7'), '06082a8648ce3d030107'],
    [integer(Uint8Array.of(0, 0, 0x80)), '02020080'],
    [integer(Uint8Array.of(0)), '020100'],
    [time(Date.UTC(2049, 11, 31, 23, 59, 59)), `170d${hex(Buffer.from('491231235959Z'))}`],
    [time(Date.UTC(2050, 0, 1)), `180f${hex(Buffer.from('20500101000000Z'))}`],
    [der(4, new Uint8Array(200)).subarray(0, 3), '0481c8'],
    [der(4, new Uint8Array(300)).subarray(0, 4), '0482012c'],
  ])('writes %#', (bytes, expected) => {
    expect(hex(bytes)).toBe(expected)
  })
})

describe('base64', () => {
  test('is that of node, for every length', () => {
    for (let length = 0; length < 70; length++) {
      const bytes = Uint8Array.from({ length }, (_item, index) => (index * 37 + length) & 255)
      const text = Buffer.from(bytes).toString('base64')
      expect(toBase64(bytes)).toBe(text)
      expect(hex(fromBase64(text, length)!)).toBe(hex(bytes))
      if (length > 0) expect(fromBase64(text, length - 1)).toBeUndefined()
    }
  })

  test.each(['A', 'AA', 'AA=', 'AAA', 'AB==', 'AAB=', 'A===', '====', 'AA==AAAA', 'AA-_', 'AAAé'])(
    '%s is refused',
    (text) => {
      expect(fromBase64(text, 100)).toBeUndefined()
    },
  )
})
