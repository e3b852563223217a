/**
 * What `npm start` runs: an overwatch on loopback, three sample backends with an agent beside each,
 * and what to try.
 *
 * A backend that is stopped is started again after a while, so that one command shows a server
 * leave and return. Agents start once the overwatch is ready: they share its processors, and the
 * first answer is not to wait for them.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, copyFileSync, mkdirSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** The first three bytes of every address; another one runs a second quickstart beside this. */
const net = process.env['OPENGSLB_DEMO_NET'] ?? '127.0.0'
const host = `${net}.1`
const backends = [`${net}.11`, `${net}.12`, `${net}.13`] as const
const BACKEND_PORT = 18_080
const RETURN_AFTER_MS = 15_000
const READY_EVERY_MS = 200
const READY_TRIES = 150

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

const folder = process.env['OPENGSLB_DATA_DIR'] ?? join(process.cwd(), '.opengslb')
const agentFolder = (address: string) => join(folder, `agent-${address.split('.').at(-1)}`)
const drainFile = (address: string) => join(agentFolder(address), 'drain')

/** Drawn at every start, so that no secret stands in a file. */
const secrets = {
  GOSSIP_KEY: randomBytes(32).toString('base64'),
  SERVICE_TOKEN: randomBytes(24).toString('base64url'),
}

/** Of overwatches alone: agents must not know it. */
const overwatchSecrets = { PEERING_SECRET: randomBytes(24).toString('base64url') }

/** Runs the server with a copy of a configuration that others cannot read, as it should be. */
function startServer(config: string, into: string, env: Record<string, string>): ChildProcess {
  mkdirSync(into, { recursive: true, mode: 0o750 })
  const copy = join(into, config)
  copyFileSync(here(`../../config/${config}`), copy)
  chmodSync(copy, 0o600)
  return spawn(process.execPath, [here('../opengslb.js'), '--config', copy], {
    env: { ...process.env, ...secrets, ...env },
    stdio: 'inherit',
  })
}

/** What was drained when the last quickstart ended serves again in this one. */
const startAgent = (address: string): ChildProcess => {
  rmSync(drainFile(address), { force: true })
  return startServer('quickstart-agent.yaml', agentFolder(address), {
    OPENGSLB_AGENT_DIR: agentFolder(address),
    OPENGSLB_AGENT_ADDRESS: address,
  })
}

async function startAgents(): Promise<void> {
  const isReady = async () =>
    (await fetch(`http://${host}:8080/api/v1/ready`).catch(() => undefined))?.ok === true
  for (let tries = 0; tries < READY_TRIES && !ending && !(await isReady()); tries += 1)
    await sleep(READY_EVERY_MS)
  if (ending) return
  for (const address of backends) children.set(`agent ${address}`, startAgent(address))
}

function explain(): void {
  const [, second, third] = backends
  const api = host === '127.0.0.1' ? '' : ` --api http://${host}:8080`
  const file = relative(process.cwd(), drainFile(third))
  say(`
OpenGSLB runs on loopback: three sample backends, an agent beside each.
The dashboard is at http://${host}:8080/ in a browser. In another terminal:

  dig @${host} -p 5354 app.demo.local +short          the three backends in turn
  dig @${host} -p 5354 demo.local SOA                 the zone
  curl -s http://${host}:8080/api/v1/health/servers   what the prober sees
  curl -s http://${host}:9090/metrics | grep opengslb_
  curl -s -X POST http://${host}:8080/api/v1/routing/test -d '{"domain":"app.demo.local"}'
                                                        why an answer is what it is

  kill ${pidOf(second)}
      stops the backend ${second}: it leaves the answers within three seconds,
      starts again after ${RETURN_AFTER_MS / 1000} s and returns.

  touch ${file}
      drains the backend ${third}: it leaves the answers at once and goes on serving
      who knows it. "npx opengslb-cli${api} drain list" shows the drain.
      Once the file is removed the backend returns.

Stop everything with Ctrl-C.
`)
}

async function main(): Promise<void> {
  await Promise.all(backends.map(startBackend))
  const overwatch = startServer('quickstart.yaml', folder, {
    OPENGSLB_DATA_DIR: folder,
    ...overwatchSecrets,
  })
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
  await startAgents()
}

main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`)
  ending = true
  for (const child of children.values()) child.kill()
  process.exit(1)
})
