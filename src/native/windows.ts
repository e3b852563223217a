/**
 * The typed face of the addon for Windows, which reads the TCP table and nothing else.
 *
 * It comes compiled in the package (src/native/windows, x64 alone). Rows have the layout of those
 * that Linux gives; times are whole milliseconds there, and one below a millisecond is told as half
 * of one.
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { fail, ok, type Result } from '../core/base/result.ts'

/** ERROR_ACCESS_DENIED. */
const REFUSED = 5
/** ERROR_PROC_NOT_FOUND. */
const ABSENT = 127

export interface WindowsTable {
  /**
   * As `dumpTcp` of the addon for Linux, but a fault is a negative code of Windows. `withInfo`
   * begins the collection of statistics for each connection that is seen, and gives them from the
   * next call on.
   */
  dumpTcp(family: 4 | 6, ports: Uint32Array, into: Uint8Array, withInfo: boolean): number
  /** Whether Windows lets this process collect statistics of connections. */
  isAdministrator(): boolean
}

const place = './opengslb-windows-x64.node'

export function loadWindowsTable(): Result<WindowsTable, string> {
  if (process.arch !== 'x64') return fail(`there is no addon for Windows on ${process.arch}`)
  const path = fileURLToPath(new URL(place, import.meta.url))
  if (!existsSync(path)) return fail('the addon for Windows was not built')
  try {
    return ok(createRequire(import.meta.url)(path) as WindowsTable)
  } catch (error) {
    return fail((error as Error).message.split('\n')[0] ?? 'it does not load')
  }
}

/** What a negative result of `dumpTcp` means. */
export function windowsFault(code: number): string {
  if (code === -REFUSED) return 'Windows lets administrators alone read round-trip times'
  if (code === -ABSENT) return 'this Windows has no statistics of TCP connections'
  return `Windows does not show its TCP table (error ${-code})`
}
