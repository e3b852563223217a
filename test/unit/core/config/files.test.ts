// Goal: the real file system behaves as the loader's contract says.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { nodeFiles } from '../../../../src/cli/config-files.ts'
import { loadConfig } from '../../../../src/core/config/load.ts'

const directory = mkdtempSync(join(tmpdir(), 'config-files-'))
afterAll(() => rmSync(directory, { recursive: true }))
const files = nodeFiles()
const at = (path: string) => join(directory, path)

writeFileSync(at('a.yaml'), 'mode: overwatch\n')
chmodSync(at('a.yaml'), 0o604)
mkdirSync(at('sub'))
writeFileSync(at('sub/b.yaml'), 'regions: [{ name: b }]\n')
chmodSync(at('sub/b.yaml'), 0o640)
symlinkSync('a.yaml', at('link.yaml'))
symlinkSync('.', at('sub/loop'))

test('a file is read with its mode, and a link has the identity of its target', () => {
  const own = files.read(at('a.yaml'), 100)
  const link = files.read(at('link.yaml'), 100)
  expect(own.ok && own.value.mode).toBe(0o604)
  expect(own.ok && link.ok && own.value.identity === link.value.identity).toBe(true)
})

test('what cannot be read is an outcome, not an exception', () => {
  expect(files.read(at('none'), 100)).toEqual({ ok: false, error: 'missing' })
  expect(files.read(at('a.yaml/x'), 100)).toEqual({ ok: false, error: 'missing' })
  expect(files.read(at('sub'), 100)).toEqual({ ok: false, error: 'not-a-file' })
  expect(files.read('/dev/zero', 100)).toEqual({ ok: false, error: 'not-a-file' })
  expect(files.read(at('a.yaml'), 5)).toEqual({ ok: false, error: 'too-large' })
  expect(files.list(at('none'))).toEqual({ ok: false, error: 'missing' })
})

test('a file whose size is a lie is read to its end, within the limit', () => {
  const status = files.read('/proc/self/status', 100_000)
  expect(status.ok && status.value.bytes.length).toBeGreaterThan(100)
  expect(files.read('/proc/self/status', 10)).toEqual({ ok: false, error: 'too-large' })
})

test('** does not follow links to directories, so a circle of them ends', () => {
  writeFileSync(at('main.yaml'), `includes: ["${directory}/**/b.yaml"]\n`)
  chmodSync(at('main.yaml'), 0o600)
  const result = loadConfig(at('main.yaml'), { files, env: {} })
  expect(result.ok && result.value.sources).toEqual([at('main.yaml'), at('sub/b.yaml')])
})
