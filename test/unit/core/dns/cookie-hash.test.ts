// Goal: the hash of a cookie is the same by WebAssembly and without it. Method: random keys,
// cookies and addresses of both families through both, one after another in any order; the vectors
// of RFC 9018 in cookies.test.ts go through the first.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compiledCookieHash, plainCookieHash } from '../../../../src/core/dns/cookie-hash.ts'

const octets = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const asked = fc.record({
  key: octets(16),
  cookie: octets(16),
  client: fc.oneof(octets(4), octets(16)),
})

test('both ways give one hash', () => {
  const [compiled, plain] = [compiledCookieHash(), plainCookieHash()]
  expect(compiled).toBeDefined()
  fc.assert(
    fc.property(asked, ({ key, cookie, client }) => {
      const [first, second] = [new Int32Array(2), new Int32Array(2)]
      const words = new Int32Array(key.slice().buffer)
      const view = new DataView(cookie.slice().buffer)
      compiled!(words, view, client, first)
      plain(words, view, client, second)
      expect(first).toEqual(second)
    }),
    { numRuns: 2_000 },
  )
})

test('an engine without WebAssembly hashes all the same', () => {
  const { WebAssembly } = globalThis as { WebAssembly?: unknown }
  try {
    Object.assign(globalThis, { WebAssembly: undefined })
    expect(compiledCookieHash()).toBeUndefined()
  } finally {
    Object.assign(globalThis, { WebAssembly })
  }
})
