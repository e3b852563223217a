// Goal: a signature is found by the octets of its set and by its id, for as long as tables use it.
// Method: tables that use some of many signatures, beside a model of plain maps, through the growth
// of every array and through the taking back of memory.
import { expect, test } from 'vitest'
import { SetOctets } from '../../../../src/core/dnssec/set-octets.ts'
import { type Signature, SignatureStore } from '../../../../src/core/dnssec/signatures.ts'

const idOf = (number: number): string => String.fromCharCode(200, number & 255, number >> 8, 0)
const setOf = (number: number): Uint8Array =>
  Uint8Array.from({ length: 20 + (number % 50) }, (_, at) => (number >> (at & 8)) & 255)
const signatureOf = (number: number, seed = 0): Signature => ({
  inceptionSeconds: 1_800_000_000 + seed,
  expirationSeconds: 5_000_000_000 + number,
  rdata: Uint8Array.from({ length: 90 }, (_, at) => (at * number + seed) & 255),
})
const plain = (held: Signature | undefined): Signature | undefined =>
  held && {
    inceptionSeconds: held.inceptionSeconds,
    expirationSeconds: held.expirationSeconds,
    rdata: held.rdata.slice(),
  }

const textOf = (one: Signature | undefined): string =>
  one === undefined ? '' : `${one.inceptionSeconds} ${one.expirationSeconds} ${one.rdata.join()}`

test('what tables use is found by both names, and nothing else is', () => {
  const store = new SignatureStore()
  const model = new Map<number, Signature>()
  let state = 7
  const below = (most: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state >>> 8) % most
  }
  for (let table = 0; table < 12; table++) {
    const used = new Map<number, Signature>()
    const isGivenUp = table % 5 === 3
    for (let count = below(800); count >= 0; count--) {
      const number = below(1_000)
      const set = setOf(number)
      const held = store.find(set, set.length)
      expect(textOf(held)).toBe(textOf(used.get(number) ?? model.get(number)))
      // Some are due, and made anew in the place of the old one.
      if (held !== undefined && below(10) > 0) store.use(held)
      else store.add(idOf(number), signatureOf(number, table), set, set.length)
      used.set(number, plain(store.findId(idOf(number)))!)
      if (below(50) > 0) continue
      store.forget(idOf(number))
      used.delete(number)
      model.delete(number)
    }
    if (isGivenUp) store.abandon()
    else {
      store.settle()
      model.clear()
    }
    for (const [number, signature] of used) model.set(number, signature)
    expect(store.size).toBe(model.size)
    expect(new Map([...store.entries()].map(([id, one]) => [id, textOf(one)]))).toEqual(
      new Map([...model].map(([number, one]) => [idOf(number), textOf(one)])),
    )
  }
})

test('one of a restart is found by its id alone', () => {
  const store = new SignatureStore()
  store.add(idOf(1), signatureOf(1), new Uint8Array(0), 0)
  store.settle()
  expect(plain(store.findId(idOf(1)))).toEqual(signatureOf(1))
  expect(store.find(new Uint8Array(0), 0)).toBeUndefined()
})

test('octets tell sets apart by key, zone, owner, type, TTL and data', () => {
  const set = { owner: Uint8Array.of(1, 97, 1, 98, 0), type: 1, ttlSeconds: 60 }
  const rdatas = [Uint8Array.of(1, 2, 3, 4), Uint8Array.of(5, 6, 7, 8)]
  const octets = new SetOctets()
  const taken = (...told: Parameters<SetOctets['take']>): string => {
    octets.take(...told)
    return octets.octets.subarray(0, octets.length).join()
  }
  const key = 'abcdefgh'
  const base = { ...set, rdatas }
  const others = [
    taken(key, 3, base),
    taken('abcdefgi', 3, base),
    taken(key, 5, base),
    taken(key, 3, { ...base, type: 28 }),
    taken(key, 3, { ...base, ttlSeconds: 61 }),
    taken(key, 3, { ...base, owner: Uint8Array.of(1, 97, 1, 99, 0) }),
    taken(key, 3, { ...base, rdatas: rdatas.slice(1) }),
    taken(key, 3, { ...base, rdatas: [new Uint8Array([1, 2, 3, 4, 0, 4, 5, 6, 7, 8])] }),
    taken(key, 3, { ...base, rdatas: [new Uint8Array(70_000 / 2)] }),
  ]
  expect(new Set(others).size).toBe(others.length)
  expect(taken(key, 3, base)).toBe(others[0])
})
