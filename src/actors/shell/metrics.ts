/**
 * The series of the configuration itself; the main thread loads it, and the shell lives there.
 */
import type { Metrics } from '../../kernel/metrics.ts'
import type { ReloadCounts } from './contract.ts'

/** Shows the counts and returns what shows later ones. */
export function showReloads(metrics: Metrics, first: ReloadCounts): (next: ReloadCounts) => void {
  const reloads = metrics.counter({
    name: 'opengslb_config_reloads_total',
    help: 'Reloads of the configuration by result',
    labels: ['result'],
  })
  const loaded = metrics.gauge({
    name: 'opengslb_config_load_timestamp_seconds',
    help: 'When the configuration in force was loaded',
  })
  const reloaded = metrics.gauge({
    name: 'opengslb_config_reload_timestamp_seconds',
    help: 'When the configuration was last reloaded successfully, 0 before the first time',
  })
  let shown = { succeeded: 0, failed: 0 }
  const show = (next: ReloadCounts) => {
    reloads.add(next.succeeded - shown.succeeded, { result: 'success' })
    reloads.add(next.failed - shown.failed, { result: 'failure' })
    loaded.set(next.loadedMs / 1000)
    reloaded.set(next.lastMs / 1000)
    shown = next
  }
  show(first)
  return show
}
