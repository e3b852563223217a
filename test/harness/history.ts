/**
 * Whether a history of reads and writes of one register is linearizable: whether each operation can
 * have taken place at one moment between its call and its answer, so that every read finds the
 * value of the last write before it (Herlihy and Wing, 1990).
 *
 * The search is that of Wing and Gong (1993) with the memory of Lowe (2017): an operation may be
 * the next if no other that is not placed yet had ended before it began; what was tried before, the
 * same operations placed and the same value left, is not tried again. A write without an answer may
 * have taken place at any moment after its call, or never; a read without one says nothing.
 */

export interface Operation {
  readonly kind: 'read' | 'write'
  readonly value: string
  readonly calledMs: number
  /** Infinity where no answer came, or one that does not say what became of it. */
  readonly endedMs: number
}

export interface Judged {
  readonly holds: boolean
  /** The operations that no order explains, as text; empty when one does. */
  readonly text: string
}

const spelt = ({ kind, value, calledMs, endedMs }: Operation): string =>
  `${Math.round(calledMs)}..${Number.isFinite(endedMs) ? Math.round(endedMs) : '?'} ${kind} ${value}`

/** @param initial the value before the first write */
export function judge(history: readonly Operation[], initial = ''): Judged {
  const seen = new Set(history.filter(({ kind }) => kind === 'read').map(({ value }) => value))
  // A write without an answer that nobody read need not have taken place; to try each of them at
  // every moment would take for ever.
  const operations = history
    .filter(
      ({ kind, value, endedMs }) =>
        Number.isFinite(endedMs) || (kind === 'write' && seen.has(value)),
    )
    .sort((a, b) => a.calledMs - b.calledMs)
  const mustPlace = operations.filter(({ endedMs }) => Number.isFinite(endedMs)).length
  const tried = new Set<string>()
  const placed = new Uint8Array(operations.length)
  let furthest = -1
  let stuck = ''

  function search(value: string, done: number, from: number): boolean {
    if (done === mustPlace) return true
    let first = from
    while (first < operations.length && placed[first] === 1) first++
    const memory = `${first} ${placed.subarray(first).join('')} ${value}`
    if (tried.has(memory)) return false
    tried.add(memory)
    let deadline = Number.POSITIVE_INFINITY
    for (let at = first; at < operations.length; at++) {
      const operation = operations[at]!
      // Everything from here on began after one that is not placed yet had ended.
      if (operation.calledMs > deadline) break
      if (placed[at] === 1) continue
      deadline = Math.min(deadline, operation.endedMs)
      if (operation.kind === 'read' && operation.value !== value) continue
      placed[at] = 1
      const counts = Number.isFinite(operation.endedMs) ? 1 : 0
      const next = operation.kind === 'write' ? operation.value : value
      if (search(next, done + counts, first)) return true
      placed[at] = 0
    }
    if (done > furthest) {
      furthest = done
      const open = operations.filter((_, at) => placed[at] === 0).slice(0, 8)
      stuck = `value "${value}" after ${done}; then\n${open.map(spelt).join('\n')}`
    }
    return false
  }

  const holds = search(initial, 0, 0)
  return { holds, text: holds ? '' : stuck }
}
