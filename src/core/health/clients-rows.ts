/**
 * The TCP table of a machine as rows of fixed size in one array.
 *
 * The native addon writes such rows from the kernel's netlink dump (src/native/tcp_diag.h has the
 * same offsets), and `readProcTable` writes them from the text of /proc/net/tcp. A table of many
 * thousand sockets is read ten times a second while a backend drains, so a row is decoded into an
 * object only where somebody looks at it.
 */
import { formatAddress } from '../net/address.ts'

export const TCP_ROW_BYTES = 96

export const LOCAL_PORT_AT = 2
export const REMOTE_PORT_AT = 4
const HAS_INFO_AT = 6
export const LOCAL_AT = 8
export const REMOTE_AT = 24
const RTT_AT = 40
const RTTVAR_AT = 44
const MIN_RTT_AT = 48
const DATA_SEGS_IN_AT = 52
const DATA_SEGS_OUT_AT = 56
const RETRANS_AT = 60
const BYTES_ACKED_AT = 64
const BYTES_RECEIVED_AT = 72
const COOKIE_AT = 80
export const INODE_AT = 88
export const UID_AT = 92

/** States of a TCP socket, with the numbers of the kernel (`ss` prints the same words). */
export const tcpStates = {
  established: 1,
  synSent: 2,
  synReceived: 3,
  finWait1: 4,
  finWait2: 5,
  timeWait: 6,
  closed: 7,
  closeWait: 8,
  lastAck: 9,
  listen: 10,
  closing: 11,
  newSynReceived: 12,
} as const

/** One socket. Round-trip times are in microseconds. */
export interface TcpRow {
  readonly family: 4 | 6
  readonly state: number
  /** Canonical text. */
  readonly localAddress: string
  readonly localPort: number
  readonly remoteAddress: string
  readonly remotePort: number
  /** The same for the whole life of a socket, and never used again; 0 where unknown. */
  readonly cookie: number
  /** 0 where no process holds the socket. */
  readonly inode: number
  readonly uid: number
  readonly info?: TcpInfo
}

/** What the kernel's TCP_INFO says of a connection. */
export interface TcpInfo {
  readonly rttUs: number
  readonly rttVarUs: number
  /** Absent before the first sample. */
  readonly minRttUs?: number
  readonly dataSegmentsIn: number
  readonly dataSegmentsOut: number
  readonly retransmits: number
  readonly bytesAcked: number
  readonly bytesReceived: number
}

/** Rows in an array, `count` of them; decoding allocates nothing but what is asked for. */
export class TcpRows {
  readonly bytes: Uint8Array
  readonly count: number
  readonly #view: DataView

  constructor(bytes: Uint8Array, count: number) {
    this.bytes = bytes
    this.count = Math.min(count, Math.floor(bytes.length / TCP_ROW_BYTES))
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  family(row: number): 4 | 6 {
    return this.bytes[row * TCP_ROW_BYTES] === 6 ? 6 : 4
  }

  state(row: number): number {
    return this.bytes[row * TCP_ROW_BYTES + 1]!
  }

  localPort(row: number): number {
    return this.#word16(row, LOCAL_PORT_AT)
  }

  remotePort(row: number): number {
    return this.#word16(row, REMOTE_PORT_AT)
  }

  localBytes(row: number): Uint8Array {
    return this.#address(row, LOCAL_AT)
  }

  remoteBytes(row: number): Uint8Array {
    return this.#address(row, REMOTE_AT)
  }

  cookie(row: number): number {
    return this.#word64(row, COOKIE_AT)
  }

  /** Whether the kernel gave TCP_INFO; without it the figures below are zero. */
  hasInfo(row: number): boolean {
    return this.#word16(row, HAS_INFO_AT) !== 0
  }

  /** Smoothed, microseconds; 0 before the first sample. */
  rttUs(row: number): number {
    return this.#word32(row, RTT_AT)
  }

  /** Least of the last five minutes, microseconds; 0 before the first sample. */
  minRttUs(row: number): number {
    const us = this.#word32(row, MIN_RTT_AT)
    return us === 0xffff_ffff ? 0 : us
  }

  dataSegmentsOut(row: number): number {
    return this.#word32(row, DATA_SEGS_OUT_AT)
  }

  bytesAcked(row: number): number {
    return this.#word64(row, BYTES_ACKED_AT)
  }

  /** Both ends of the connection, as a text that two rows of one connection share. */
  key(row: number): string {
    const at = row * TCP_ROW_BYTES
    const pair = (from: number) => (this.bytes[at + from]! << 8) | this.bytes[at + from + 1]!
    const width = this.family(row) === 6 ? 16 : 4
    const codes = [pair(LOCAL_PORT_AT), pair(REMOTE_PORT_AT)]
    for (let from = 0; from < width; from += 2)
      codes.push(pair(LOCAL_AT + from), pair(REMOTE_AT + from))
    return String.fromCharCode(...codes)
  }

  decode(row: number): TcpRow {
    const info = this.#word16(row, HAS_INFO_AT) === 0 ? undefined : this.#info(row)
    return {
      family: this.family(row),
      state: this.state(row),
      localAddress: formatAddress(this.localBytes(row)),
      localPort: this.localPort(row),
      remoteAddress: formatAddress(this.remoteBytes(row)),
      remotePort: this.remotePort(row),
      cookie: this.cookie(row),
      inode: this.#word32(row, INODE_AT),
      uid: this.#word32(row, UID_AT),
      ...(info === undefined ? {} : { info }),
    }
  }

  #info(row: number): TcpInfo {
    const minRttUs = this.#word32(row, MIN_RTT_AT)
    return {
      rttUs: this.#word32(row, RTT_AT),
      rttVarUs: this.#word32(row, RTTVAR_AT),
      // The kernel's own "none yet" is all ones.
      ...(minRttUs === 0 || minRttUs === 0xffff_ffff ? {} : { minRttUs }),
      dataSegmentsIn: this.#word32(row, DATA_SEGS_IN_AT),
      dataSegmentsOut: this.#word32(row, DATA_SEGS_OUT_AT),
      retransmits: this.#word32(row, RETRANS_AT),
      bytesAcked: this.#word64(row, BYTES_ACKED_AT),
      bytesReceived: this.#word64(row, BYTES_RECEIVED_AT),
    }
  }

  #address(row: number, at: number): Uint8Array {
    const from = row * TCP_ROW_BYTES + at
    return this.bytes.subarray(from, from + (this.family(row) === 6 ? 16 : 4))
  }

  #word16(row: number, at: number): number {
    return this.#view.getUint16(row * TCP_ROW_BYTES + at, littleEndian)
  }

  #word32(row: number, at: number): number {
    return this.#view.getUint32(row * TCP_ROW_BYTES + at, littleEndian)
  }

  /** Cookies and byte counts stay far below 2^53. */
  #word64(row: number, at: number): number {
    const low = this.#word32(row, at + (littleEndian ? 0 : 4))
    const high = this.#word32(row, at + (littleEndian ? 4 : 0))
    return high * 0x1_0000_0000 + low
  }
}

/** The order of the machine, which is that of the addon. */
export const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1
