/**
 * Reads the text of /proc/net/tcp and /proc/net/tcp6 (proc(5)) into rows.
 *
 * What the kernel prints there lacks the round-trip times and the cookie; the rest is as in the
 * netlink dump. Lines that are not of the known form are passed over.
 */
import {
  INODE_AT,
  LOCAL_AT,
  LOCAL_PORT_AT,
  littleEndian,
  REMOTE_AT,
  REMOTE_PORT_AT,
  TCP_ROW_BYTES,
  UID_AT,
} from './clients-rows.ts'

/** `sl: local:port remote:port state queues timers retransmits uid timeout inode`, most in hex. */
const LINE = new RegExp(
  [
    /^ *\d+: ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})/,
    / ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})/,
    / ([0-9A-F]{2}) \S+ \S+ \S+ +(\d+) +\d+ +(\d+)/,
  ]
    .map(({ source }) => source)
    .join(''),
)

/** The kernel prints each 32-bit word of an address as a number in the order of the machine. */
function putAddress(row: DataView, at: number, hex: string, mapped: boolean): void {
  const words = hex.length / 8
  const from = mapped ? words - 1 : 0
  for (let word = from; word < words; word++)
    row.setUint32(
      at + 4 * (word - from),
      Number.parseInt(hex.slice(8 * word, 8 * word + 8), 16),
      littleEndian,
    )
}

/** The first three words of an IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2). */
const MAPPED = littleEndian ? `${'0'.repeat(16)}FFFF0000` : `${'0'.repeat(16)}0000FFFF`

function putLine(into: Uint8Array, at: number, found: RegExpExecArray): void {
  const [, local, localPort, remote, remotePort, state, uid, inode] = found as unknown as string[]
  const row = new DataView(into.buffer, into.byteOffset + at, TCP_ROW_BYTES)
  into.fill(0, at, at + TCP_ROW_BYTES)
  const mapped = local!.startsWith(MAPPED) && local!.length === 32
  row.setUint8(0, local!.length === 8 || mapped ? 4 : 6)
  row.setUint8(1, Number.parseInt(state!, 16))
  row.setUint16(LOCAL_PORT_AT, Number.parseInt(localPort!, 16), littleEndian)
  row.setUint16(REMOTE_PORT_AT, Number.parseInt(remotePort!, 16), littleEndian)
  putAddress(row, LOCAL_AT, local!, mapped)
  putAddress(row, REMOTE_AT, remote!, mapped)
  row.setUint32(INODE_AT, Number(inode) >>> 0, littleEndian)
  row.setUint32(UID_AT, Number(uid) >>> 0, littleEndian)
}

/**
 * Writes the sockets whose local port is one of `ports` into `into` from row `first` on, as many as
 * fit; gives how many there are.
 */
export function readProcTable(
  text: string,
  ports: ReadonlySet<number>,
  into: Uint8Array,
  first: number,
): number {
  let count = 0
  for (let from = 0; from < text.length; ) {
    const end = text.indexOf('\n', from)
    const line = text.slice(from, end < 0 ? text.length : end)
    from = end < 0 ? text.length : end + 1
    const found = LINE.exec(line)
    if (found === null || !ports.has(Number.parseInt(found[2]!, 16))) continue
    const at = (first + count) * TCP_ROW_BYTES
    count++
    if (at + TCP_ROW_BYTES <= into.length) putLine(into, at, found)
  }
  return count
}
