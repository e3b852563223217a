/**
 * A whole system of actors in one process: where each runs, and the face it shows to `bootstrap`.
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { seededRandom } from '../core/base/random.ts'
import { presentIn } from '../messages/edges.ts'
import type { Catalogue } from '../messages/entry.ts'
import { realClock } from './clock-real.ts'
import { inlineOnceLoaded, loadedCount } from './births.ts'
import { startLocal } from './local.ts'
import { keepModules, loadModule } from './modules.ts'
import type { Log } from './log.ts'
import { type LogLevel, pinoLog } from './log-pino.ts'
import {
  mergeMetrics,
  mergeSeries,
  processMetrics,
  prometheusMetrics,
} from './metrics-prometheus.ts'
import type { Metrics } from './metrics.ts'
import { type ThreadPool, threadPool } from './pool.ts'
import { RetiredSeries } from './retired.ts'
import { roleOf } from './role.ts'
import type { Placement } from './placement.ts'
import { type ChildStatus, type LoanEvents, Supervisor } from './supervisor.ts'
import { startThread, type ThreadLogging } from './thread.ts'
import { modulesOf, ThreadsAhead } from './threads-ahead.ts'
import { type WatchTimes, watched } from './watch.ts'

export type { ChildState, ChildStatus, LoanEvents } from './supervisor.ts'
export { StartError } from './control.ts'

export interface ChildSpec {
  /** The name of the actor, or one of several of its role: see role.ts. */
  readonly name: string
  /** Its module exports the actor's definition under the actor's name. */
  readonly actorUrl: URL
  /** Its module exports `openPorts(config, { log })`; the ports may have a `close`. */
  readonly portsUrl: URL
  /** Plain data: it is copied to the thread. */
  readonly config: unknown
  /** A thread of its own, one of the pool, or the main thread. */
  readonly host: 'worker' | 'pool' | 'main'
  /** It is started again without a wait, and its repeated fall is told to `onEscalate`. */
  readonly escalate: boolean
}

export interface SystemOptions {
  readonly catalogue: Catalogue
  /** In the order of their start; they are stopped in reverse. */
  readonly children: readonly ChildSpec[]
  readonly log: Log
  /** How each thread makes its own log. */
  readonly logging?: ThreadLogging
  readonly seed?: number
  /** Other times than those of the limits. */
  readonly watch?: WatchTimes
  /** Makes what reads the memory that actors count in; its series join those of the main thread. */
  readonly readLoans?: (metrics: Metrics) => LoanEvents
}

export interface System {
  /** `timed-out` when an actor had to be killed. */
  stop(): Promise<'clean' | 'timed-out'>
  /** Stops every actor whose role is not named, until `resume`; `timed-out` as for a stop. */
  pause(kept: ReadonlySet<string>): Promise<'clean' | 'timed-out'>
  resume(): Promise<void>
  /** New configurations by actor name; a later restart uses them too. */
  reconfigure(configs: Readonly<Record<string, unknown>>): void
  /** Ends an actor's thread as a crash would. */
  kill(name: string): boolean
  /** For the logs of all actors, also of those that are started later. */
  setLogLevel(level: LogLevel): void
  states(): readonly ChildStatus[]
  /** The scrape: the series of every actor that answers within a second. */
  metricsText(): Promise<string>
  onEscalate(run: (name: string) => void): void
  onStateChanged(run: (status: ChildStatus) => void): void
}

/** Wherever a child runs, its channels are MessagePorts. */
function placementOf(
  options: SystemOptions,
  seed: number,
  loggingNow: () => ThreadLogging,
  gone: Set<Promise<void>>,
  pool: ThreadPool | undefined,
  ahead: ThreadsAhead,
): Placement<ChildSpec, MessagePort> {
  return {
    channel: () => {
      const { port1, port2 } = new MessageChannel()
      return [port1, port2]
    },
    spawn: (spec, incarnation, config, ends, events) => {
      const { catalogue } = options
      const logging = loggingNow()
      const { name, actorUrl, portsUrl } = spec
      const urls = { actorUrl: actorUrl.href, portsUrl: portsUrl.href }
      const boot = { catalogue, name, ...urls, config, incarnation, seed }
      if (spec.host === 'main') {
        return startLocal({ ...boot, log: pinoLog({ ...logging, name }) }, ends, events)
      }
      const data = { ...boot, logging, ends }
      const isPooled = spec.host === 'pool' && pool !== undefined
      const thread = isPooled
        ? pool.start(data, events)
        : startThread(ahead.take(spec), data, events)
      gone.add(thread.gone)
      void thread.gone.then(() => gone.delete(thread.gone))
      return thread
    },
  }
}

/** One pool for all children that run in it, and the threads of those that have their own. */
function threadsOf({ children, log }: SystemOptions): [ThreadsAhead, ThreadPool | undefined] {
  const loaded = loadedCount()
  const alone = children.filter(({ host }) => host === 'worker')
  // One that does not load is met again, and reported, when its actor starts.
  const here = children.filter(({ host }) => host === 'main').flatMap(modulesOf)
  for (const url of here) loadModule(url).catch(() => {})
  const ahead = new ThreadsAhead(alone, loaded)
  const pooled = children.filter(({ host }) => host === 'pool')
  if (pooled.length === 0) return [ahead, undefined]
  const warm = [...new Set(pooled.flatMap(modulesOf))]
  const ready = inlineOnceLoaded(loaded, alone.length + pooled.length)
  return [ahead, threadPool(pooled.length, warm, loaded, ready, log)]
}

/** What is counted of every actor from outside. */
const seriesOf = (metrics: Metrics) => ({
  restarts: metrics.counter({
    name: 'opengslb_actor_restarts_total',
    help: 'Restarts of an actor since the process started',
    labels: ['actor'],
  }),
  up: metrics.gauge({
    name: 'opengslb_actor_up',
    help: '1 while the actor runs, else 0',
    labels: ['actor'],
  }),
  still: metrics.counter({
    name: 'opengslb_actor_stood_still_total',
    help: 'Times that the thread of an actor did not answer and was ended',
    labels: ['actor'],
  }),
})

/** Rejects with a `StartError` that carries the code and message of the actor at fault. */
export async function startSystem(asked: SystemOptions): Promise<System> {
  const roles = new Set(asked.children.map(({ name }) => roleOf(name)))
  const options = { ...asked, catalogue: presentIn(asked.catalogue, roles) }
  const { catalogue, children, log } = options
  const seed = options.seed ?? Math.floor(Math.random() * 0x1_0000_0000)
  const gone = new Set<Promise<void>>()
  let logging: ThreadLogging = options.logging ?? { level: 'info', format: 'text' }
  keepModules()
  const [ahead, pool] = threadsOf(options)
  const retired = new RetiredSeries(mergeSeries)
  const pooled = new Set(children.filter(({ host }) => host === 'pool').map(({ name }) => name))
  const metrics = prometheusMetrics()
  const { restarts, up, still } = seriesOf(metrics)
  const clock = realClock()
  const { watch } = options
  const supervisor = new Supervisor({
    catalogue,
    children,
    placement: watched(
      placementOf(options, seed, () => logging, gone, pool, ahead),
      {
        ...{ clock, log },
        ...(watch === undefined ? {} : { times: watch }),
        isWatched: ({ host }) => host !== 'main',
        silent: (actor) => still.add(1, { actor }),
      },
    ),
    clock,
    random: seededRandom(seed),
    log,
  })
  const { readLoans } = options
  if (readLoans !== undefined) supervisor.onLoan(readLoans(metrics))
  const sinceMs = performance.now()
  supervisor.onStateChanged(({ name, state, incarnation }) => {
    const atMs = Math.round(performance.now() - sinceMs)
    if (incarnation === 1) log.debug(`actor ${state}`, { actor: name, atMs })
    up.set(state === 'running' ? 1 : 0, { actor: name })
    restarts.add(state === 'starting' && incarnation > 1 ? 1 : 0, { actor: name })
    if (pooled.has(name) && (state === 'backoff' || state === 'degraded')) retired.fell(name)
  })
  try {
    await supervisor.start()
  } catch (thrown) {
    await Promise.all([...gone, ahead.close()])
    await pool?.close()
    throw thrown
  }
  const ownProcess = processMetrics()
  return {
    stop: async () => {
      const outcome = await supervisor.stop()
      await Promise.all(gone)
      await pool?.close()
      return outcome
    },
    pause: (kept) => supervisor.pause(kept),
    resume: () => supervisor.resume(),
    reconfigure: (configs) => supervisor.reconfigure(configs),
    kill: (name) => supervisor.kill(name),
    setLogLevel: (level) => {
      logging = { ...logging, level }
      supervisor.broadcast({ kind: 'set-log-level', level })
    },
    states: () => supervisor.states(),
    metricsText: async () => {
      const collected = await supervisor.collect()
      for (const name of pooled) {
        if (collected.has(name)) retired.seen(name, collected.get(name))
      }
      return await mergeMetrics([
        ...collected.values(),
        await retired.series(),
        await metrics.json(),
        await ownProcess.json(),
      ])
    },
    onEscalate: (run) => supervisor.onEscalate(run),
    onStateChanged: (run) => supervisor.onStateChanged(run),
  }
}
