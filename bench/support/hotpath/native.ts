/**
 * The C++ parts of the bench, compiled when they are needed and kept beside the compiled benches.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder that holds package.json, from wherever this file was compiled to. */
function findRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package.json')) && folder !== dirname(folder))
    folder = dirname(folder)
  return folder
}

export const root = findRoot()

export interface Native {
  readonly echo: string
  readonly generator: string
}

const sources = join(root, 'bench', 'native')
const output = join(root, 'dist-bench', 'native')

const newest = (): number =>
  Math.max(...readdirSync(sources).map((file) => statSync(join(sources, file)).mtimeMs))

function compile(name: string, files: readonly string[]): string | undefined {
  const target = join(output, name)
  if (existsSync(target) && statSync(target).mtimeMs > newest()) return undefined
  const paths = files.map((file) => join(sources, file))
  const compiler = process.env['CXX'] ?? 'g++'
  // Renamed when whole, so that two benches may compile at once.
  const draft = `${target}.${process.pid}`
  const done = spawnSync(compiler, ['-std=c++17', '-O2', '-o', draft, ...paths], {
    encoding: 'utf8',
  })
  if (done.error !== undefined) return `${compiler}: ${done.error.message}`
  if (done.status !== 0) return `${compiler} failed: ${done.stderr.slice(0, 400)}`
  renameSync(draft, target)
  return undefined
}

/** Both programs, or why there are none. */
export function compileNative(): Native | string {
  mkdirSync(output, { recursive: true })
  const others = readdirSync(sources).filter((file) => /\.cc$/.test(file) && file !== 'echo.cc')
  const fault = compile('echo', ['echo.cc']) ?? compile('generator', others)
  return fault ?? { echo: join(output, 'echo'), generator: join(output, 'generator') }
}

/** Whether a program is there to be run. */
export const installed = (program: string): boolean =>
  spawnSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status === 0
