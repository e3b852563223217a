/**
 * The shell owns the HTTP sockets and nothing else: it hands each API request to the `api` actor
 * as a message, writes events to those whom the API let in, and serves the scrape of metrics.
 *
 * It lives on the main thread because the HTTP library must, and because sockets should outlive the
 * actor that answers on them: while `api` is being restarted clients get a 503, not a refused
 * connection. Addresses need a restart of the process; the networks of `metrics` do not.
 */
import { limits } from '../../core/base/limits.ts'
import { AccessList } from '../../core/net/access.ts'
import type { Ctx } from '../../kernel/actor.ts'
import type { ProductCatalogue } from '../../messages/catalogue.ts'
import { defineActor } from '../define.ts'
import type { Cancel } from '../../kernel/clock.ts'
import type {
  HttpAnswer,
  HttpFront,
  HttpRequest,
  ListenOptions,
  ReloadCounts,
  ShellConfig,
  ShellPorts,
} from './contract.ts'
import { openFeed } from './feed/door.ts'
import { showReloads } from './metrics.ts'
import { Dashboard, viewersOf } from './dashboard.ts'

const TLS_KEYS = {
  certFile: 'api.tls.cert_file',
  keyFile: 'api.tls.key_file',
  clientCaFile: 'api.tls.client_ca_file',
} as const

export const shell = defineActor('shell', async (ctx, ports: ShellPorts, config: ShellConfig) => {
  const fronts: HttpFront[] = []
  const dashboard = new Dashboard(ports.dashboardFiles ?? [])
  let scrapers = scrapersOf(config)
  let viewers = viewersOf(config)
  let quietUntilMs = 0
  const reloads = showReloads(ctx.metrics, config.reloads)
  const noteReloads = reloadNotes(ctx, config.reloads)
  const feed = openFeed(ctx, () => ({ code: 'refused', answer: unavailable() }))

  async function handleApi(request: HttpRequest): Promise<HttpAnswer> {
    if (viewers?.allows(request.remoteAddress) === true) {
      const page = dashboard.answer(request)
      if (page !== undefined) return page
    }
    const reply = await ctx.ask('shell.handle-request', request, limits.httpAnswerMs.default)
    if (reply.ok) return reply.value
    // Anybody can ask, so what is logged must not grow with how often they do.
    const nowMs = ctx.clock.monotonicMs()
    if (nowMs >= quietUntilMs) {
      quietUntilMs = nowMs + limits.apiFaultLogMs.default
      ctx.log.warn('api request not answered', { path: request.path, reason: reply.error.code })
    }
    return unavailable()
  }

  async function handleMetrics(request: HttpRequest): Promise<HttpAnswer> {
    if (scrapers !== undefined && !scrapers.allows(request.remoteAddress))
      return plain(403, 'Forbidden')
    const page = PAGES[request.path]
    if (page === undefined)
      return plain(404, 'not found: this listener has /metrics, /health, /live and /ready')
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return { ...plain(405, 'method not allowed'), headers: { allow: 'GET, HEAD' } }
    if (page === 'health') return plain(200, 'OK')
    // Main answers this by itself: it says that the process runs, whoever else does.
    if (page === 'live') return jsonAnswer(200, { alive: true })
    if (page === 'ready') return await handleApi(readyRequest(request))
    const { text, contentType } = await ports.metricsText()
    return { status: 200, headers: { 'content-type': contentType }, body: text }
  }

  async function open(
    key: 'api.address' | 'metrics.address',
    address: string,
    onRequest: (request: HttpRequest) => Promise<HttpAnswer>,
    more: Pick<ListenOptions, 'tls' | 'feed' | 'oldClients'> = {},
  ): Promise<void> {
    const onFault = (error: unknown) => ctx.log.error('http listener failed', { key, error })
    const front = await ports.listen({
      address,
      onRequest,
      onFault,
      ...more,
    })
    if (!front.ok) {
      await closeAll()
      const { file, message } = front.error
      throw new Error(`${file === undefined ? key : TLS_KEYS[file]}: ${message}`)
    }
    fronts.push(front.value)
    const { port, kind: by, certificateEnds: ends } = front.value
    const certificate = ends === undefined ? {} : { tls: true, certificate_ends: ends }
    ctx.log.info('http listening', { key, address, port, by, ...certificate })
  }

  /** A certificate is renewed under the same names, so its files are read at every reload. */
  function renewTls(): void {
    for (const front of fronts) {
      const renewed = front.renewTls?.()
      if (renewed === undefined) continue
      if (!renewed.ok) {
        const { file = 'certFile', message } = renewed.error
        ctx.log.error('certificate not renewed, the one before stays', {
          key: TLS_KEYS[file],
          reason: message,
        })
      } else if (renewed.value.changed)
        ctx.log.info('certificate renewed', { certificate_ends: renewed.value.certificateEnds })
    }
  }

  const warn = (error: unknown) => ctx.log.warn('metrics are not served', { error })

  async function closeAll(): Promise<void> {
    for (const front of fronts.splice(0)) await front.close()
  }

  if (ports.fallbackReason !== undefined && (config.api.enabled || config.metrics.enabled))
    ctx.log.info('serving http with node:http', { reason: ports.fallbackReason })
  if (config.api.enabled) {
    const { address, tls } = config.api
    const more = { feed: feed.door, ...(tls === undefined ? {} : { tls }) }
    await open('api.address', address, handleApi, more)
  }
  if (config.metrics.enabled) {
    const { address } = config.metrics
    const opened = open('metrics.address', address, handleMetrics, { oldClients: true })
    await (config.metrics.optional === true ? opened.catch(warn) : opened)
  }
  const drains = { signals: 0, atMs: 0 }
  const sayDrains = () => ctx.publish('shell.drain-signalled', { ...drains, stopping: false })
  const deafen =
    config.drainSignals === true
      ? ports.onDrainSignal(() => {
          drains.signals++
          drains.atMs = ctx.clock.nowMs()
          sayDrains()
        })
      : () => {}

  const { quiet, retell } = tellCounts(ctx, ports)

  return {
    receive: {
      'api.events-told': ({ events }) => feed.hub.told(events),
      'api.listeners-changed': () => feed.hub.cutAll('who may listen has changed'),
      'registry.log-level-set': ({ level }) => {
        ports.setLogLevel(level)
        ctx.log.info('log level set by the API', { level })
      },
    },
    onReconfigured: (next) => {
      scrapers = scrapersOf(next)
      viewers = viewersOf(next)
      reloads(next.reloads)
      renewTls()
      noteReloads(next.reloads)
    },
    onPeerStarted: (peer) => {
      if (peer === 'api') {
        retell()
        const topics = feed.hub.heard
        if (topics.length > 0) ctx.publish('shell.topics-heard', { topics })
      }
      if (peer === 'vitals' && drains.signals > 0) sayDrains()
    },
    onStop: () => {
      deafen()
      feed.hub.close()
      quiet()
      return closeAll()
    },
  }
})

/** Records each reload of the configuration as an event. */
function reloadNotes(ctx: Ctx<ProductCatalogue, 'shell'>, first: ReloadCounts) {
  let noted = first
  return (next: ReloadCounts): void => {
    const isGood = next.succeeded > noted.succeeded
    if (!isGood && next.failed === noted.failed) return
    noted = next
    ctx.publish('shell.event-noted', {
      ...{ topic: 'config', service: '', region: '', atMs: ctx.clock.nowMs() },
      event: isGood ? 'reloaded' : 'reload-failed',
      data: isGood ? { reloads: next.succeeded } : { failures: next.failed },
    })
  }
}

interface CountsTold {
  readonly quiet: Cancel
  /** Begins the rows anew: a reader started that holds none. */
  readonly retell: () => void
}

/** Publishes what DNS has counted, each second. */
function tellCounts(ctx: Ctx<ProductCatalogue, 'shell'>, ports: ShellPorts): CountsTold {
  const stepMs = limits.countsTellMs.default
  let retellAtMs = 0
  const quiet = ctx.clock.every(stepMs, stepMs, () => {
    const nowMs = ctx.clock.monotonicMs()
    const all = nowMs >= retellAtMs
    if (all) retellAtMs = nowMs + limits.countsRetellMs.default
    const counts = ports.counts(all)
    if (counts !== undefined)
      ctx.publish('shell.counters-read', { atMs: ctx.clock.nowMs(), ...counts })
  })
  const retell = () => {
    retellAtMs = 0
  }
  return { quiet, retell }
}

/** What the listener of the metrics has. */
const PAGES: Readonly<Record<string, 'metrics' | 'health' | 'live' | 'ready'>> = {
  '/metrics': 'metrics',
  '/health': 'health',
  '/live': 'live',
  '/api/v1/live': 'live',
  '/ready': 'ready',
  '/api/v1/ready': 'ready',
}

/** As if asked of the API on this host: whoever may reach this listener may know. */
const readyRequest = ({ method }: HttpRequest): HttpRequest => ({
  method,
  path: '/api/v1/ready',
  query: '',
  headers: { host: 'localhost' },
  body: new Uint8Array(0),
  remoteAddress: '127.0.0.1',
})

/** Undefined lets everybody scrape: no network is named. */
function scrapersOf(config: ShellConfig): AccessList | undefined {
  const { allowedNetworks } = config.metrics
  return allowedNetworks.length === 0 ? undefined : new AccessList(allowedNetworks)
}

const jsonAnswer = (status: number, value: unknown): HttpAnswer => ({
  status,
  headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  body: JSON.stringify(value),
})

const plain = (status: number, text: string): HttpAnswer => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body: text,
})

function unavailable(): HttpAnswer {
  const body = JSON.stringify({ error: 'the API is restarting or busy, try again', code: 503 })
  return { status: 503, headers: { 'content-type': 'application/json', 'retry-after': '1' }, body }
}
