/**
 * Readings of the kernel's TCP table through the addon, in buffers that are used again.
 *
 * What the rows mean is in core/health/clients-rows.ts; the rows of a reading hold until the next.
 */
import { limits } from '../core/base/limits.ts'
import { TCP_ROW_BYTES, TcpRows } from '../core/health/clients-rows.ts'
import type { Native } from './index.ts'

/** The local port of the sockets that `TcpEnds.mark` ends. */
export const MARK_PORT = 0
/** What `-errno` of a dropped message is. */
const ENOBUFS = -105
const FIRST_ROWS = 4_096
const none = new TcpRows(new Uint8Array(0), 0)

export interface EndsRead {
  readonly rows: TcpRows
  /** The kernel had to drop some. */
  readonly missed: boolean
  /** The buffer was filled: more may wait. */
  readonly more: boolean
}

/** Rows of both families in one array, which grows to the largest table seen, up to its limit. */
export class RowBuffer {
  bytes = new Uint8Array(FIRST_ROWS * TCP_ROW_BYTES)

  /** `write` gives how many rows there are from the row given on, or a negative fault. */
  fill(write: readonly ((into: Uint8Array, first: number) => number)[]): TcpRows | undefined {
    let count = 0
    for (const one of write) {
      let found = one(this.bytes, count)
      if (found < 0) return undefined
      while ((count + found) * TCP_ROW_BYTES > this.bytes.length) {
        if (count + found > limits.clientsRowsMax.default) return undefined
        this.#grow(count + found)
        found = one(this.bytes, count)
        if (found < 0) return undefined
      }
      count += found
    }
    return new TcpRows(this.bytes, count)
  }

  #grow(rows: number): void {
    const wanted = Math.min(limits.clientsRowsMax.default, Math.ceil(rows * 1.25))
    const larger = new Uint8Array(wanted * TCP_ROW_BYTES)
    larger.set(this.bytes)
    this.bytes = larger
  }
}

/** One dump of both families where the kernel has it, else one of each. */
export function dumpsOf(native: Native, withInfo: boolean): Dumps {
  const hasBoth = native.dumpTcp(0, Uint32Array.of(1), none.bytes, withInfo) >= 0
  return hasBoth ? dumpsBy(native, [0], withInfo) : dumpsBy(native, [4, 6], withInfo)
}

/** The dumps that together are the table, for these ports. */
type Dumps = (ports: Uint32Array) => ((into: Uint8Array, first: number) => number)[]

/** An addon that reads the table family by family: that of Linux, and that of Windows. */
interface ByFamily<Family> {
  dumpTcp(family: Family, ports: Uint32Array, into: Uint8Array, withInfo: boolean): number
}

export const dumpsBy =
  <Family>(addon: ByFamily<Family>, families: readonly Family[], withInfo: boolean): Dumps =>
  (ports) =>
    families.map(
      (family) => (into, first) =>
        addon.dumpTcp(family, ports, into.subarray(first * TCP_ROW_BYTES), withInfo),
    )

/** Everything that ended since the last call, as one reading's worth of rows. */
export class TcpEnds {
  readonly #native: Native
  readonly #descriptor: number
  #bytes = new Uint8Array(FIRST_ROWS * TCP_ROW_BYTES)

  constructor(native: Native) {
    this.#native = native
    this.#descriptor = native.openTcpEnds()
  }

  get heard(): boolean {
    return this.#descriptor >= 0
  }

  read(ports: Uint32Array): EndsRead {
    if (!this.heard) return { rows: none, missed: false, more: false }
    const count = this.#native.readTcpEnds(this.#descriptor, ports, this.#bytes)
    if (count < 0) return { rows: none, missed: count === ENOBUFS, more: false }
    return { rows: new TcpRows(this.#bytes, count), missed: false, more: count === FIRST_ROWS }
  }

  /** The cookie of a socket that ended on a processor just now, 0 or `-errno`. */
  mark(cpu: number): number {
    return this.#native.markTcpEnds(cpu)
  }

  close(): void {
    if (this.heard) this.#native.closeDescriptor(this.#descriptor)
  }
}
