/**
 * `npm run package`: makes the npm package and the Debian package, and their checksums, in `out/`.
 *
 * The npm package holds the built program with its compiled addon, the addon for Windows where
 * mingw-w64 is installed, and the exact versions of what it depends on; nothing of it runs when it
 * is installed. The Debian package brings its own Node runtime and needs nothing but the C and C++
 * libraries. Each takes the build of this checkout.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { debianPackage } from './lib/package-debian.mjs'
import { npmPackage } from './lib/package-npm.mjs'
import { root, setup } from './lib/setup.mjs'
import { addWindowsAddon } from './lib/windows.mjs'

const out = join(root, 'out')

setup()
addWindowsAddon()
rmSync(out, { recursive: true, force: true })
mkdirSync(out, { recursive: true })
const wanted = process.argv.slice(2)
if (wanted.length === 0 || wanted.includes('npm')) npmPackage(out)
if (wanted.length === 0 || wanted.includes('deb')) debianPackage(out)

const sums = readdirSync(out)
  .filter((name) => /\.(?:tgz|deb)$/.test(name))
  .map((name) => {
    const hash = createHash('sha256').update(readFileSync(join(out, name)))
    return `${hash.digest('hex')}  ${name}\n`
  })
writeFileSync(join(out, 'SHA256SUMS'), sums.join(''))
process.stdout.write(sums.join(''))
