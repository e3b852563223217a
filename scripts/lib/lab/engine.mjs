/**
 * Hosts in namespaces, driven by a compose file: what a container engine does for the demos, where
 * there is none. Needs root and Linux.
 *
 * Each host has a network, a process table and a root of its own, the files of this machine below
 * it. Everything is kept in the lab's folder, so that the `docker` of the lab (docker.mjs), another
 * process, can stop a host, start it again and run commands in it.
 */
import { spawn, spawnSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readCompose } from './compose.mjs'
import { makeGroup, removeGroup } from './groups.mjs'
import { cutLine, joinSlowly, pipeOf } from './lines.mjs'
import { hostOf, makeHost, makeHub, removeAll } from './network.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const project = join(here, '..', '..', '..')
const STOP_MS = 10_000
const START_MS = 10_000
const LOOK_MS = 20

const pause = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** The first process inside the namespaces of `unshare`. */
function childOf(pid) {
  const path = `/proc/${pid}/task/${pid}/children`
  const text = existsSync(path) ? readFileSync(path, 'utf8').trim() : ''
  return text === '' ? undefined : Number(text.split(' ')[0])
}

export class Lab {
  constructor(folder) {
    this.folder = folder
    const { tag, compose } = JSON.parse(readFileSync(join(folder, 'lab.json'), 'utf8'))
    this.tag = tag
    this.compose = compose
  }

  /** Makes the network of a compose file; nothing runs yet. */
  static make(folder, compose) {
    mkdirSync(folder, { recursive: true })
    const tag = `lab${process.pid % 10_000}`
    writeFileSync(join(folder, 'lab.json'), JSON.stringify({ tag, compose }))
    const lab = new Lab(folder)
    const { hosts, prefix, gateway } = readCompose(compose)
    makeHub(tag, gateway, prefix)
    for (const [index, { name, address, isSlow }] of hosts.entries()) {
      const slowly = (...ends) => joinSlowly(join(folder, name), ...ends)
      makeHost(tag, name, index, address, prefix, gateway, ...(isSlow ? [slowly] : []))
    }
    return lab
  }

  get hosts() {
    return readCompose(this.compose).hosts
  }

  up() {
    for (const { name } of this.hosts) this.start(name)
  }

  start(name) {
    const host = this.#host(name)
    if (this.pid(name) !== undefined) return
    const folder = join(this.folder, name)
    mkdirSync(folder, { recursive: true })
    const volumes = join(folder, 'volumes')
    const lines = host.volumes.map(({ from, to, isReadOnly }) => [
      from,
      to,
      isReadOnly ? 'ro' : 'rw',
    ])
    if (host.isSlow) lines.push([pipeOf(folder), '/run/lab-line', 'rw'])
    writeFileSync(volumes, lines.map((line) => `${line.join(' ')}\n`).join(''))
    const group = host.cpus === undefined ? [] : makeGroup(hostOf(this.tag, name), host.cpus)
    const log = openSync(join(folder, 'log'), 'a')
    const inside = ['netns', 'exec', hostOf(this.tag, name)]
    const own = ['unshare', '--mount', '--uts', '--pid', '--fork', '--kill-child', '--']
    const script = [join(here, 'host.sh'), folder, project, volumes]
    // Into its group first: what it starts is born there.
    const enter = `for g in ${group.join(' ')}; do echo $$ > "$g"; done; exec "$@"`
    const words = ['ip', ...inside, ...own, ...script, ...host.words]
    const child = spawn('sh', ['-c', enter, 'sh', ...words], {
      env: { PATH: process.env.PATH, HOSTNAME: name, ...host.environment },
      stdio: ['ignore', log, log],
      detached: true,
    })
    closeSync(log)
    child.unref()
    // The shell becomes `ip netns exec`, and that `unshare`, under the same number.
    writeFileSync(join(folder, 'pid'), String(child.pid))
    const deadline = performance.now() + START_MS
    while (!this.#isInside(name)) {
      if (performance.now() > deadline) throw new Error(`${name} did not start: ${this.logs(name)}`)
      pause(LOOK_MS)
    }
  }

  /** Whether the host's first process has a root of its own, and runs its command. */
  #isInside(name) {
    const pid = this.pid(name)
    if (pid === undefined) return false
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1')
      return words !== '' && !words.includes('host.sh')
    } catch {
      return false
    }
  }

  /** The number of the host's first process; undefined when it does not run. */
  pid(name) {
    const path = join(this.folder, name, 'pid')
    if (!existsSync(path)) return undefined
    const outer = Number(readFileSync(path, 'utf8'))
    return isAlive(outer) ? childOf(outer) : undefined
  }

  /** SIGTERM to the first process, SIGKILL to all of them after ten seconds, as engines do. */
  stop(name, limitMs = STOP_MS) {
    const first = this.pid(name)
    if (first === undefined) return
    process.kill(first, 'SIGTERM')
    const deadline = performance.now() + limitMs
    while (isAlive(first) && performance.now() < deadline) pause(LOOK_MS)
    if (isAlive(first)) process.kill(first, 'SIGKILL')
    while (this.pid(name) !== undefined) pause(LOOK_MS)
  }

  /** The words that run a command in a host. */
  inside(name, words) {
    const pid = this.pid(name)
    if (pid === undefined) throw new Error(`${name} is not running`)
    return [
      'nsenter',
      `--target=${pid}`,
      '--mount',
      '--uts',
      '--pid',
      '--net',
      '--root',
      // From its own root on, with what its first process was told.
      ...['env', '--chdir=/', ...this.#environment(name)],
      ...words,
    ]
  }

  /** Runs a command in a host, with our streams; its exit code. */
  exec(name, words, options = {}) {
    const [program, ...rest] = this.inside(name, words)
    return spawnSync(program, rest, { stdio: 'inherit', ...options })
  }

  logs(name) {
    this.#host(name)
    return readFileSync(join(this.folder, name, 'log'), 'utf8')
  }

  down() {
    for (const { name } of this.hosts) this.stop(name, 3_000)
    for (const { name } of this.hosts) {
      cutLine(join(this.folder, name))
      removeGroup(hostOf(this.tag, name))
    }
    removeAll(this.tag)
    rmSync(this.folder, { recursive: true, force: true })
  }

  #environment(name) {
    return Object.entries(this.#host(name).environment).map((entry) => entry.join('='))
  }

  #host(name) {
    const host = this.hosts.find((one) => one.name === name)
    if (host === undefined) throw new Error(`no such container: ${name}`)
    return host
  }
}
