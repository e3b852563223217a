/**
 * An overwatch under the bench of the feed, in a process of its own: the real registry with its log
 * on disk, the real API and shell on their threads, and a source of events in place of the prober.
 *
 * `FEED_FOLDER` is its data directory; `OPENGSLB_HTTP=node` chooses the back end, as in the
 * program.
 */
import { agentsDefaults, type RegistryConfig } from '../../src/actors/registry/contract.ts'
import { contentOf } from '../../src/actors/registry/ports-content.ts'
import { moduleOf } from '../../src/actors/roster.ts'
import { pinoLog } from '../../src/kernel/log-pino.ts'
import { type ChildSpec, startSystem } from '../../src/kernel/system.ts'
import { catalogue } from '../../src/messages/catalogue.ts'

export type FeedOrder =
  | { readonly perSecond: number }
  | { readonly look: true }
  | { readonly stop: true }

export interface FeedLook {
  /** Of the whole process, after a collection on the main thread. */
  readonly rssBytes: number
  /** Of the main thread, after the same collection; what lies outside of its heap too. */
  readonly heapBytes: number
  readonly outsideBytes: number
  readonly cpuSeconds: number
  readonly mainCores: number
}

const port = Number(process.env['FEED_PORT'])
const logging = { level: 'error', format: 'text' } as const
const log = pinoLog({ ...logging, name: 'main' })
const startedAtMs = Date.now()

const registry: RegistryConfig = {
  ...contentOf({ pools: [], regions: [], zones: [] } as never, 0),
  hashSeed: 7,
  dataDir: process.env['FEED_FOLDER'] ?? '',
  guard: { enabled: true, maxWithdrawnShare: 0.5 },
  eventLog: { retentionMs: 86_400_000, maxBytes: 1e9 },
  agents: agentsDefaults,
}
const api = {
  ...{ version: 'bench', nodeId: 'bench', region: '', mode: 'overwatch', allowedNetworks: [] },
  ...{ trustProxyHeaders: false, tokens: [], authRequired: false, probeName: '' },
  ...{ dnsAddress: '127.0.0.1:9', startedAtMs },
}
const shell = {
  reloads: { succeeded: 0, failed: 0, lastMs: 0, loadedMs: startedAtMs },
  api: { address: `127.0.0.1:${port}`, enabled: true },
  metrics: { address: '127.0.0.1:0', enabled: false, allowedNetworks: [] },
}

const child = (name: string, config: unknown, traits: Partial<ChildSpec> = {}): ChildSpec => ({
  ...{ name, config, host: 'worker', escalate: false },
  ...{ actorUrl: moduleOf(name, 'actor'), portsUrl: moduleOf(name, 'ports') },
  ...traits,
})
const source = new URL('./feed-source.js', import.meta.url)

const system = await startSystem({
  ...{ catalogue, log, logging },
  children: [
    child('registry', registry),
    child('prober', { perSecond: 0 }, { actorUrl: source, portsUrl: source }),
    child('api', api),
    child('shell', shell, { host: 'main' }),
  ],
})

let idle = performance.eventLoopUtilization()

process.on('message', (order: FeedOrder) => {
  if ('perSecond' in order) system.reconfigure({ prober: { perSecond: order.perSecond } })
  else if ('look' in order) {
    globalThis.gc?.()
    const used = performance.eventLoopUtilization(idle)
    idle = performance.eventLoopUtilization()
    const { user, system: kernel } = process.cpuUsage()
    const { heapUsed, external, rss } = process.memoryUsage()
    const look: FeedLook = {
      rssBytes: rss,
      heapBytes: heapUsed,
      outsideBytes: external,
      cpuSeconds: (user + kernel) / 1e6,
      mainCores: used.utilization,
    }
    process.send?.({ look })
  } else void system.stop().then(() => process.exit(0))
})
process.send?.({ listening: port })
