import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { getSystemErrorName } from 'node:util'
import { Worker } from 'node:worker_threads'
import { describe, expect, test } from 'vitest'
import { hasAddon } from '../../harness/dns-fronts.ts'

const addonPath = new URL('../../../dist/native/opengslb.node', import.meta.url).pathname

// sched(7).
const OTHER = 0
const ROUND_ROBIN = 2

describe.runIf(hasAddon)('favourThread', () => {
  test('a thread goes before the others by the nice value it asks for, and it alone', async () => {
    const script = `
      const { readFileSync } = require('node:fs')
      const { createRequire } = require('node:module')
      const { parentPort, workerData } = require('node:worker_threads')
      const addon = createRequire(workerData)(workerData)
      const niceOf = (path) => Number(readFileSync(path, 'utf8').split(') ')[1].split(' ')[16])
      const both = () => [niceOf('/proc/thread-self/stat'), niceOf('/proc/self/stat')]
      const [mine, main] = both()
      const code = addon.favourThread(-3, 100_000, false)
      const [after, mainAfter] = both()
      parentPort.postMessage([code, after - mine, mainAfter - main])`
    const worker = new Worker(script, { eval: true, workerData: addonPath })
    const [told] = (await once(worker, 'message')) as [[number, number, number]]
    const isPermitted = told[0] === 0
    if (!isPermitted) expect(getSystemErrorName(told[0])).toMatch(/^E(PERM|ACCES)$/)
    expect(told.slice(1)).toEqual([isPermitted ? -3 : 0, 0])
  })

  test('it goes before all while it has time to spare, and shares when it has none', async () => {
    const script = `
      const { readFileSync } = require('node:fs')
      const { createRequire } = require('node:module')
      const { parentPort, workerData } = require('node:worker_threads')
      const addon = createRequire(workerData)(workerData)
      const policy = (path) => Number(readFileSync(path, 'utf8').split(') ')[1].split(' ')[38])
      const now = () => [policy('/proc/thread-self/stat'), policy('/proc/self/stat')]
      const until = Date.now() + 5_000
      // Turns of the loop, with a rest or without one, until the policy is another.
      const seen = (rests) => new Promise((resolve) => {
        const [before] = now()
        const turn = () => {
          const [mine, main] = now()
          if (mine !== before || Date.now() > until) resolve([mine, main])
          else if (rests) setTimeout(turn, 10)
          else setImmediate(turn)
        }
        turn()
      })
      const all = async () => {
        addon.favourThread(-3, 100_000, true)
        parentPort.postMessage([now(), await seen(true), await seen(false), await seen(true)])
      }
      all()`
    const worker = new Worker(script, { eval: true, workerData: addonPath })
    const exited = once(worker, 'exit')
    const [told] = (await once(worker, 'message')) as [[number, number][]]
    const isPermitted = spawnSync('chrt', ['--rr', '1', 'true']).status === 0
    const first = isPermitted ? ROUND_ROBIN : OTHER
    expect(told.map(([mine]) => mine)).toEqual([OTHER, first, OTHER, first])
    expect(told.map(([, main]) => main)).toEqual([OTHER, OTHER, OTHER, OTHER])
    expect(await exited).toEqual([0])
  })
})
