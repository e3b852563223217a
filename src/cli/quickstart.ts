/**
 * What `npm start` runs: an overwatch on loopback with three sample backends, and what to try.
 *
 * A backend that is stopped is started again after a while, so that one command shows a server
 * leave and return.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const backends = ['127.0.0.11', '127.0.0.12', '127.0.0.13'] as const
const BACKEND_PORT = 18_080
const RETURN_AFTER_MS = 15_000

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const say = (text: string) => process.stdout.write(`${text}\n`)

const children = new Map<string, ChildProcess>()
let ending = false

function startBackend(address: string): Promise<void> {
  const child = fork(here('./sample-backend.js'), [address, String(BACKEND_PORT)])
  children.set(address, child)
  return new Promise((resolve, reject) => {
    child.once('message', () => resolve())
    child.once('exit', (code) => {
      if (ending) return
      if (code === 1) {
        const hint = 'is another quickstart running?'
        return reject(new Error(`sample backend ${address} did not start; ${hint}`))
      }
      say(`\nSample backend ${address} stopped; it starts again in ${RETURN_AFTER_MS / 1000} s.`)
      setTimeout(() => {
        if (ending) return
        startBackend(address).then(
          () => say(`\nSample backend ${address} is back, pid ${pidOf(address)}.`),
          (error: Error) => say(error.message),
        )
      }, RETURN_AFTER_MS)
    })
  })
}

const pidOf = (address: string) => children.get(address)?.pid

function startOverwatch(): ChildProcess {
  const folder = process.env['OPENGSLB_DATA_DIR'] ?? join(process.cwd(), '.opengslb')
  mkdirSync(folder, { recursive: true, mode: 0o750 })
  // A copy that others cannot read, as a configuration should be.
  const config = join(folder, 'quickstart.yaml')
  copyFileSync(here('../../config/quickstart.yaml'), config)
  chmodSync(config, 0o600)
  return spawn(process.execPath, [here('../opengslb.js'), '--config', config], {
    env: { ...process.env, OPENGSLB_DATA_DIR: folder },
    stdio: 'inherit',
  })
}

function explain(): void {
  const second = backends[1]
  say(`
OpenGSLB runs on loopback with three sample backends. Try, in another terminal:

  dig @127.0.0.1 -p 5354 app.demo.local +short          the three backends in turn
  dig @127.0.0.1 -p 5354 demo.local SOA                 the zone
  curl -s http://127.0.0.1:8080/api/v1/health/servers   what the prober sees
  curl -s http://127.0.0.1:9090/metrics | grep opengslb_
  curl -s -X POST http://127.0.0.1:8080/api/v1/routing/test -d '{"domain":"app.demo.local"}'
                                                        why an answer is what it is

  kill ${pidOf(second)}
      stops the backend ${second}: it leaves the answers within three seconds,
      starts again after ${RETURN_AFTER_MS / 1000} s and returns.

Stop everything with Ctrl-C.
`)
}

async function main(): Promise<void> {
  await Promise.all(backends.map(startBackend))
  const overwatch = startOverwatch()
  const end = (code: number) => {
    ending = true
    for (const child of children.values()) child.kill()
    process.exit(code)
  }
  overwatch.on('exit', (code) => end(code ?? 1))
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      // A terminal sends Ctrl-C to the backends too; they are not to be started again.
      ending = true
      overwatch.kill('SIGTERM')
    })
  process.on('SIGHUP', () => overwatch.kill('SIGHUP'))
  explain()
}

main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`)
  ending = true
  for (const child of children.values()) child.kill()
  process.exit(1)
})
