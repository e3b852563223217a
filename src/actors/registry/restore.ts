/**
 * What a start finds on disk.
 *
 * Normally the rows of the state store. Where some of them were lost, the events of the log are
 * folded on top: the latest wins in each register, so what the rows already hold stays as it is.
 */
import { limits } from '../../core/base/limits.ts'
import type { HealthEvent } from '../../core/health/events.ts'
import { foldServer, type ServerHealth, UNKNOWN_HEALTH } from '../../core/health/fold.ts'
import { judge } from '../../core/health/precedence.ts'
import type { ServerRow } from '../../core/health/rows.ts'
import type { Log } from '../../kernel/log.ts'
import type { RegistryPorts, StoredRows } from './contract.ts'

function rowOf(health: ServerHealth, nowMs: number): ServerRow {
  const judged = judge({ override: health.override, verdict: health.verdict, restored: true })
  const sinceMs = Math.min(nowMs, health.override?.atMs ?? health.verdictAtMs)
  return {
    health,
    status: judged.status,
    sinceMs,
    recoveredAtMs: 0,
    lastHealthy: judged.serving,
  }
}

/** The rows with the events folded on top. */
export function mend(
  rows: ReadonlyMap<string, ServerRow>,
  events: readonly HealthEvent[],
  nowMs: number,
): Map<string, ServerRow> {
  const mended = new Map(rows)
  for (const event of events) {
    if (event.kind === 'guard-held' || event.kind === 'guard-released') continue
    const known = mended.get(event.key)?.health ?? UNKNOWN_HEALTH
    const health = foldServer(known, event)
    if (health !== known) mended.set(event.key, rowOf(health, nowMs))
  }
  return mended
}

export async function restore(ports: RegistryPorts, log: Log, nowMs: number): Promise<StoredRows> {
  const stored = await ports.store.load(nowMs)
  if (stored.dropped > 0) log.warn('stored state had unreadable rows', { rows: stored.dropped })
  if (!stored.damaged) return stored
  const { events } = await ports.log.read(limits.eventMendBytes.default)
  const rows = mend(stored.rows, events, nowMs)
  log.warn('stored state was damaged; the event log was folded on top', { backends: rows.size })
  for (const [key, row] of rows) if (row !== stored.rows.get(key)) ports.store.put(key, row)
  return { ...stored, rows }
}
