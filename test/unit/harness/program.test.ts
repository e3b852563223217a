// Goal: a test whose program lost an actor fails, though the actor was started again.
// Method: a command that says what the program says stands in for it.
import { expect, test } from 'vitest'
import { Program } from '../../harness/program.ts'

const saying = (line: string) => new Program('', ['echo', line])

test.each([
  ['{"level":50,"actor":"signer","msg":"actor fell"}'],
  ['ERROR actor fell actor=signer'],
])('a program that says %s does not pass', async (line) => {
  const program = saying(line)
  program.start()
  await program.exited()
  await expect(program.remove()).rejects.toThrow(/actors fell:\n.*signer/)
})

test('falls before a restart count', async () => {
  const program = saying('actor fell')
  program.start()
  await program.exited()
  program.start(['--other'])
  await program.exited()
  expect(program.falls).toHaveLength(2)
  await expect(program.remove()).rejects.toThrow('--other')
})

test('one that says nothing of the kind passes', async () => {
  const program = saying('actor started')
  program.start()
  await program.exited()
  await program.remove()
})
