/**
 * The Debian package: the program, its dependencies, a Node runtime, a launcher, units.
 *
 * The runtime is the registry's binary package of Node, checked against the hash that
 * `deploy/debian/runtime.json` names; so is the HTTP front for that version of Node. All else comes
 * from this checkout. `dpkg-deb` puts it together.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { copyProgram, manifest, productionPackages, readJson } from './package-npm.mjs'
import { root, run } from './setup.mjs'

const HOME = 'usr/lib/opengslb'
const DOC = 'usr/share/doc/opengslb'
const debian = join(root, 'deploy', 'debian')

/** The unpacked folder of a package of the registry, whose hash must be the one that is named. */
function fetched({ package: name, version, integrity }, folder) {
  const cache = join(root, 'node_modules', '.cache', 'packages')
  const file = join(cache, `${name.replace(/^@/, '').replace('/', '-')}-${version}.tgz`)
  mkdirSync(cache, { recursive: true })
  if (!existsSync(file)) {
    const words = ['pack', `${name}@${version}`, '--silent', `--pack-destination=${cache}`]
    run('npm', words, { stdio: ['ignore', 'ignore', 'inherit'] })
  }
  const hash = createHash('sha512').update(readFileSync(file)).digest('base64')
  if (`sha512-${hash}` !== integrity) {
    process.stderr.write(`${name}@${version} is not what deploy/debian/runtime.json names\n`)
    process.exit(1)
  }
  mkdirSync(folder, { recursive: true })
  run('tar', ['-xzf', file, '-C', folder, '--strip-components=1'])
}

function copyDependencies(to, { http }) {
  for (const place of Object.keys(productionPackages())) {
    const from = join(root, place)
    // Those of other machines, and the HTTP front of the Node that builds.
    if (!existsSync(from) || place.includes('@uwsjs/')) continue
    cpSync(from, join(to, place), {
      recursive: true,
      filter: (path) => !/\.(?:map|md|d\.ts)$/.test(path),
    })
  }
  fetched(http, join(to, 'node_modules', http.package))
}

function buildLauncher(to) {
  const flags = [
    '-std=c++17',
    '-O2',
    '-Wall',
    '-fPIE',
    '-pie',
    '-s',
    '-fno-exceptions',
    '-fno-rtti',
  ]
  const hard = ['-D_FORTIFY_SOURCE=2', '-fstack-protector-strong', '-Wl,-z,relro,-z,now']
  const source = join(debian, 'launcher.cc')
  run(process.env.CXX ?? 'g++', [...flags, ...hard, source, '-o', to, '-nodefaultlibs', '-lc'])
  chmodSync(to, 0o755)
}

/** A copy with its mode, its folder made. */
function place(from, to, mode = 0o644) {
  mkdirSync(dirname(to), { recursive: true })
  cpSync(from, to, { recursive: true })
  if (statSync(to).isFile()) chmodSync(to, mode)
}

function sizeOf(folder) {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name)
    return sum + (entry.isDirectory() ? sizeOf(path) : statSync(path).size)
  }, 0)
}

const control = (version, kilobytes) => `Package: opengslb
Version: ${version}
Architecture: amd64
Maintainer: OpenGSLB <opengslb@example.invalid>
Installed-Size: ${kilobytes}
Depends: libc6 (>= 2.28), libstdc++6 (>= 8), libgcc-s1, libcap2-bin, passwd
Suggests: etcd-server, bind9-dnsutils
Section: net
Priority: optional
Description: global server load balancer that speaks DNS
 Answers authoritative DNS with the servers that are up, near and fast:
 agents beside the applications tell it of their health and of the round-trip
 times of live connections. Brings its own Node runtime.
`

function fill(tree, runtime) {
  const home = join(tree, HOME)
  copyProgram(home)
  rmSync(join(home, 'config'), { recursive: true })
  copyDependencies(home, runtime)
  writeFileSync(
    join(home, 'package.json'),
    `${JSON.stringify({ name: 'opengslb', version: manifest().version, type: 'module' })}\n`,
  )
  const node = mkdtempSync(join(tmpdir(), 'opengslb-node-'))
  fetched(runtime.node, node)
  place(join(node, 'bin', 'node'), join(home, 'node'), 0o755)
  place(join(node, 'LICENSE'), join(tree, DOC, 'LICENSE.node'))
  // Compiled code is of use only to the Node that compiled it, and this is another one.
  const ahead = join(root, 'scripts', 'lib', 'compile-ahead.mjs')
  run(join(home, 'node'), [ahead, join(home, 'dist', 'run')])
  rmSync(node, { recursive: true, force: true })
  // Twice: in the place that operators know, which gets capabilities, and plain for the units.
  buildLauncher(join(home, 'opengslb'))
  place(join(home, 'opengslb'), join(tree, 'usr/local/bin/opengslb'), 0o755)
  place(join(debian, 'opengslb-cli'), join(tree, 'usr/local/bin/opengslb-cli'), 0o755)
  for (const name of ['README.md', 'CHANGELOG.md']) place(join(root, name), join(tree, DOC, name))
  place(join(root, 'config'), join(tree, DOC, 'config'))
  for (const unit of readdirSync(join(root, 'deploy', 'systemd')))
    place(join(root, 'deploy', 'systemd', unit), join(tree, 'lib/systemd/system', unit))
  mkdirSync(join(tree, 'etc/opengslb'), { recursive: true })
}

export function debianPackage(out) {
  if (spawnSync('dpkg-deb', ['--version'], { stdio: 'ignore' }).status !== 0) {
    process.stdout.write('No dpkg-deb here: the Debian package is not made.\n')
    return
  }
  const tree = mkdtempSync(join(tmpdir(), 'opengslb-deb-'))
  chmodSync(tree, 0o755)
  fill(tree, readJson(join(debian, 'runtime.json')))
  const { version } = manifest()
  const meta = join(tree, 'DEBIAN')
  mkdirSync(meta)
  writeFileSync(join(meta, 'control'), control(version, Math.ceil(sizeOf(tree) / 1024)))
  for (const script of ['postinst', 'prerm', 'postrm'])
    place(join(debian, script), join(meta, script), 0o755)
  const file = join(out, `opengslb_${version}_amd64.deb`)
  // gzip: every dpkg reads it, and it takes seconds where xz takes minutes.
  const words = ['--root-owner-group', '-Zgzip', '--build', tree, file]
  run('dpkg-deb', words, { stdio: ['ignore', 'ignore', 'inherit'] })
  rmSync(tree, { recursive: true, force: true })
}
