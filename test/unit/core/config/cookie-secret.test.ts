// Goal: a cookie secret is 16 bytes however it is written, and anything else is refused.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cookieSecret } from '../../../../src/core/config/kinds/cookie-secret.ts'

test('hexadecimal and base64 of any 16 bytes mean the same', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      const hex = Buffer.from(bytes).toString('hex')
      const written = [hex, hex.toUpperCase(), Buffer.from(bytes).toString('base64')]
      for (const text of written) expect(cookieSecret.read(text)).toEqual({ ok: true, value: hex })
    }),
  )
})

test('empty means none', () => {
  expect(cookieSecret.read('')).toEqual({ ok: true, value: '' })
})

test.each(['00', 'g'.repeat(32), '0'.repeat(31), '0'.repeat(34), 'AAAA', '='.repeat(24)])(
  '%s is refused',
  (text) => {
    expect(cookieSecret.read(text).ok).toBe(false)
  },
)
