/**
 * Keeps what V8 makes of each part of the bundle, beside it: code that a start need not compile.
 *
 * Every part is run here as a start runs it, so that what is kept holds the functions a start
 * calls; the rest is compiled on its first call, as always. V8 checks its own version and settings
 * before it takes the code, so another Node only starts as slowly as it would without.
 */
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const run = process.argv[2]
const { load, scripts } = createRequire(import.meta.url)(join(run, 'load.cjs'))
// What another Node has made.
for (const file of readdirSync(run)) if (file.endsWith('.cache')) rmSync(join(run, file))
const isPart = (file) => file.endsWith('.cjs') && !/^(load|first-.*)\.cjs$/.test(file)
for (const file of readdirSync(run).filter(isPart)) {
  try {
    load(file.slice(0, -'.cjs'.length))
  } catch {
    // The first part of a thread finds no thread around it; what it is made of was loaded before.
  }
}
for (const [file, script] of scripts) writeFileSync(file, script.createCachedData())
