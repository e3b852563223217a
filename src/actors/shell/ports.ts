/**
 * The real world of the shell: sockets, and the metrics of the whole process.
 *
 * The shell runs on the main thread, so its sockets outlive a restart of its behaviour; a restarted
 * shell first closes what its predecessor left open.
 */
import { ok } from '../../core/base/result.ts'
import type { Counts, HttpFront, Listen, ListenOptions, ShellPorts } from './contract.ts'
import { listenNode } from './ports-node.ts'
import { listenUws } from './ports-uws.ts'
import { loadUws } from './ports-uws-load.ts'
import { readDashboard } from './ports-dashboard.ts'

export type MetricsSource = () => Promise<string>

const TEXT_FORMAT = 'text/plain; version=0.0.4; charset=utf-8'
let metricsSource: MetricsSource = async () => ''
let logLevelSink: ShellPorts['setLogLevel'] = () => {}
let logLevel: Parameters<ShellPorts['setLogLevel']>[0] | undefined
const left = new Set<HttpFront>()

/** Says where the text of a scrape comes from; the composition root knows all actors. */
export function setMetricsSource(source: MetricsSource): void {
  metricsSource = source
}

/**
 * Says what sets the level of every log; the composition root knows all actors. What was wanted
 * while they were being started is set at once.
 */
export function setLogLevelSink(sink: ShellPorts['setLogLevel']): void {
  logLevelSink = sink
  if (logLevel !== undefined) sink(logLevel)
}

export type CountsSource = (all: boolean) => Counts

let countsSource: CountsSource | undefined

/** Says where the counts of DNS come from; absent where this process answers none. */
export function setCountsSource(source: CountsSource | undefined): void {
  countsSource = source
}

export async function openPorts(): Promise<ShellPorts> {
  for (const front of left) await front.close()
  left.clear()
  const uws = loadUws()
  // uWebSockets.js answers HTTP/1.0 with 505 by itself, and keeps the certificate it began with.
  const isOurs = ({ tls, oldClients }: ListenOptions) => tls === undefined && oldClients !== true
  const open: Listen = (options) =>
    uws.ok && isOurs(options) ? listenUws(uws.value, options) : listenNode(options)
  return {
    listen: async (options) => {
      const front = await open(options)
      if (!front.ok) return front
      left.add(front.value)
      return ok({
        ...front.value,
        close: async () => {
          left.delete(front.value)
          await front.value.close()
        },
      })
    },
    onDrainSignal: (run) => {
      // With a listener of our own Node.js does not open its debugger at this signal.
      process.on('SIGUSR1', run)
      return () => process.off('SIGUSR1', run)
    },
    dashboardFiles: readDashboard(),
    fallbackReason: uws.ok ? undefined : uws.error,
    setLogLevel: (level) => {
      logLevel = level
      logLevelSink(level)
    },
    metricsText: async () => ({ text: await metricsSource(), contentType: TEXT_FORMAT }),
    counts: (all) => countsSource?.(all),
  }
}
