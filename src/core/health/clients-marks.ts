/**
 * Which local ports our own checks used last, in memory that two threads share.
 *
 * The kernel's table shows a check of the agent as one more connection to the backend, from an
 * address of this machine. Real clients may come from the same address (a proxy beside the
 * application), so a check is recognised by its port: the prober marks the port of each connection
 * it opens, and who counts clients asks whether a port was marked a moment ago.
 */

const PORTS = 65_536
/** A word holds hundredths of a second; it comes round after 497 days. */
const TICK_MS = 10

export const checkMarksMemory = (): SharedArrayBuffer => new SharedArrayBuffer(4 * PORTS)

export class CheckMarks {
  readonly #ticks: Uint32Array

  /** `memory` is that of `checkMarksMemory`; both threads pass Unix milliseconds. */
  constructor(memory: SharedArrayBuffer) {
    this.#ticks = new Uint32Array(memory)
  }

  mark(port: number, nowMs: number): void {
    // Zero means never.
    if (port > 0 && port < PORTS) this.#ticks[port] = Math.floor(nowMs / TICK_MS) >>> 0 || 1
  }

  /** Milliseconds since the port was marked; infinite when it never was. */
  ageMs(port: number, nowMs: number): number {
    const tick = this.#ticks[port] ?? 0
    if (tick === 0) return Number.POSITIVE_INFINITY
    const now = Math.floor(nowMs / TICK_MS) >>> 0
    // A mark may be a little in the future: the other thread read its clock later.
    return Math.max(0, (now - tick) | 0) * TICK_MS
  }
}
