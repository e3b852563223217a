/**
 * Goal: the addon for Windows is always one that Windows' Node would load: it compiles, with every
 * layout as documented, gives its two functions, and needs nothing but Node and Windows. Method:
 * mingw-w64 and its objdump. What it does is in test/interop/windows-table.full.test.ts.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadWindowsTable, windowsFault } from '../../../src/native/windows.ts'
import { projectRoot } from '../../harness/program.ts'
import { has } from '../../harness/tools.ts'

describe.runIf(has('x86_64-w64-mingw32-g++'))('the addon for Windows', () => {
  const folder = mkdtempSync(join(tmpdir(), 'opengslb-windows-'))
  const file = join(folder, 'addon.node')
  let dumped = ''

  beforeAll(() => {
    const made = spawnSync(
      process.execPath,
      [join(projectRoot, 'scripts', 'lib', 'windows.mjs'), file],
      { encoding: 'utf8' },
    )
    expect(made.stderr).toBe('')
    dumped = spawnSync('x86_64-w64-mingw32-objdump', ['-p', file], { encoding: 'utf8' }).stdout
  }, 120_000)
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('is a library for 64-bit Windows', () => {
    expect(dumped).toContain('pei-x86-64')
    expect(readFileSync(file).subarray(0, 2).toString()).toBe('MZ')
  })

  test('registers itself as an addon of the Node API', () => {
    expect(dumped).toContain('napi_register_module_v1')
    expect(dumped).toContain('node_api_module_get_api_version_v1')
  })

  test('needs Node and Windows, and no library of the compiler', () => {
    const needed = [...dumped.matchAll(/DLL Name: (\S+)/g)].map(([, name]) => name!.toLowerCase())
    expect(needed.sort()).toEqual(['advapi32.dll', 'kernel32.dll', 'msvcrt.dll', 'node.exe'])
  })
})

test('a system that is not Windows has no such addon, and says why', () => {
  expect(loadWindowsTable().ok).toBe(false)
})

test.each([
  [-5, 'Windows lets administrators alone read round-trip times'],
  [-127, 'this Windows has no statistics of TCP connections'],
  [-8, 'Windows does not show its TCP table (error 8)'],
])('fault %i is told in words', (code, words) => {
  expect(windowsFault(code)).toBe(words)
})
