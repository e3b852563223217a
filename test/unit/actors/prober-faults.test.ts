import { expect, test } from 'vitest'
import { faultOf } from '../../../src/actors/prober/ports-faults.ts'

const coded = (code: unknown) => Object.assign(new Error('the text is never repeated'), { code })

for (const [code, secure, expected] of [
  ['ECONNREFUSED', false, { error: 'refused' }],
  ['ECONNRESET', true, { error: 'reset' }],
  ['EPIPE', false, { error: 'reset' }],
  ['ETIMEDOUT', false, { error: 'timed-out' }],
  ['EHOSTUNREACH', false, { error: 'unreachable' }],
  ['ENETUNREACH', true, { error: 'unreachable' }],
  ['HPE_INVALID_CONSTANT', false, { error: 'malformed' }],
  ['HPE_HEADER_OVERFLOW', true, { error: 'malformed' }],
  ['EPROTO', true, { error: 'tls handshake' }],
  ['ERR_SSL_WRONG_VERSION_NUMBER', true, { error: 'tls handshake' }],
  ['CERT_HAS_EXPIRED', true, { error: 'tls CERT_HAS_EXPIRED' }],
  ['EMFILE', false, { error: 'local EMFILE', inconclusive: true }],
  ['EADDRNOTAVAIL', true, { error: 'local EADDRNOTAVAIL', inconclusive: true }],
  ['EWHATEVER', false, { error: 'failed EWHATEVER' }],
  ['not a code\n', false, { error: 'failed UNKNOWN' }],
  [42, true, { error: 'tls UNKNOWN' }],
] as const) {
  test(`${JSON.stringify(code)}${secure ? ' over TLS' : ''} is "${expected.error}"`, () => {
    expect(faultOf(coded(code), secure)).toEqual(expected)
  })
}

test('something that is no error is a fault all the same', () => {
  expect(faultOf('boom', false)).toEqual({ error: 'failed UNKNOWN' })
})
