/**
 * Loaded before the program (`node --import`): the process says it is Windows, and whatever only
 * Linux has is absent, the native addon, uWebSockets.js, /proc and /sys.
 */
import fs from 'node:fs'
import Module, { syncBuiltinESMExports } from 'node:module'

const ABSENT = /(?:opengslb\.node|uws\.node|@uwsjs\/)/
const missing = (path) =>
  Object.assign(new Error(`ENOENT: no such file or directory, '${path}'`), { code: 'ENOENT' })
const isLinux = (path) => typeof path === 'string' && /^\/(?:proc|sys)(?:\/|$)/.test(path)

Object.defineProperty(process, 'platform', { value: 'win32' })
for (const name of ['geteuid', 'getuid', 'setuid']) delete process[name]

const { dlopen } = process
process.dlopen = (module, path, ...rest) => {
  if (ABSENT.test(path)) throw new Error(`${path} is not a valid Win32 application`)
  return dlopen.call(process, module, path, ...rest)
}
for (const name of ['readFileSync', 'openSync', 'readdirSync', 'statSync']) {
  const real = fs[name]
  fs[name] = (path, ...rest) => {
    if (isLinux(path)) throw missing(path)
    return real(path, ...rest)
  }
}
for (const name of ['readFile', 'open', 'readdir', 'stat']) {
  const real = fs.promises[name]
  fs.promises[name] = async (path, ...rest) => {
    if (isLinux(path)) throw missing(path)
    return real(path, ...rest)
  }
}
syncBuiltinESMExports()
// The packages of uWebSockets.js are loaded by require().
const resolve = Module._resolveFilename
Module._resolveFilename = (specifier, ...rest) => {
  if (ABSENT.test(specifier)) throw new Error(`Cannot find module '${specifier}'`)
  return resolve.call(Module, specifier, ...rest)
}
