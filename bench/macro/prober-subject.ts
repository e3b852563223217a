/**
 * The prober under the bench: the real actor, ports, clock and metrics in a process of its own,
 * whose CPU time is therefore the prober's.
 *
 * Gets one `Plan` after another from its parent and answers each with `Figures`.
 */
import { readFileSync } from 'node:fs'
import { get } from 'node:http'
import { prober } from '../../src/actors/prober/actor.ts'
import { proberDefaults } from '../../src/actors/prober/contract.ts'
import { openPorts } from '../../src/actors/prober/ports.ts'
import { seededRandom } from '../../src/core/base/random.ts'
import type { CheckSpec, MemberSpec } from '../../src/core/steer/topology.ts'
import type { Ctx } from '../../src/kernel/actor.ts'
import { realClock } from '../../src/kernel/clock-real.ts'
import { prometheusMetrics } from '../../src/kernel/metrics-prometheus.ts'
import type { Metrics } from '../../src/kernel/metrics.ts'
import type { ProductCatalogue } from '../../src/messages/catalogue.ts'
import type { MessageOf } from '../../src/messages/entry.ts'

export interface Plan {
  readonly type: CheckSpec['type']
  readonly targets: number
  readonly intervalMs: number
  readonly port: number
  /** The most the first verdicts may take before the window opens. */
  readonly startMsMax: number
  readonly windowMs: number
}

export interface Figures {
  /** CPU seconds a second of the whole process. */
  readonly cores: number
  readonly cpuUsPerCheck: number
  /** Share of the window in which the event loop could run but had no core. */
  readonly waitedForCore: number
  /** Share of the window in which the event loop had nothing to do. */
  readonly idle: number
  readonly checksPerSecond: number
  readonly failures: number
  readonly lagP99Ms: number
  readonly lagMaxMs: number
  readonly up: number
  readonly allUpMs: number
}

const addressOf = (index: number) => `127.40.${index >> 8}.${index & 255}`

const memberOf = (plan: Plan, index: number): MemberSpec => ({
  key: `app:${addressOf(index)}:${plan.port}`,
  service: 'app',
  address: addressOf(index),
  family: 4,
  port: plan.port,
  region: `region-${index % 8}`,
  weight: 1,
  source: 'static',
  check: {
    type: plan.type,
    intervalMs: plan.intervalMs,
    timeoutMs: 5_000,
    path: '/health',
    host: 'app.example.com',
    serverName: '',
    expectedStatus: [[200, 299]],
    bodyMatch: '',
    verifyCertificate: plan.type === 'https',
    certificateWarnDays: 0,
    failureThreshold: 3,
    successThreshold: 2,
  },
})

interface Observed {
  lagsMs: number[]
  checks: number
  failures: number
}

/** The product's metrics, with a look at what goes through them. */
function watched(seen: Observed): Metrics {
  const metrics = prometheusMetrics()
  return {
    ...metrics,
    histogram: (spec) => {
      const inner = metrics.histogram(spec)
      if (spec.name !== 'opengslb_health_check_lag_seconds') return inner
      return {
        ...inner,
        observe: (value) => {
          seen.lagsMs.push(value * 1_000)
          inner.observe(value)
        },
      }
    },
    counter: (spec) => {
      const inner = metrics.counter(spec)
      return {
        add: (amount, labels) => {
          seen.checks++
          if (labels?.['result'] !== 'success') seen.failures++
          inner.add(amount, labels)
        },
      }
    },
  }
}

/** Nanoseconds the main thread has waited for a core; the second field of Linux's schedstat. */
const waitedNs = () => Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[1])

const wait = (delayMs: number) => new Promise((done) => setTimeout(done, delayMs))

async function measure(plan: Plan, authority: string): Promise<Figures> {
  const seen: Observed = { lagsMs: [], checks: 0, failures: 0 }
  const up = new Set<string>()
  let allUpMs = 0
  const startedMs = performance.now()
  const quiet = () => {}
  const ctx: Ctx<ProductCatalogue, 'prober'> = {
    name: 'prober',
    incarnation: 1,
    clock: realClock(),
    random: seededRandom(1),
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    lend: () => () => {},
    metrics: watched(seen),
    publish: (_, message) => {
      // The catalogue has one fact from the prober; in a generic method the compiler cannot tell.
      const fact = message as MessageOf<ProductCatalogue, 'prober.verdict-changed'>
      if (fact.verdict === 'up') up.add(fact.target)
      else up.delete(fact.target)
      if (up.size === plan.targets && allUpMs === 0) allUpMs = performance.now() - startedMs
    },
    fill: () => 0,
    ask: async () => ({ ok: false, error: { code: 'timed-out' } }),
  }
  const ports = openPorts({ trustedAuthorities: [authority] })
  const behaviour = await prober.start(ctx, ports, proberDefaults)
  const targets = Array.from({ length: plan.targets }, (_, index) => ({
    member: memberOf(plan, index),
    lastVerdict: 'unknown' as const,
  }))
  behaviour.receive['registry.targets-set']({ targets })
  while (allUpMs === 0 && performance.now() - startedMs < plan.startMsMax) await wait(50)
  // After the first verdicts it takes one interval more until the checks are spread evenly.
  await wait(plan.intervalMs * 1.2)
  Object.assign(seen, { lagsMs: [], checks: 0, failures: 0 })
  const [cpu, fromMs] = [process.cpuUsage(), performance.now()]
  const [fromNs, loop] = [waitedNs(), performance.eventLoopUtilization()]
  await wait(plan.windowMs)
  const used = process.cpuUsage(cpu)
  const tookMs = performance.now() - fromMs
  const waitedForCore = (waitedNs() - fromNs) / 1e6 / tookMs
  const idle = 1 - performance.eventLoopUtilization(loop).utilization
  const { checks, failures } = seen
  const lags = seen.lagsMs.sort((one, other) => one - other)
  await behaviour.onStop?.()
  const usedUs = used.user + used.system
  return {
    cores: usedUs / 1_000 / tookMs,
    cpuUsPerCheck: usedUs / Math.max(1, checks),
    waitedForCore,
    idle,
    checksPerSecond: (checks / tookMs) * 1_000,
    failures,
    lagP99Ms: lags[Math.floor(lags.length * 0.99)] ?? 0,
    lagMaxMs: lags.at(-1) ?? 0,
    up: up.size,
    allUpMs,
  }
}

/** The peer: the plainest check Node.js offers, one connection each, CPU microseconds a check. */
async function measurePeer(port: number, checks: number): Promise<number> {
  let next = 0
  const one = () =>
    new Promise<void>((done) => {
      const host = addressOf(next++ & 0x3fff)
      const asked = get({ host, port, path: '/health', agent: false, timeout: 5_000 }, (reply) => {
        reply.resume().on('end', done)
      })
      asked.on('error', () => done())
    })
  const worker = async () => {
    while (next < checks) await one()
  }
  const cpu = process.cpuUsage()
  await Promise.all([worker(), worker(), worker(), worker()])
  const used = process.cpuUsage(cpu)
  return (used.user + used.system) / checks
}

type Order =
  | { readonly plan: Plan; readonly authority: string }
  | { readonly peerPort: number; readonly checks: number }

process.on('message', async (order: Order) => {
  const answer =
    'plan' in order
      ? await measure(order.plan, order.authority)
      : await measurePeer(order.peerPort, order.checks)
  process.send?.(answer)
})
process.once('disconnect', () => process.exit(0))
