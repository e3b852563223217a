/**
 * Tokens, certificates, roles and services.
 */
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  type CertificateGrant,
  grantOf,
  subjectOf,
  Tokens,
} from '../../../../src/core/access/credentials.ts'
import { coversService, includesRole } from '../../../../src/core/access/roles.ts'
import { TokenBuckets } from '../../../../src/core/net/token-buckets.ts'

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest()
const hashOf = (text: string) => createHash('sha256').update(text).digest('hex')

describe('tokens', () => {
  const known = { name: 'a', hash: hashOf('alpha'), role: 'read' } as const
  const dated = { name: 'b', hash: hashOf('beta'), role: 'admin', expiresAtMs: 1_000 } as const
  const tokens = new Tokens([known, dated], sha256)

  test('one is found by what it hashes to, and no other', () => {
    expect(tokens.find('alpha', 0)).toEqual({ code: 'known', grant: known })
    expect(tokens.find('alpha ', 0)).toEqual({ code: 'unknown' })
    expect(tokens.find('', 0)).toEqual({ code: 'unknown' })
    expect(tokens.find(known.hash, 0)).toEqual({ code: 'unknown' })
  })

  test('one that has expired is told apart, from its last moment on', () => {
    expect(tokens.find('beta', 999).code).toBe('known')
    expect(tokens.find('beta', 1_000).code).toBe('expired')
  })

  test('a hash that is no hex matches nothing', () => {
    const broken = new Tokens([{ name: 'x', hash: '', role: 'admin' }], sha256)
    expect(broken.find('', 0).code).toBe('unknown')
  })
})

describe('certificates', () => {
  const certificate = { subject: 'O=Ex\\, Inc,CN=ops,OU=a', fingerprint: 'ab'.repeat(32) }

  test('a subject is read with its escaped commas', () => {
    expect(subjectOf(certificate.subject)).toEqual({ O: 'Ex, Inc', CN: 'ops', OU: 'a' })
    expect(subjectOf('ops')).toEqual({ CN: 'ops' })
    expect(subjectOf('CN=first,CN=second')).toEqual({ CN: 'first' })
  })

  const rows: [string, Partial<CertificateGrant>, boolean][] = [
    ['a common name', { subject: { CN: 'ops' } }, true],
    ['another common name', { subject: { CN: 'op' } }, false],
    ['every attribute named', { subject: { CN: 'ops', O: 'Ex, Inc' } }, true],
    ['one attribute that differs', { subject: { CN: 'ops', O: 'Ex' } }, false],
    ['one that is missing', { subject: { CN: 'ops', L: 'x' } }, false],
    ['its fingerprint', { fingerprint: 'ab'.repeat(32) }, true],
    ['another fingerprint', { fingerprint: 'ac'.repeat(32) }, false],
    [
      'a fingerprint of another subject',
      { fingerprint: 'ab'.repeat(32), subject: { CN: 'x' } },
      false,
    ],
    ['no condition at all', {}, false],
  ]
  for (const [title, grant, fits] of rows)
    test(`${title} ${fits ? 'fits' : 'does not fit'}`, () => {
      const given: CertificateGrant = { name: 'x', role: 'read', ...grant }
      expect(grantOf(certificate, [given]) !== undefined).toBe(fits)
    })
})

test('a role includes those before it', () => {
  expect(includesRole('admin', 'operate')).toBe(true)
  expect(includesRole('operate', 'operate')).toBe(true)
  expect(includesRole('read', 'operate')).toBe(false)
  expect(includesRole('operate', 'admin')).toBe(false)
})

test('services compare without case or final dot, and a star stands for all under a name', () => {
  expect(coversService(undefined, 'anything')).toBe(true)
  expect(coversService(['app.example.com'], 'APP.example.com.')).toBe(true)
  expect(coversService(['app.example.com'], 'xapp.example.com')).toBe(false)
  expect(coversService(['*.example.com'], 'a.b.example.com')).toBe(true)
  expect(coversService(['*.example.com'], 'example.com')).toBe(false)
  expect(coversService(['*.example.com'], 'evilexample.com')).toBe(false)
  expect(coversService([], 'app')).toBe(false)
})

describe('token buckets', () => {
  test('a burst passes, then one each time there is one again', () => {
    const buckets = new TokenBuckets({ perSecond: 2, burst: 3 }, 10)
    expect([0, 0, 0, 0].map(() => buckets.take('a', 0))).toEqual([0, 0, 0, 500])
    expect(buckets.take('a', 499)).toBeGreaterThan(0)
    expect(buckets.take('a', 500)).toBe(0)
    expect(buckets.take('a', 500)).toBe(500)
    expect([0, 0, 0, 0].map(() => buckets.take('a', 60_000))).toEqual([0, 0, 0, 500])
  })

  test('clients are apart, and the table is bounded: who was silent longest is forgotten', () => {
    const buckets = new TokenBuckets({ perSecond: 1, burst: 1 }, 2)
    buckets.take('a', 0)
    buckets.take('b', 0)
    buckets.take('c', 0)
    expect(buckets.size).toBe(2)
    expect(buckets.waitMs('a', 0)).toBe(0)
    expect(buckets.waitMs('b', 0)).toBe(1_000)
    expect(buckets.waitMs('c', 0)).toBe(1_000)
  })

  test('a clock that stands or runs back gives nothing', () => {
    const buckets = new TokenBuckets({ perSecond: 1_000, burst: 1 }, 2)
    expect(buckets.take('a', 1_000)).toBe(0)
    expect(buckets.take('a', 0)).toBeGreaterThan(0)
  })
})
