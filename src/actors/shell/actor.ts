/**
 * The shell owns the HTTP sockets and nothing else: it hands each API request to the `api` actor
 * as a message, and serves the scrape of metrics.
 *
 * It lives on the main thread because the HTTP library must, and because sockets should outlive the
 * actor that answers on them: while `api` is being restarted clients get a 503, not a refused
 * connection. Addresses need a restart of the process; the networks of `metrics` do not.
 */
import { limits } from '../../core/base/limits.ts'
import { AccessList } from '../../core/net/access.ts'
import { defineActor } from '../define.ts'
import type { HttpAnswer, HttpFront, HttpRequest, ShellConfig, ShellPorts } from './contract.ts'
import type { TlsFiles } from './contract.ts'
import { showReloads } from './metrics.ts'
import { Dashboard, viewersOf } from './dashboard.ts'

const TLS_KEYS = { certFile: 'api.tls.cert_file', keyFile: 'api.tls.key_file' } as const

export const shell = defineActor('shell', async (ctx, ports: ShellPorts, config: ShellConfig) => {
  const fronts: HttpFront[] = []
  const dashboard = new Dashboard(ports.dashboardFiles ?? [])
  let scrapers = scrapersOf(config)
  let viewers = viewersOf(config)
  let quietUntilMs = 0
  const reloads = showReloads(ctx.metrics, config.reloads)

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
    if (request.path !== '/metrics' && request.path !== '/health')
      return plain(404, 'not found: this listener has /metrics and /health')
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return { ...plain(405, 'method not allowed'), headers: { allow: 'GET, HEAD' } }
    if (request.path === '/health') return plain(200, 'OK')
    const { text, contentType } = await ports.metricsText()
    return { status: 200, headers: { 'content-type': contentType }, body: text }
  }

  async function open(
    key: 'api.address' | 'metrics.address',
    address: string,
    onRequest: (request: HttpRequest) => Promise<HttpAnswer>,
    tls?: TlsFiles,
  ): Promise<void> {
    const onFault = (error: unknown) => ctx.log.error('http listener failed', { key, error })
    const front = await ports.listen({
      address,
      onRequest,
      onFault,
      ...(tls === undefined ? {} : { tls }),
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

  const warn = (error: unknown) => ctx.log.warn('metrics are not served', { error })

  async function closeAll(): Promise<void> {
    for (const front of fronts.splice(0)) await front.close()
  }

  if (ports.fallbackReason !== undefined && (config.api.enabled || config.metrics.enabled))
    ctx.log.info('serving http with node:http', { reason: ports.fallbackReason })
  if (config.api.enabled) await open('api.address', config.api.address, handleApi, config.api.tls)
  if (config.metrics.enabled) {
    const opened = open('metrics.address', config.metrics.address, handleMetrics)
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

  return {
    receive: {},
    onReconfigured: (next) => {
      scrapers = scrapersOf(next)
      viewers = viewersOf(next)
      reloads(next.reloads)
    },
    onPeerStarted: (peer) => {
      if (peer === 'vitals' && drains.signals > 0) sayDrains()
    },
    onStop: () => {
      deafen()
      return closeAll()
    },
  }
})

/** Undefined lets everybody scrape: no network is named. */
function scrapersOf(config: ShellConfig): AccessList | undefined {
  const { allowedNetworks } = config.metrics
  return allowedNetworks.length === 0 ? undefined : new AccessList(allowedNetworks)
}

const plain = (status: number, text: string): HttpAnswer => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body: text,
})

function unavailable(): HttpAnswer {
  const body = JSON.stringify({ error: 'the API is restarting or busy, try again', code: 503 })
  return { status: 503, headers: { 'content-type': 'application/json', 'retry-after': '1' }, body }
}
