/**
 * Loads parts of the bundle into this thread, with the code that V8 compiled when it was built.
 *
 * A start makes a dozen threads, and each of them would find, parse and compile its modules anew;
 * here each part is one file, and beside it lies what V8 made of it. That is taken only by the V8
 * that wrote it, with the same settings; any other compiles the text, as always.
 *
 * A process that serves keeps the text of all parts, for its threads and for theirs: a thread that
 * is made after a package of another version was unpacked runs what the process was started with.
 * By then this file is of that version too. So the word, the shape of what is kept and what a part
 * is called with stay what they are.
 */
'use strict'
const { existsSync, readdirSync, readFileSync } = require('node:fs')
const { createRequire } = require('node:module')
const { pathToFileURL } = require('node:url')
const { constants, Script } = require('node:vm')
const { getEnvironmentData, setEnvironmentData } = require('node:worker_threads')

const runUrl = pathToFileURL(__filename).href
const distUrl = new URL('../', runUrl).href
const loaded = new Map()
const scripts = new Map()

const KEPT = 'opengslb.parts'
/** `octets` of all parts, and where by name in `places`: [first, length]; threads inherit it. */
let kept = getEnvironmentData(KEPT)

/** For all threads that are made from now on. */
function keep() {
  if (kept !== undefined) return
  const files = readdirSync(__dirname).filter((file) => file.endsWith('.cjs'))
  const texts = files.map((file) => [file.slice(0, -4), readFileSync(`${__dirname}/${file}`)])
  const size = texts.reduce((sum, [, text]) => sum + text.length, 0)
  const octets = new SharedArrayBuffer(size)
  const places = new Map()
  let at = 0
  for (const [name, text] of texts) {
    new Uint8Array(octets, at).set(text)
    places.set(name, [at, text.length])
    at += text.length
  }
  kept = { octets, places }
  setEnvironmentData(KEPT, kept)
}

function textOf(name, filename) {
  const place = kept?.places.get(name)
  if (place === undefined) return readFileSync(filename, 'latin1')
  return Buffer.from(kept.octets, ...place).toString('latin1')
}

const octetsOf = (file) => (existsSync(file) ? readFileSync(file) : undefined)

/** What a part exports; each is run once in a thread. */
function load(name) {
  const before = loaded.get(name)
  if (before !== undefined) return before.exports
  const module = { exports: {} }
  loaded.set(name, module)
  const filename = `${__dirname}/${name}.cjs`
  const text = textOf(name, filename)
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
  try {
    script.runInThisContext()(module.exports, requireFrom, module, runUrl, loadModule)
  } catch (error) {
    // Whoever asks again, as an actor does for what was loaded ahead, is to hear why.
    loaded.delete(name)
    throw error
  }
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
  const isPart = kept?.places.has(name) || existsSync(`${__dirname}/${name}.cjs`)
  return isPart ? load(name) : await import(url)
}
loadModule.keep = keep

module.exports = { keep, load, scripts }
