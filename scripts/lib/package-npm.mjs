/**
 * The npm package: the built program, with the versions of its dependencies fixed.
 *
 * `npm-shrinkwrap.json` is the lock file without what only development needs, so that whoever
 * installs the package runs what was tested. There are no install scripts.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root, run } from './setup.mjs'

export const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'))

export const manifest = () => readJson(join(root, 'package.json'))

/** The packages of the lock file that the program itself needs, by their place. */
export function productionPackages() {
  const { packages } = readJson(join(root, 'package-lock.json'))
  return Object.fromEntries(
    Object.entries(packages).filter(([place, { dev }]) => place !== '' && dev !== true),
  )
}

/** What of a package.json concerns those who install it. */
function published({ devDependencies: _dev, scripts: _scripts, private: _private, ...kept }) {
  return { ...kept, files: [...kept.files, 'npm-shrinkwrap.json'] }
}

/** Copies the program into a folder, without maps of its sources. */
export function copyProgram(folder) {
  const isKept = (path) => !path.endsWith('.map') && !path.endsWith('.stamp')
  cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true, filter: isKept })
  for (const name of ['config', 'README.md', 'CHANGELOG.md'])
    cpSync(join(root, name), join(folder, name), { recursive: true })
}

export function npmPackage(out) {
  const folder = mkdtempSync(join(tmpdir(), 'opengslb-npm-'))
  const own = published(manifest())
  copyProgram(folder)
  const { dependencies, optionalDependencies, name, version, engines, bin } = own
  const lock = {
    ...{ name, version, lockfileVersion: 3, requires: true },
    packages: {
      '': { name, version, dependencies, optionalDependencies, engines, bin },
      ...productionPackages(),
    },
  }
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(own, null, 2)}\n`)
  writeFileSync(join(folder, 'npm-shrinkwrap.json'), `${JSON.stringify(lock, null, 2)}\n`)
  run('npm', ['pack', '--silent', '--ignore-scripts', `--pack-destination=${out}`], { cwd: folder })
  rmSync(folder, { recursive: true, force: true })
}
