/**
 * Keeps what V8 makes of each part of the bundle, beside it: code that a start need not compile.
 *
 * A start is made here, in full, and asked a few questions; each of its threads keeps the code of
 * the functions that it ran, and of a part that several have run the largest is taken. A part that
 * no such start loads is run by itself, so that at least its body is kept. What was not run is
 * compiled on its first call, as always. V8 checks its own version and settings before it takes the
 * code, so another Node only starts as slowly as it would without.
 */
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const run = resolve(process.argv[2])
const program = join(dirname(run), 'opengslb.js')
const { load, scripts } = createRequire(import.meta.url)(join(run, 'load.cjs'))
/** A start takes two seconds of a busy machine; a build goes on without it. */
const LIMIT_MS = 30_000
/** Enough for what answers to have run every branch of a plain answer. */
const QUESTIONS = 64
/** `app.start.test A IN` with a recursion-desired header, RFC 1035 section 4.1. */
const QUESTION = Buffer.from(
  '0001010000010000000000000361707005737461727404746573740000010001',
  'hex',
)

/** A port that nobody has at this moment. */
const freePort = () =>
  new Promise((resolve, reject) => {
    const socket = createSocket('udp4')
    socket.once('error', reject)
    socket.bind(0, '127.0.0.1', () => {
      const { port } = socket.address()
      socket.close(() => resolve(port))
    })
  })

const key = Buffer.alloc(32, 7).toString('base64')

const configuration = (folder, port, api) => `
dns: { listen_address: "127.0.0.1:${port}", threads: 1, zones: [start.test] }
regions:
  - name: local
    servers: [{ address: 127.0.0.1, port: 9, service: app.start.test }]
    health_check: { type: tcp, interval: 1s, timeout: 500ms }
domains: [{ name: app.start.test, regions: [local], when_all_down: all }]
overwatch:
  data_dir: "${folder}/data"
  gossip: { encryption_key: "${key}", bind_address: "127.0.0.1:0" }
api: { enabled: true, address: "127.0.0.1:${api}" }
metrics: { enabled: false }
logging: { level: info, format: json }
`

async function until(holds) {
  const untilMs = Date.now() + LIMIT_MS
  while (!holds()) {
    if (Date.now() > untilMs) throw new Error('a start to take code from did not come about')
    await sleep(20)
  }
}

/** Asks until the threads have answered so often. */
async function ask(port, api) {
  await fetch(`http://127.0.0.1:${api}/api/v1/ready`)
  const socket = createSocket('udp4')
  let answers = 0
  socket.on('message', () => answers++)
  socket.on('error', () => {})
  await until(() => {
    for (let count = 0; count < 8; count++) socket.send(QUESTION, port, '127.0.0.1')
    return answers >= QUESTIONS
  })
  socket.close()
}

/** The folders that the threads of one start have left. */
async function startAndKeep(folder) {
  const [port, api] = [await freePort(), await freePort()]
  const file = join(folder, 'config.yaml')
  writeFileSync(file, configuration(folder, port, api), { mode: 0o600 })
  const env = { ...process.env, OPENGSLB_KEPT_RUN: run, OPENGSLB_KEPT_FOLDER: folder }
  const watch = join(dirname(fileURLToPath(import.meta.url)), 'keep-code.cjs')
  const words = ['--require', watch, program, '--config', file]
  const child = spawn(process.execPath, words, { env, stdio: ['ignore', 'pipe', 'inherit'] })
  // No start may outlive this process, however that ends.
  process.once('exit', () => child.kill('SIGKILL'))
  let output = ''
  let hasEnded = false
  child.stdout.on('data', (octets) => {
    output += octets
  })
  const ended = new Promise((resolve) => child.once('exit', resolve)).then(() => {
    hasEnded = true
  })
  try {
    await until(() => hasEnded || output.includes('OpenGSLB running'))
    if (hasEnded) throw new Error(`a start to take code from ended: ${output}`)
    await ask(port, api)
    const named = (kind) => readdirSync(folder).filter((name) => name.startsWith(`${kind}-`))
    writeFileSync(join(folder, 'word'), '')
    await until(() => named('thread').length === named('born').length)
    return named('thread').map((name) => join(folder, name))
  } finally {
    child.kill('SIGKILL')
    await ended
  }
}

/** The largest of what threads have kept of each part. */
function largest(folders) {
  const found = new Map()
  for (const folder of folders)
    for (const name of readdirSync(folder)) {
      const path = join(folder, name)
      const known = found.get(name)
      if (known === undefined || statSync(path).size > statSync(known).size) found.set(name, path)
    }
  return found
}

// What another Node has made.
for (const file of readdirSync(run)) if (file.endsWith('.cache')) rmSync(join(run, file))
const isPart = (file) => file.endsWith('.cjs') && !/^(load|first-.*)\.cjs$/.test(file)
for (const file of readdirSync(run).filter(isPart)) {
  try {
    load(file.slice(0, -'.cjs'.length))
  } catch {
    // The first part of a thread finds no thread around it, that of a process no arguments; what
    // they are made of was loaded before.
  }
}
for (const [file, script] of scripts) writeFileSync(file, script.createCachedData())

const folder = mkdtempSync(join(tmpdir(), 'opengslb-code-'))
try {
  for (const [name, path] of largest(await startAndKeep(folder))) {
    const file = join(run, name)
    const size = existsSync(file) ? statSync(file).size : 0
    if (statSync(path).size > size) writeFileSync(file, readFileSync(path))
  }
} catch (error) {
  process.stderr.write(`${error.message}: a start will compile more\n`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
