/**
 * Round-trip times from the kernel, by netlink: what `ss -ti` shows, and the end of each
 * connection.
 *
 * Neither needs a privilege on a common kernel from 4.2 on; one that lets nobody hear of ends
 * without CAP_NET_ADMIN leaves the table alone. Only the native addon reads either, so systems
 * without it learn nothing. Windows has another addon and fewer figures: ports-windows.ts.
 */
import { fail, ok, type Result } from '../../core/base/result.ts'
import { TcpRows } from '../../core/health/clients-rows.ts'
import { loadNative } from '../../native/index.ts'
import { dumpsOf, RowBuffer, TcpEnds } from '../../native/tcp-table.ts'
import { loadWindowsTable } from '../../native/windows.ts'
import type { TcpTimes } from './contract.ts'
import { timesOfWindows } from './ports-windows.ts'

const none = new TcpRows(new Uint8Array(0), 0)

export function openTcp(): Result<TcpTimes, string> {
  if (process.platform === 'win32') {
    const table = loadWindowsTable()
    return table.ok ? timesOfWindows(table.value) : table
  }
  const native = loadNative()
  if (!native.ok) return native
  const { dumpTcp } = native.value
  const code = dumpTcp(4, Uint32Array.of(1), new Uint8Array(0), true)
  if (code < 0) return fail(`the kernel does not show its TCP table (error ${-code})`)
  const buffer = new RowBuffer()
  const ends = new TcpEnds(native.value)
  const dumps = dumpsOf(native.value, true)
  return ok({
    endsHeard: ends.heard ? ok(true as const) : fail('this kernel asks for CAP_NET_ADMIN'),
    open: (ports) => (ports.length === 0 ? none : buffer.fill(dumps(ports))),
    ended: (ports) => ends.read(ports),
    close: () => ends.close(),
  })
}
