// Goal: the validator stays independent: nothing it uses can share a fault with what it examines.
import { expect, test } from 'vitest'
import { filesUnder, importsOf } from '../../../harness/source.ts'

test('check/ imports its own files, the base, and the type of the cryptography alone', () => {
  const files = filesUnder(['src/core/dnssec/check'], /\.ts$/)
  expect(files.length).toBeGreaterThan(5)
  const allowed = /^(?:\.\/[\w-]+\.ts|\.\.\/\.\.\/base\/(?:limits|result)\.ts)$/
  const others = files.flatMap(({ path, text }) =>
    importsOf(text)
      .filter(({ from, typeOnly }) => !allowed.test(from) && !(typeOnly && from === '../crypto.ts'))
      .map(({ from }) => `${path}: ${from}`),
  )
  expect(others).toEqual([])
})

test('nothing that signs imports check/, but for the file where the two meet', () => {
  const signing = filesUnder(['src/core/dnssec'], /\.ts$/).filter(
    ({ path }) => !path.includes('/check/') && !/\/(?:validate|examined)\.ts$/.test(path),
  )
  const found = signing.flatMap(({ path, text }) =>
    importsOf(text)
      .filter(({ from }) => /\/check\/|\/validate\.ts$/.test(from))
      .map(() => path),
  )
  expect(found).toEqual([])
})
