// Goal: a thread that is made after another version was unpacked runs the code of the version that
// its process was started with. Method: the loader of the bundle, over a bundle of a few lines.
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'

const loader = fileURLToPath(new URL('../../../scripts/lib/run-load.cjs', import.meta.url))

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'opengslb-load-'))
  mkdirSync(join(folder, 'run'))
  copyFileSync(loader, join(folder, 'run', 'load.cjs'))
  const start = "require('./load.cjs').load('entry')\n"
  writeFileSync(join(folder, 'run', 'first-entry.cjs'), start)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A thread says the version of what it loads by name and by address; so does one of its own. */
const ENTRY = `
const { parentPort, Worker, workerData } = require('node:worker_threads')
const { version } = require('./shared-version.cjs')
const inner = (worker) => new Promise((settle) => worker.once('message', settle))
__loadModule(new URL('../actors/toy/actor.js', __runUrl).href).then(async ({ toy }) => {
  const deeper = workerData > 0
    ? await inner(new Worker(new URL('./first-entry.cjs', __runUrl), { workerData: 0 }))
    : []
  parentPort.postMessage([version, toy, ...deeper])
})`

const write = (version: string) => {
  const put = (name: string, text: string) =>
    writeFileSync(join(folder, 'run', name), `/*${version.padEnd(12, '0')}*/${text}`)
  put('entry.cjs', ENTRY)
  put('shared-version.cjs', `exports.version = '${version}'`)
  put('actors-toy-actor.cjs', `exports.toy = 'toy of ${version}'`)
}

/** What threads say that are made once `second` lies where the process found `first`. */
function saidAfter(isKept: boolean): unknown {
  write('first')
  const program = `
const { Worker } = require('node:worker_threads')
const fs = require('node:fs')
const load = require(${JSON.stringify(join(folder, 'run', 'load.cjs'))})
if (${isKept}) load.keep()
for (const [name, text] of JSON.parse(fs.readFileSync(0, 'utf8')))
  fs.writeFileSync(${JSON.stringify(join(folder, 'run'))} + '/' + name, text)
const worker = new Worker(${JSON.stringify(join(folder, 'run', 'first-entry.cjs'))}, { workerData: 1 })
worker.once('message', (said) => console.log(JSON.stringify(said)))`
  const next = [
    ['shared-version.cjs', "/*second000000*/exports.version = 'second'"],
    ['actors-toy-actor.cjs', "/*second000000*/exports.toy = 'toy of second'"],
  ]
  const words = ['--eval', program]
  const { stdout, stderr } = spawnSync(process.execPath, words, {
    ...{ input: JSON.stringify(next), encoding: 'utf8' },
  })
  expect(stderr).toBe('')
  return JSON.parse(stdout)
}

test('threads, and threads of theirs, run what the process was started with', () => {
  const first = ['first', 'toy of first']
  expect(saidAfter(true)).toEqual([...first, ...first])
})

test('a program that keeps nothing, as a command, reads what is there', () => {
  const second = ['second', 'toy of second']
  expect(saidAfter(false)).toEqual([...second, ...second])
})

test('a part that throws says so each time, and is never taken for one without exports', () => {
  writeFileSync(join(folder, 'run', 'bad.cjs'), "/*bad000000000*/throw new Error('broken')")
  const program = `
const { load } = require(${JSON.stringify(join(folder, 'run', 'load.cjs'))})
for (const _ of [1, 2])
  try { console.log(load('bad')) } catch (error) { console.log(error.message) }`
  const { stdout } = spawnSync(process.execPath, ['--eval', program], { encoding: 'utf8' })
  expect(stdout).toBe('broken\nbroken\n')
})
