/**
 * Round-trip times from Windows: extended statistics of each connection, for administrators.
 *
 * A connection has figures from the second reading that shows it. What ended is not told of, so
 * short requests teach nothing there.
 */
import { fail, ok, type Result } from '../../core/base/result.ts'
import { TCP_ROW_BYTES, TcpRows } from '../../core/health/clients-rows.ts'
import { RowBuffer } from '../../native/tcp-table.ts'
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
  const dump =
    (family: 4 | 6, ports: Uint32Array) =>
    (into: Uint8Array, first: number): number =>
      table.dumpTcp(family, ports, into.subarray(first * TCP_ROW_BYTES), true)
  return ok({
    endsHeard: fail('Windows tells nobody of connections that ended'),
    open: (ports) => (ports.length === 0 ? none : buffer.fill([dump(4, ports), dump(6, ports)])),
    ended: () => ({ rows: none, missed: false, more: false }),
    close: () => {},
  })
}
