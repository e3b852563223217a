// Goal: a client that has the answer is told so, whoever wrote its If-None-Match and however.
import { expect, test } from 'vitest'
import { namesTag } from '../../../../src/core/net/entity-tags.ts'

test.each([
  ['"a"', '"a"', true],
  ['W/"a"', '"a"', true],
  ['"a"', 'W/"a"', true],
  ['"x", W/"a" ,"y"', '"a"', true],
  [' * ', '"a"', true],
  ['"b"', '"a"', false],
  ['a', '"a"', false],
  ['', '"a"', false],
  [undefined, '"a"', false],
] as const)('If-None-Match %s against %s: %s', (field, tag, expected) => {
  expect(namesTag(field, tag)).toBe(expected)
})
