// Goal: output that is not whole is never taken for success; a pipe that nobody reads on is fine.
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { linesTo, lossOf } from '../../../src/cli/output.ts'

/** Lines to a file, and the codes of what was lost. */
function linesOf(path: string) {
  const fd = openSync(path, 'w')
  const lost: (string | undefined)[] = []
  const streamed: string[] = []
  const stream = { fd, write: (text: string) => streamed.push(text), on: () => {} }
  return { write: linesTo(stream, ({ code }) => lost.push(code)), fd, lost, streamed }
}

test.runIf(process.platform === 'linux')('a full disk is a failure that is told', () => {
  const { write, fd, lost } = linesOf('/dev/full')
  write('a line')
  closeSync(fd)
  expect(lost).toEqual(['ENOSPC'])
  const full = Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' })
  expect(lossOf(full)).toEqual({ code: 1, text: expect.stringContaining('not whole: ENOSPC') })
})

test('a file gets whole lines, not by the stream, which forgets what a disk cut short', () => {
  const folder = mkdtempSync(join(tmpdir(), 'opengslb-output-'))
  const { write, fd, lost, streamed } = linesOf(join(folder, 'out'))
  write('a line')
  write('x'.repeat(1_000_000))
  closeSync(fd)
  expect(readFileSync(join(folder, 'out'), 'utf8')).toBe(`a line\n${'x'.repeat(1_000_000)}\n`)
  expect([lost, streamed]).toEqual([[], []])
  rmSync(folder, { recursive: true })
})

test('a reader that closes the pipe is no failure', () => {
  expect(lossOf(Object.assign(new Error('EPIPE'), { code: 'EPIPE' }))).toEqual({ code: 0 })
})
