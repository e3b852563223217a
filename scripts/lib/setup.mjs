/**
 * Makes a checkout ready to run: dependencies from the lock file, then the build.
 *
 * Both steps are skipped when what they would make is already there: dependencies are stamped with
 * the hash of the lock file, the build with the newest source. Nothing but the package registry is
 * asked, and no install script of any package is needed.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { foldConstants } from './fold-constants.mjs'

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

const OLDEST_NODE = [20, 18]

/** Runs a command with our streams; ends this process when it fails. */
export function run(command, args, options = {}) {
  const done = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options })
  if (done.error) {
    process.stderr.write(`${command}: ${done.error.message}\n`)
    process.exit(1)
  }
  if (done.status !== 0) process.exit(done.status ?? 1)
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  const [wantMajor, wantMinor] = OLDEST_NODE
  if (major > wantMajor || (major === wantMajor && minor >= wantMinor)) return
  process.stderr.write(
    `OpenGSLB needs Node ${OLDEST_NODE.join('.')} or later; this is ${process.versions.node}.\n`,
  )
  process.exit(1)
}

function installDependencies() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  // The modules of another Node version lack its binary of the HTTP front, so it is in the stamp.
  const wanted = `${lock} ${process.versions.modules}`
  const stamp = join(root, 'node_modules', '.opengslb-stamp')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  process.stdout.write('Installing dependencies …\n')
  run('npm', [
    'ci',
    '--include=dev',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ])
  writeFileSync(stamp, wanted)
}

function newestUnder(folder) {
  let newest = 0
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    newest = Math.max(newest, entry.isDirectory() ? newestUnder(path) : statSync(path).mtimeMs)
  }
  return newest
}

const nativeFlags = [
  '-std=c++17',
  '-O2',
  '-fPIC',
  '-shared',
  '-fvisibility=hidden',
  '-fno-exceptions',
  '-fno-rtti',
  // The C++ library is linked dynamically: Node itself brings it, and a static one would ask for
  // the C library of this machine (GLIBC_2.35) where 2.14 is enough.
  '-static-libgcc',
  '-Wall',
  '-DNAPI_VERSION=8',
]

/** What the addon is made from, as a hash: the same one is never compiled twice. */
function nativeHash(folder, compiler) {
  const hash = createHash('sha256')
  hash.update(`${compiler} ${nativeFlags.join(' ')} ${process.platform} ${process.arch}`)
  for (const file of readdirSync(folder).sort())
    if (/\.(cc|h)$/.test(file)) hash.update(file).update(readFileSync(join(folder, file)))
  return hash.digest('hex').slice(0, 16)
}

/**
 * Puts the addon into `dist`, compiled where there is a C++ compiler; without one the program runs
 * all the same, on its slower sockets, and says so. Needs neither Python nor fetched headers: those
 * of the Node API come as a package, and libuv's few functions are declared in the source.
 */
function buildNative() {
  const compiler = process.env.CXX ?? 'g++'
  const folder = join(root, 'src', 'native')
  const cache = join(root, 'node_modules', '.cache')
  const made = join(cache, `opengslb-${nativeHash(folder, compiler)}.node`)
  if (!existsSync(made)) {
    mkdirSync(cache, { recursive: true })
    const sources = readdirSync(folder)
      .filter((file) => file.endsWith('.cc'))
      .map((file) => join(folder, file))
    const include = join(root, 'node_modules', 'node-api-headers', 'include')
    // Another build may run beside this one; only a finished file gets the name.
    const unfinished = `${made}.${process.pid}`
    const args = [...nativeFlags, '-I', include, ...sources, '-o', unfinished]
    const done = spawnSync(compiler, args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
    if (done.status !== 0) {
      rmSync(unfinished, { force: true })
      const why = done.error ? `no C++ compiler, ${done.error.message}` : `${compiler} failed`
      process.stdout.write(`No native addon (${why}): DNS will use node:dgram, at half the rate.\n`)
      return
    }
    renameSync(unfinished, made)
  }
  copyFileSync(made, join(root, 'dist', 'native', 'opengslb.node'))
}

/** Compiles `src` to `dist` unless it is already newer than every source. */
export function build({ force = false } = {}) {
  const stamp = join(root, 'dist', '.stamp')
  const configs = [
    'tsconfig.json',
    'package.json',
    'scripts/lib/fold-constants.mjs',
    'scripts/lib/bundle.mjs',
    'scripts/lib/parts.mjs',
    'scripts/lib/compile-ahead.mjs',
    'scripts/lib/keep-code.cjs',
    'scripts/lib/run-load.cjs',
    'scripts/lib/dashboard.mjs',
  ].map((file) => statSync(join(root, file)).mtimeMs)
  const newest = Math.max(newestUnder(join(root, 'src')), ...configs)
  if (!force && existsSync(stamp) && statSync(stamp).mtimeMs > newest) return
  rmSync(join(root, 'dist'), { recursive: true, force: true })
  run(process.execPath, [
    join(root, 'node_modules', 'typescript', 'bin', 'tsc'),
    '-p',
    'tsconfig.json',
  ])
  foldConstants(join(root, 'dist'))
  run(process.execPath, [join(root, 'scripts', 'lib', 'bundle.mjs')])
  run(process.execPath, [join(root, 'scripts', 'lib', 'dashboard.mjs')])
  buildNative()
  // npm makes its commands executable once; a later build writes their files anew.
  const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  for (const command of Object.values(bin)) chmodSync(join(root, command), 0o755)
  // Last: it makes a whole start.
  const ahead = join(root, 'scripts', 'lib', 'compile-ahead.mjs')
  run(process.execPath, [ahead, join(root, 'dist', 'run')])
  writeFileSync(stamp, '')
}

export function setup() {
  checkNode()
  installDependencies()
  build()
}

/** Runs a tool that a dependency brings, by its name in node_modules/.bin. */
export function runBin(name, args, options) {
  run(process.execPath, [join(root, 'node_modules', '.bin', name), ...args], options)
}
