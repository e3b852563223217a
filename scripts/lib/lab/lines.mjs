/**
 * Lines of a lab that delay: what `tc netem` does for a container, on a kernel that lacks it.
 *
 * A pair of devices, one in the host and one at the bridge, and a program between them that holds
 * back what the host sends (test/native/delay-link.cc). The delay is written to a named pipe, which
 * the host sees as /run/lab-line; its `tc` (tc.sh) does that.
 */
import { spawn, spawnSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..')
const source = join(root, 'test', 'native', 'delay-link.cc')
const program = join(root, 'node_modules', '.cache', 'opengslb-delay-link')
const READY_MS = 10_000
const LOOK_MS = 20

const pause = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

function compile() {
  if (existsSync(program) && statSync(program).mtimeMs > statSync(source).mtimeMs) return
  mkdirSync(dirname(program), { recursive: true })
  const done = spawnSync('c++', ['-std=c++17', '-O2', '-o', program, source], { encoding: 'utf8' })
  if (done.status !== 0) throw new Error(`no line that delays: ${done.stderr ?? done.error}`)
}

export const pipeOf = (folder) => join(folder, 'line')

/** Joins a host to the bridge by such a line, with no delay at first; `folder` is the host's. */
export function joinSlowly(folder, hub, port, host) {
  compile()
  mkdirSync(folder, { recursive: true })
  const pipe = pipeOf(folder)
  spawnSync('mkfifo', [pipe])
  // Opened for both, so that no writer that closes it is taken for the end.
  const input = openSync(pipe, 'r+')
  const said = join(folder, 'line.log')
  const output = openSync(said, 'a')
  const words = ['--bridge', host, 'eth0', '-', hub, port, '-', '0']
  const child = spawn(program, words, { stdio: [input, output, output], detached: true })
  for (const descriptor of [input, output]) closeSync(descriptor)
  child.unref()
  writeFileSync(join(folder, 'line.pid'), String(child.pid))
  const deadline = performance.now() + READY_MS
  while (!readFileSync(said, 'utf8').includes('ready')) {
    if (performance.now() > deadline) throw new Error(`no line: ${readFileSync(said, 'utf8')}`)
    pause(LOOK_MS)
  }
}

/** Ends the line of a host, where it has one. */
export function cutLine(folder) {
  const path = join(folder, 'line.pid')
  if (!existsSync(path)) return
  try {
    process.kill(Number(readFileSync(path, 'utf8')), 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}
