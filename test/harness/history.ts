/**
 * Whether a history of reads and writes of one register is linearizable: whether each operation can
 * have taken place at one moment between its call and its answer, so that every read finds the
 * value of the last write before it (Herlihy and Wing, 1990).
 *
 * The search is that of Wing and Gong (1993) with the memory of Lowe (2017): an operation may be
 * the next if no other that is not placed yet had ended before it began; what was tried before, the
 * same operations placed and the same value left, is not tried again. Between two moments at which
 * nothing was under way the operations are a piece of their own, and only the values it may have
 * left go on to the next, so that hours of history take seconds. A write without an answer may
 * have taken place at any moment after its call, or never; a read without one says nothing. Every
 * value is written once, but the empty one, which says that the register was cleared. Clears
 * without an answer are alike, so the earliest that may count does, where a read needs one.
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

const CLEARED = ''
const NEVER = Number.POSITIVE_INFINITY

/** A value, and how many of the clears without an answer took place before. */
interface State {
  readonly value: string
  readonly clears: number
}

const keyOfState = ({ value, clears }: State): string => `${clears} ${value}`

const spelt = ({ kind, value, calledMs, endedMs }: Operation): string =>
  `${Math.round(calledMs)}..${Number.isFinite(endedMs) ? Math.round(endedMs) : '?'} ${kind} ${value}`

/**
 * What must have taken place, with the moment it had by the latest. A write without an answer that
 * nobody read need not have; one that was read had before the first of these reads ended.
 */
function certain(history: readonly Operation[]): Operation[] {
  const read = new Map<string, number>()
  for (const { kind, value, endedMs } of history)
    if (kind === 'read' && value !== CLEARED)
      read.set(value, Math.min(endedMs, read.get(value) ?? endedMs))
  return history
    .map((one) => {
      if (one.kind === 'read') return one
      return { ...one, endedMs: Math.min(one.endedMs, read.get(one.value) ?? one.endedMs) }
    })
    .filter(({ endedMs }) => Number.isFinite(endedMs))
    .sort((a, b) => a.calledMs - b.calledMs)
}

/** Cut where nothing was under way. */
function piecesOf(operations: readonly Operation[]): Operation[][] {
  const pieces: Operation[][] = []
  let untilMs = Number.NEGATIVE_INFINITY
  for (const operation of operations) {
    if (operation.calledMs > untilMs) pieces.push([])
    pieces.at(-1)!.push(operation)
    untilMs = Math.max(untilMs, operation.endedMs)
  }
  return pieces
}

/** Calls of the clears without an answer, in order. */
const lostClears = (history: readonly Operation[]): readonly number[] =>
  history
    .filter(
      ({ kind, value, endedMs }) => kind === 'write' && value === CLEARED && endedMs === NEVER,
    )
    .map(({ calledMs }) => calledMs)
    .sort((a, b) => a - b)

/** The states that a piece may leave, or why there is none. */
function explain(
  operations: readonly Operation[],
  initials: Iterable<State>,
  lost: readonly number[],
) {
  const tried = new Set<string>()
  const placed = new Uint8Array(operations.length)
  const ends = new Map<string, State>()
  let furthest = -1
  let stuck = ''

  function search(state: State, done: number, from: number): void {
    const { value, clears } = state
    let first = from
    while (first < operations.length && placed[first] === 1) first++
    if (first === operations.length) {
      ends.set(keyOfState(state), state)
      return
    }
    const memory = `${first} ${placed.subarray(first).join('')} ${keyOfState(state)}`
    if (tried.has(memory)) return
    tried.add(memory)
    let deadline = NEVER
    let isClearWanted = false
    for (let at = first; at < operations.length; at++) {
      const operation = operations[at]!
      // Everything from here on began after one that is not placed yet had ended.
      if (operation.calledMs > deadline) break
      if (placed[at] === 1) continue
      deadline = Math.min(deadline, operation.endedMs)
      if (operation.kind === 'read' && operation.value !== value) {
        isClearWanted ||= operation.value === CLEARED
        continue
      }
      placed[at] = 1
      const next = operation.kind === 'write' ? { value: operation.value, clears } : state
      search(next, done + 1, first)
      placed[at] = 0
    }
    if (isClearWanted && (lost[clears] ?? NEVER) <= deadline)
      search({ value: CLEARED, clears: clears + 1 }, done, first)
    if (done <= furthest) return
    furthest = done
    const open = operations.filter((_, at) => placed[at] === 0).slice(0, 8)
    stuck = `value "${value}" after ${done}; then\n${open.map(spelt).join('\n')}`
  }

  for (const initial of initials) search(initial, 0, 0)
  return { ends, stuck }
}

/** @param initial the value before the first write */
export function judge(history: readonly Operation[], initial = CLEARED): Judged {
  const lost = lostClears(history)
  let states: Iterable<State> = [{ value: initial, clears: 0 }]
  for (const piece of piecesOf(certain(history))) {
    const { ends, stuck } = explain(piece, states, lost)
    if (ends.size === 0) return { holds: false, text: stuck }
    states = ends.values()
  }
  return { holds: true, text: '' }
}
