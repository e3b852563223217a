/**
 * Loads parts of the bundle into this thread, with the code that V8 compiled when it was built.
 *
 * A start makes a dozen threads, and each of them would find, parse and compile its modules anew;
 * here each part is one file, and beside it lies what V8 made of it. That is taken only by the V8
 * that wrote it, with the same settings; any other compiles the text, as always.
 */
'use strict'
const { existsSync, readFileSync } = require('node:fs')
const { createRequire } = require('node:module')
const { pathToFileURL } = require('node:url')
const { constants, Script } = require('node:vm')

const runUrl = pathToFileURL(__filename).href
const distUrl = new URL('../', runUrl).href
const loaded = new Map()
const scripts = new Map()

const octetsOf = (file) => (existsSync(file) ? readFileSync(file) : undefined)

/** What a part exports; each is run once in a thread. */
function load(name) {
  const before = loaded.get(name)
  if (before !== undefined) return before.exports
  const module = { exports: {} }
  loaded.set(name, module)
  const filename = `${__dirname}/${name}.cjs`
  const text = readFileSync(filename, 'latin1')
  // The text begins with a hash of itself, so that code of another text is never taken for its.
  const codeFile = `${__dirname}/${name}.${text.slice(2, 14)}.cache`
  const script = new Script(
    `(function (exports, require, module, __runUrl, __loadModule) {${text}\n})`,
    {
      filename,
      cachedData: octetsOf(codeFile),
      importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    },
  )
  scripts.set(codeFile, script)
  script.runInThisContext()(module.exports, requireFrom, module, runUrl, loadModule)
  return module.exports
}

const requireOutside = createRequire(__filename)
const requireFrom = (wanted) =>
  wanted.startsWith('./') && wanted.endsWith('.cjs')
    ? load(wanted.slice(2, -4))
    : requireOutside(wanted)

/** A module by its address: a part of the bundle where it is one. */
async function loadModule(url) {
  if (!url.startsWith(distUrl)) return await import(url)
  const name = url.slice(distUrl.length, -'.js'.length).replaceAll('/', '-')
  return existsSync(`${__dirname}/${name}.cjs`) ? load(name) : await import(url)
}

module.exports = { load, scripts }
