/**
 * The addon for Windows, compiled here by mingw-w64: `node scripts/lib/windows.mjs FILE`.
 *
 * Its imports from Node are those of the definition files that come with Node's headers, so that no
 * library of Node is fetched. Everything else that is not of Windows is linked into it.
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { root } from './setup.mjs'

const TARGET = 'x86_64-w64-mingw32'

const flags = [
  ...['-std=c++17', '-O2', '-fno-exceptions', '-fno-rtti', '-shared', '-static', '-s'],
  ...['-Wall', '-Wextra', '-Werror', '-DNAPI_VERSION=8', '-DWIN32_LEAN_AND_MEAN'],
  // Windows 8 is the oldest; those that Node 20 runs on are newer.
  '-D_WIN32_WINNT=0x0602',
]

function run(command, args) {
  const done = spawnSync(command, args, { cwd: root, encoding: 'utf8' })
  if (done.error) return done.error.message
  return done.status === 0 ? undefined : `${command} failed\n${done.stderr}`
}

/** Writes the addon to a file; gives why it could not, else undefined. */
export function buildWindowsAddon(file) {
  const folder = mkdtempSync(join(tmpdir(), 'opengslb-windows-'))
  const headers = join(root, 'node_modules', 'node-api-headers')
  const sources = join(root, 'src', 'native', 'windows')
  const made = join(folder, 'addon.node')
  try {
    for (const name of ['node_api', 'js_native_api']) {
      const definition = join(headers, 'def', `${name}.def`)
      const library = join(folder, `lib${name}.a`)
      const fault = run(`${TARGET}-dlltool`, ['-d', definition, '-l', library])
      if (fault !== undefined) return fault
    }
    const files = readdirSync(sources).filter((name) => name.endsWith('.cc'))
    const fault = run(`${TARGET}-g++`, [
      ...flags,
      ...['-I', join(headers, 'include')],
      ...files.map((name) => join(sources, name)),
      ...['-o', made, `-L${folder}`, '-lnode_api', '-ljs_native_api'],
    ])
    if (fault !== undefined) return fault
    mkdirSync(dirname(file), { recursive: true })
    copyFileSync(made, file)
    return undefined
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Puts it beside the built program where it is not yet; without the compiler it stays away. */
export function addWindowsAddon() {
  const file = join(root, 'dist', 'native', 'opengslb-windows-x64.node')
  if (existsSync(file)) return
  const fault = buildWindowsAddon(file)
  if (fault !== undefined) process.stdout.write(`No addon for Windows (${fault})\n`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const fault = buildWindowsAddon(process.argv[2] ?? 'opengslb-windows-x64.node')
  if (fault !== undefined) process.stderr.write(`${fault}\n`)
  process.exitCode = fault === undefined ? 0 : 1
}
