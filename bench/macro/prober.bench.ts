/**
 * 10,000 http or tcp targets, or 2,000 https targets, at 10 s stay under one core.
 *
 * The whole actor runs: schedule, sockets, thresholds, metrics. Servers and prober are processes
 * of their own; what is counted is the CPU time of the prober's process, every thread of it. The
 * peer is the plainest check that node:http offers, in the same process.
 */
import { type ChildProcess, execFileSync, fork } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { report, sized } from '../support/report.ts'
import type { Figures, Plan } from './prober-subject.ts'

const intervalMs = sized(10_000, 1_000)
const startMsMax = sized(60_000, 10_000)
const windowMs = sized(25_000, 2_000)

const kinds = [
  { type: 'http', targets: sized(10_000, 300) },
  { type: 'tcp', targets: sized(10_000, 300) },
  { type: 'https', targets: sized(2_000, 60) },
] as const

function makeCertificate(): { key: string; cert: string } {
  const folder = mkdtempSync(join(tmpdir(), 'prober-bench-'))
  const words =
    'req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=app.example.com -keyout key.pem ' +
    '-out cert.pem -addext subjectAltName=DNS:app.example.com'
  execFileSync('openssl', words.split(' '), { cwd: folder, stdio: 'pipe' })
  const read = (name: string) => readFileSync(join(folder, name), 'utf8')
  const made = { key: read('key.pem'), cert: read('cert.pem') }
  rmSync(folder, { recursive: true })
  return made
}

/** Past this share of the window without a core, lateness tells of the machine, not the prober. */
const STARVED = 0.2

function faultsOf({ type, targets }: Plan, seen: Figures, wanted: number): string[] {
  const faults: string[] = []
  if (seen.cores >= 1) faults.push(`${type} takes ${seen.cores.toFixed(2)} cores`)
  if (seen.lagP99Ms > 1_000) faults.push(`${type} lags ${seen.lagP99Ms.toFixed(0)} ms`)
  if (seen.up !== targets) faults.push(`${targets - seen.up} ${type} targets are not up`)
  if (seen.checksPerSecond < wanted * 0.95) faults.push(`${type} checks are missing`)
  if (faults.length === 0 || seen.waitedForCore < STARVED) return faults
  const share = (seen.waitedForCore * 100).toFixed(0)
  return [`${type} not measured, the machine is busy (no core ${share} % of the time)`, ...faults]
}

const child = (name: string) => fork(new URL(`./${name}.js`, import.meta.url), { execArgv: [] })

function ask<T>(process: ChildProcess, message: object): Promise<T> {
  return new Promise((resolve, reject) => {
    process.once('exit', (code) => reject(new Error(`a child ended with ${code}`)))
    process.once('message', (answer) => resolve(answer as T))
    process.send(message)
  })
}

const sink = child('prober-sink')
const subject = child('prober-subject')
const figures: Record<string, number> = {}
const faults: string[] = []
try {
  const certificate = makeCertificate()
  const ports = await ask<{ port: number; securePort: number }>(sink, certificate)
  for (const { type, targets } of kinds) {
    const port = type === 'https' ? ports.securePort : ports.port
    const plan: Plan = { type, targets, intervalMs, port, startMsMax, windowMs }
    const seen = await ask<Figures>(subject, { plan, authority: certificate.cert })
    const wanted = (targets / intervalMs) * 1_000
    faults.push(...faultsOf(plan, seen, wanted))
    const told: Record<string, number> = {
      targets,
      'checks a second': seen.checksPerSecond,
      cores: seen.cores,
      'CPU us a check': seen.cpuUsPerCheck,
      'share of time without a core': seen.waitedForCore,
      'share of time idle': seen.idle,
      'lag p99 ms': seen.lagP99Ms,
      'lag max ms': seen.lagMaxMs,
      'failed checks': seen.failures,
      'all first verdicts after ms': seen.allUpMs,
    }
    for (const [name, value] of Object.entries(told)) figures[`${type}: ${name}`] = value
  }
  const order = { peerPort: ports.port, checks: sized(10_000, 500) }
  const peer = await ask<number>(subject, order)
  figures['peer: CPU us a check (http.get, saturated)'] = peer
  figures['http check / peer'] = (figures['http: CPU us a check'] ?? 0) / peer
} finally {
  sink.disconnect()
  subject.disconnect()
}
const told = kinds.map(
  ({ type, targets }) => `${targets} ${type} ${(figures[`${type}: cores`] ?? 0).toFixed(2)}`,
)
report('prober', figures, {
  holds: faults.length === 0,
  sentence:
    faults.length === 0
      ? `at ${intervalMs / 1_000} s, cores used: ${told.join(', ')}`
      : faults.join('; '),
})
