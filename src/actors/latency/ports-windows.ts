/**
 * Round-trip times from Windows: extended statistics of each connection, for administrators.
 *
 * A connection has figures from the second reading that shows it. What ended is not told of, so
 * short requests teach nothing there.
 */
import { fail, ok, type Result } from '../../core/base/result.ts'
import { TcpRows } from '../../core/health/clients-rows.ts'
import { dumpsBy, RowBuffer } from '../../native/tcp-table.ts'
import { type WindowsTable, windowsFault } from '../../native/windows.ts'
import type { TcpTimes } from './contract.ts'

const none = new TcpRows(new Uint8Array(0), 0)

export function timesOfWindows(table: WindowsTable): Result<TcpTimes, string> {
  const nothing = new Uint8Array(0)
  const code = table.dumpTcp(4, Uint32Array.of(1), nothing, true)
  if (code < 0) return fail(windowsFault(code))
  // Windows refuses with the first connection; an agent that has none yet should say it now.
  if (!table.isAdministrator())
    return fail('Windows lets administrators alone read round-trip times; this process is none')
  const buffer = new RowBuffer()
  const dumps = dumpsBy(table, [4, 6], true)
  return ok({
    endsHeard: fail('Windows tells nobody of connections that ended'),
    open: (ports) => (ports.length === 0 ? none : buffer.fill(dumps(ports))),
    ended: () => ({ rows: none, missed: false, more: false }),
    close: () => {},
  })
}
