/**
 * Loaded into each thread of the start that `compile-ahead.mjs` watches: leaves there what V8 made
 * of the parts that this thread has run.
 *
 * The word to do so is a file, because nothing else reaches every thread of a program that knows
 * nothing of being watched. Settings of V8 stay as they are at birth: code is taken only under the
 * settings it was kept with, and those of a thread that loads are V8's own.
 */
'use strict'
const { existsSync, mkdirSync, renameSync, writeFileSync } = require('node:fs')
const { basename, join } = require('node:path')
const v8 = require('node:v8')
const { threadId } = require('node:worker_threads')

const run = process.env.OPENGSLB_KEPT_RUN
const kept = process.env.OPENGSLB_KEPT_FOLDER
const LOOK_MS = 50

writeFileSync(join(kept, `born-${threadId}`), '')
v8.setFlagsFromString = () => {}
const { scripts } = require(join(run, 'load.cjs'))

function keep() {
  const draft = join(kept, `draft-${threadId}`)
  mkdirSync(draft)
  for (const [file, script] of scripts)
    writeFileSync(join(draft, basename(file)), script.createCachedData())
  renameSync(draft, join(kept, `thread-${threadId}`))
}

const look = setInterval(() => {
  if (!existsSync(join(kept, 'word'))) return
  clearInterval(look)
  keep()
}, LOOK_MS)
// A thread must be able to end.
look.unref()
