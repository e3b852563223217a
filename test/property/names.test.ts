/**
 * Goal: a name has one wire form and its text says all of it, whatever octets its labels hold.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  canonicalName,
  foldCase,
  isSubdomain,
  nameEqual,
  nameFault,
  nameToWire,
  parentName,
  wireNameLength,
  wireToName,
} from '../../src/core/dns/names.ts'
import { wireName } from './rdata-arbitraries.ts'

const wire = wireName.map((octets) => new Uint8Array(octets))

test('the text of any name reads back to the same octets, with and without a final dot', () => {
  fc.assert(
    fc.property(wire, (name) => {
      const text = wireToName(name)
      expect(nameToWire(text)).toEqual({ ok: true, value: name })
      expect(nameToWire(`${text}.`, 'unused.example')).toEqual({ ok: true, value: name })
      expect(wireNameLength(name)).toBe(name.length)
    }),
    { numRuns: 2_000 },
  )
})

test('a relative name is its labels before those of the origin, or too long', () => {
  fc.assert(
    fc.property(wire, wire, (name, origin) => {
      if (name.length === 1) return
      const joined = [...name.slice(0, -1), ...origin]
      const read = nameToWire(wireToName(name), wireToName(origin))
      if (joined.length > 255) expect(read.ok).toBe(false)
      else expect(read).toEqual({ ok: true, value: new Uint8Array(joined) })
    }),
  )
})

test('any text is a legal name or a fault, never an exception', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 1_200 }),
    fc.stringMatching(/^[a-z0-9.\\@-]{0,300}$/),
  )
  fc.assert(
    fc.property(text, fc.option(text, { nil: undefined }), (name, origin) => {
      const read = nameToWire(name, origin)
      if (!read.ok) return
      expect(wireNameLength(read.value)).toBe(read.value.length)
      expect(read.value.length).toBeLessThanOrEqual(255)
    }),
    { numRuns: 5_000 },
  )
})

test('plain names, which are seen at once, are judged and spelled as all others are', () => {
  const plain = fc.stringMatching(/^(\*\.)?([a-zA-Z0-9_-]{0,3}\.){0,4}[a-zA-Z0-9_*-]{0,64}\.?$/)
  const long = fc.constantFrom(61, 62, 63, 64).map((count) => 'abc.'.repeat(count))
  const text = fc.oneof(
    plain,
    fc.tuple(long, plain).map((parts) => parts.join('')),
  )
  fc.assert(
    fc.property(text, fc.option(text, { nil: undefined }), (name, origin) => {
      const read = nameToWire(name, origin)
      const spelled = read.ok ? { ok: true, value: wireToName(foldCase(read.value)) } : read
      expect(canonicalName(name, origin)).toEqual(spelled)
      const alone = nameToWire(name)
      expect(nameFault(name)).toBe(alone.ok ? undefined : alone.error)
    }),
    { numRuns: 5_000 },
  )
})

test('any octets are read as far as they are a name, never an exception', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(310), (bytes, at) => {
      const length = wireNameLength(bytes, at)
      const text = wireToName(bytes, at)
      if (length > 0)
        expect(nameToWire(text)).toEqual({ ok: true, value: bytes.slice(at, at + length) })
    }),
    { numRuns: 5_000 },
  )
})

test('names that differ in case alone are equal and have one canonical text', () => {
  fc.assert(
    fc.property(wire, (name) => {
      const upper = name.map((byte) => (byte >= 0x61 && byte <= 0x7a ? byte - 32 : byte))
      expect(nameEqual(name, upper)).toBe(true)
      expect(foldCase(upper)).toEqual(foldCase(name))
      expect(canonicalName(wireToName(upper))).toEqual(canonicalName(wireToName(name)))
    }),
  )
})

test('a name lies below another exactly when its last labels are the other', () => {
  const labelsOf = (name: Uint8Array) => {
    const labels: string[] = []
    for (let at = 0; name[at] !== 0; at += name[at]! + 1)
      labels.push(name.slice(at, at + name[at]! + 1).join())
    return labels
  }
  fc.assert(
    fc.property(wire, wire, fc.nat(6), (a, b, cut) => {
      // Half of the time the apex is made of the name's own last labels.
      const own = wireToName(a).length % 2 === 0
      let apex = own ? foldCase(a) : foldCase(b)
      for (let up = 0; own && up < cut && apex[0] !== 0; up++) apex = apex.slice(apex[0]! + 1)
      const [name, top] = [labelsOf(foldCase(a)), labelsOf(apex)]
      const expected =
        top.length <= name.length &&
        name.slice(name.length - top.length).join('|') === top.join('|')
      expect(isSubdomain(wireToName(a), wireToName(apex))).toBe(expected)
    }),
    { numRuns: 2_000 },
  )
})

test('going up from a name takes one label away at a time and ends at the root', () => {
  fc.assert(
    fc.property(wire, (name) => {
      let rest = name
      let text: string | undefined = wireToName(name)
      while (rest[0] !== 0) {
        rest = rest.slice(rest[0]! + 1)
        text = parentName(text!)
        expect(text).toBe(wireToName(rest))
      }
      expect(parentName('')).toBeUndefined()
    }),
  )
})
