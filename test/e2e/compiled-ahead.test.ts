/**
 * Goal: a start takes the code that the build compiled for it, and code of no other text.
 * Method: the parts of the built bundle are loaded in a process of their own.
 */
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Script } from 'node:vm'
import { expect, test } from 'vitest'
import { root } from '../harness/source.ts'

const run = join(root, 'dist', 'run')

/** How many parts an actor is made of, and of how many V8 took the code. */
function loaded(folder: string, flags: readonly string[] = []): { parts: number; taken: number } {
  const script = `
    const { load, scripts } = require(${JSON.stringify(join(folder, 'load.cjs'))})
    load('actors-dns-actor')
    const taken = [...scripts.values()].filter((one) => one.cachedDataRejected === false)
    console.log(JSON.stringify({ parts: scripts.size, taken: taken.length }))`
  return JSON.parse(execFileSync(process.execPath, [...flags, '-e', script], { encoding: 'utf8' }))
}

test('every part comes with code that this V8 takes', () => {
  const { parts, taken } = loaded(run)
  expect(parts).toBeGreaterThan(10)
  expect(taken).toBe(parts)
})

test('the code of what answers holds the functions that a start and a query run', () => {
  const names = readdirSync(run).filter((file) => /^actors-dns-actor\..*\.cache$/.test(file))
  expect(names).toHaveLength(1)
  const text = readFileSync(join(run, 'actors-dns-actor.cjs'), 'latin1')
  const body = new Script(`(function (exports, require, module, a, b) {${text}\n})`)
  // Its body, compiled as it is before anything of it was called.
  const size = body.createCachedData().length
  expect(readFileSync(join(run, names[0]!)).length).toBeGreaterThan(2 * size)
})

test('the commands of the package may be run, also after a build that made them anew', () => {
  const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    bin: Record<string, string>
  }
  for (const file of Object.values(bin)) expect(statSync(join(root, file)).mode & 0o777).toBe(0o755)
})

test('under other settings of V8 the text is compiled, and runs', () => {
  expect(loaded(run, ['--max-inlined-bytecode-size=1000']).taken).toBe(0)
})

test('code of a text that was changed is not taken for it', () => {
  // Beside the packages, which some parts need.
  const folder = mkdtempSync(join(tmpdir(), 'opengslb-run-'))
  try {
    cpSync(run, folder, { recursive: true })
    const { parts } = loaded(folder)
    const [name = ''] = readdirSync(folder).filter((file) => file === 'actors-dns-actor.cjs')
    const text = readFileSync(join(folder, name), 'utf8')
    writeFileSync(join(folder, name), text.replace(/^\/\*[0-9a-f]{12}/, '/*000000000000'))
    expect(loaded(folder)).toEqual({ parts, taken: parts - 1 })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
