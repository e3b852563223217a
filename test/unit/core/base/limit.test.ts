// Goal: a limit read on the path of a query is a small integer to the engine, not a box.
// Method: ask the engine itself, by a native function that a flag makes known.
import { setFlagsFromString } from 'node:v8'
import { runInThisContext } from 'node:vm'
import { expect, test } from 'vitest'
import { limit } from '../../../../src/core/base/limit.ts'
import { limits } from '../../../../src/core/base/limits.ts'

setFlagsFromString('--allow-natives-syntax')
const isSmallInteger = runInThisContext('(value) => %IsSmi(value)') as (value: number) => boolean
// Functions are compiled when they are first called.
isSmallInteger(1)
setFlagsFromString('--no-allow-natives-syntax')

test('a whole limit stays a small integer beside fractions and large numbers', () => {
  limit(0.5, [0, 1], 'share', 'a fraction')
  limit(2 ** 40, [0, 2 ** 50], 'bytes', 'a large number')
  const plain = limit(7, [1, 9], 'things', 'a whole number')
  for (const value of [plain.default, plain.min, plain.max])
    expect(isSmallInteger(value)).toBe(true)
})

test('every limit that the path of a query reads is a small integer', () => {
  const { udpPayloadBytes, tcpMessageBytes, queryRecords, ednsOptions, durationSampling } = limits
  const read = [udpPayloadBytes, tcpMessageBytes, queryRecords, ednsOptions, durationSampling]
  const { aliasChain, answersMax, cookieAgeSeconds, cookieRenewSeconds } = limits
  for (const one of [...read, aliasChain, answersMax, cookieAgeSeconds, cookieRenewSeconds]) {
    expect(isSmallInteger(one.default)).toBe(true)
    expect(isSmallInteger(one.max)).toBe(true)
  }
})
