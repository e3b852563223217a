/**
 * Makes a checkout ready to run: dependencies from the lock file, then the build.
 *
 * Both steps are skipped when what they would make is already there: dependencies are stamped with
 * the hash of the lock file, the build with the newest source. Nothing but the package registry is
 * asked, and no install script of any package is needed.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

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

/**
 * Compiles the addon where there is a C++ compiler; without one the program runs all the same, on
 * its slower sockets, and says so. Needs neither Python nor fetched headers: those of the Node API
 * come as a package, and libuv's few functions are declared in the source.
 */
function buildNative() {
  const sources = readdirSync(join(root, 'src', 'native'))
    .filter((file) => file.endsWith('.cc'))
    .map((file) => join('src', 'native', file))
  const include = join('node_modules', 'node-api-headers', 'include')
  const output = join('dist', 'native', 'opengslb.node')
  const flags = ['-std=c++17', '-O2', '-fPIC', '-shared', '-fvisibility=hidden', '-DNAPI_VERSION=8']
  const compiler = process.env.CXX ?? 'g++'
  const done = spawnSync(compiler, [...flags, '-I', include, ...sources, '-o', output], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (done.status === 0) return
  process.stdout.write(
    `No native addon (${done.error?.message ?? `${compiler} failed`}): using node:dgram.\n`,
  )
}

/** Compiles `src` to `dist` unless it is already newer than every source. */
export function build({ force = false } = {}) {
  const stamp = join(root, 'dist', '.stamp')
  const configs = ['tsconfig.json', 'package.json'].map(
    (file) => statSync(join(root, file)).mtimeMs,
  )
  const newest = Math.max(newestUnder(join(root, 'src')), ...configs)
  if (!force && existsSync(stamp) && statSync(stamp).mtimeMs > newest) return
  rmSync(join(root, 'dist'), { recursive: true, force: true })
  run(process.execPath, [
    join(root, 'node_modules', 'typescript', 'bin', 'tsc'),
    '-p',
    'tsconfig.json',
  ])
  buildNative()
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
