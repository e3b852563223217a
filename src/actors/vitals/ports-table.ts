/**
 * The kernel's TCP table: by netlink where the native addon is there, else by the text of
 * /proc/net. Windows has an addon of its own, which tells nothing of sockets that ended. Other
 * systems have neither, and then clients are not counted.
 */
import { readFileSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { cpus, networkInterfaces } from 'node:os'
import { limits } from '../../core/base/limits.ts'
import { EndsProof } from '../../core/health/ends-proof.ts'
import type { Reading } from '../../core/health/clients-table.ts'
import { readProcTable } from '../../core/health/clients-proc.ts'
import { TcpRows } from '../../core/health/clients-rows.ts'
import { loadNative, type Native } from '../../native/index.ts'
import { dumpsBy, dumpsOf, MARK_PORT, RowBuffer, TcpEnds } from '../../native/tcp-table.ts'
import { loadWindowsTable, type WindowsTable } from '../../native/windows.ts'
import type { TcpTable, Whereabouts } from './contract.ts'

const none = new TcpRows(new Uint8Array(0), 0)

export function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((found) =>
    (found ?? []).map(({ address }) => address.split('%')[0] ?? ''),
  )
}

function netlinkTable(native: Native): TcpTable {
  const buffer = new RowBuffer()
  const ends = new TcpEnds(native)
  const dumps = dumpsOf(native, false)
  const proof = new EndsProof(cpus().length, performance.now())
  return {
    read: (ports) => {
      const wanted = Uint32Array.from(ports)
      const nowMs = performance.now()
      // The ends first: a socket that ends after the table was read is then in the next ones.
      const { rows: ended, missed } = ends.read(Uint32Array.of(...ports, MARK_PORT))
      hear(proof, ended)
      const rows = buffer.fill(dumps(wanted))
      if (rows === undefined) return undefined
      // Marks last: what came before this reading is in the table, or ended before the marks did.
      if (ends.heard) proof.markDue((cpu) => ends.mark(cpu), nowMs)
      const endsLateMs = ends.heard ? proof.lateMs(nowMs) : 0
      return { rows, ended, missed, endsHeard: ends.heard, endsLateMs, complete: true }
    },
    ownAddresses,
    close: () => ends.close(),
  }
}

/** Marks come back among the ends. Where the buffer was full there is more, and no proof yet. */
function hear(proof: EndsProof, ended: TcpRows): void {
  for (let row = 0; row < ended.count; row++)
    if (ended.localPort(row) === MARK_PORT) proof.heard(ended.cookie(row))
}

/** Needs no right of an administrator, as no statistics are asked for. */
export function windowsTable(addon: WindowsTable): TcpTable {
  const buffer = new RowBuffer()
  const dumps = dumpsBy(addon, [4, 6], false)
  return {
    read: (ports) => {
      const wanted = Uint32Array.from(ports)
      const rows = buffer.fill(dumps(wanted))
      if (rows === undefined) return undefined
      return { rows, ended: none, missed: false, endsHeard: false, complete: true }
    },
    ownAddresses,
    close: () => {},
  }
}

/** The text of a table, or undefined when it is longer than may be read. */
function procText(path: string): string | undefined {
  const text = readFileSync(path, 'latin1')
  return text.length > limits.clientsTableBytes.default ? undefined : text
}

const procPaths = ['/proc/net/tcp', '/proc/net/tcp6']

function procTable(): TcpTable {
  const buffer = new RowBuffer()
  return {
    read: (ports): Reading | undefined => {
      const wanted = new Set(ports)
      try {
        // Without IPv6 in the kernel there is no second file.
        const paths = procPaths.filter((path) => exists(path))
        const texts = paths.map(procText)
        if (texts.length === 0 || texts.includes(undefined)) return undefined
        const rows = buffer.fill(
          texts.map(
            (text) => (into: Uint8Array, first: number) =>
              readProcTable(text ?? '', wanted, into, first),
          ),
        )
        if (rows === undefined) return undefined
        return { rows, ended: none, missed: false, endsHeard: false, complete: true }
      } catch {
        return undefined
      }
    },
    ownAddresses,
    close: () => {},
  }
}

const exists = (path: string) => statSync(path, { throwIfNoEntry: false }) !== undefined

export function openTcpTable(): TcpTable {
  if (process.platform === 'win32') {
    const addon = loadWindowsTable()
    if (addon.ok) return windowsTable(addon.value)
  }
  const native = loadNative()
  if (native.ok && native.value.dumpTcp(4, Uint32Array.of(1), new Uint8Array(0), false) >= 0)
    return netlinkTable(native.value)
  return procTable()
}

/** How long one connection to a backend beside us may take. */
const CONNECT_MS = 1_000

/** Whether the other end of a connection we open is a socket of this machine's table. */
export function whereabouts(
  address: string,
  port: number,
  opened: (localPort: number) => void,
): Promise<Whereabouts> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port })
    const timer = setTimeout(() => end('unknown'), CONNECT_MS)
    const end = (where: Whereabouts) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(where)
    }
    socket.on('error', () => end('unknown'))
    socket.once('connect', () => {
      const { localPort } = socket
      if (localPort === undefined) return end('unknown')
      opened(localPort)
      end(hasTwin(port, localPort))
    })
  })
}

function hasTwin(port: number, remotePort: number): Whereabouts {
  const table = openTcpTable()
  const rows = table.read([port])?.rows
  table.close()
  if (rows === undefined) return 'unknown'
  for (let row = 0; row < rows.count; row++)
    if (rows.remotePort(row) === remotePort && rows.localPort(row) === port) return 'here'
  return 'elsewhere'
}
