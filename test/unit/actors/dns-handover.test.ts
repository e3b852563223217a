/** The header of a hand-over: what is sent is read again, and nothing else is. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  decodeHeader,
  descriptorsOf,
  encodeHeader,
  type Header,
} from '../../../src/actors/dns/ports-handover-wire.ts'

const socket = { host: '127.0.0.1', port: 53, wildcard: false, apart: true, drops: 7 }
const header: Header = {
  threads: [[socket], [{ ...socket, apart: false }]],
  listener: true,
  cookieSecret: '00ff10',
}
const octets = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))

describe('the header of a hand-over', () => {
  test('comes back as it was sent, and names its descriptors', () => {
    expect(decodeHeader(encodeHeader(header))).toEqual({ ok: true, value: header })
    expect(descriptorsOf(header)).toBe(2 + 1 + 1)
  })

  test('of another version is refused in words', () => {
    const read = decodeHeader(octets({ version: 2, ...header }))
    expect(read).toEqual({ ok: false, error: 'it hands over in another way than this version' })
  })

  test.each([
    ['no sockets', { threads: [] }],
    ['an empty thread alone', { threads: [[]] }],
    ['a port out of range', { threads: [[{ ...socket, port: 65_536 }]] }],
    ['a count that is none', { threads: [[{ ...socket, drops: -1 }]] }],
    ['a thread that is no list', { threads: [socket] }],
    ['a secret that is none', { cookieSecret: 'zz' }],
    ['no word on TCP', { listener: undefined }],
  ])('with %s is refused', (_what, change) => {
    expect(decodeHeader(octets({ version: 1, ...header, ...change })).ok).toBe(false)
  })

  test('of arbitrary octets never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), fc.json().map(octets)), (bytes) => {
        expect(decodeHeader(Uint8Array.from(bytes)).ok).toBe(false)
      }),
    )
  })
})
