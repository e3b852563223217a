/**
 * The real world of the shell: sockets, and the metrics of the whole process.
 *
 * The shell runs on the main thread, so its sockets outlive a restart of its behaviour; a restarted
 * shell first closes what its predecessor left open.
 */
import { ok } from '../../core/base/result.ts'
import type { HttpFront, Listen, ShellPorts } from './contract.ts'
import { listenNode } from './ports-node.ts'
import { listenUws } from './ports-uws.ts'
import { loadUws } from './ports-uws-load.ts'
import { readDashboard } from './ports-dashboard.ts'

export type MetricsSource = () => Promise<string>

const TEXT_FORMAT = 'text/plain; version=0.0.4; charset=utf-8'
let metricsSource: MetricsSource = async () => ''
const left = new Set<HttpFront>()

/** Says where the text of a scrape comes from; the composition root knows all actors. */
export function setMetricsSource(source: MetricsSource): void {
  metricsSource = source
}

export async function openPorts(): Promise<ShellPorts> {
  for (const front of left) await front.close()
  left.clear()
  const uws = loadUws()
  const open: Listen = uws.ok ? (options) => listenUws(uws.value, options) : listenNode
  return {
    listen: async (options) => {
      const front = await open(options)
      if (!front.ok) return front
      left.add(front.value)
      return ok({
        kind: front.value.kind,
        port: front.value.port,
        ...(front.value.certificateEnds === undefined
          ? {}
          : { certificateEnds: front.value.certificateEnds }),
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
    metricsText: async () => ({ text: await metricsSource(), contentType: TEXT_FORMAT }),
  }
}
