/**
 * Reading LZW; see lzw-codes.ts.
 *
 * Output is bounded by a budget that several calls share, so that a packet of many compressed
 * parts, or of parts inside parts, unfolds no further than one.
 */
import { ok, type Result } from '../../base/result.ts'
import { CLEAR, CODE_LAST, END, WIDTH_MAX, WIDTH_MIN } from './lzw-codes.ts'
import { type Malformed, malformed } from './malformed.ts'

/** Octets that may still be written; falls with every call, also with one that fails. */
export interface UnpackBudget {
  octetsLeft: number
}

/** No code: nothing precedes the first code after a clear. */
const NONE = 0xffff

// Scratch: each code as the code before its last octet, that octet, and its length. Entries are
// written before they are read in every run, so nothing carries over from one to the next.
const prefixes = new Uint16Array(CODE_LAST + 1)
const suffixes = new Uint8Array(CODE_LAST + 1)
const lengths = new Uint16Array(CODE_LAST + 1)
lengths.fill(1, 0, CLEAR)

/** Codes of growing width out of octets. */
class CodeReader {
  width = WIDTH_MIN
  readonly #octets: Uint8Array
  #at = 0
  #bits = 0
  #bitCount = 0

  constructor(octets: Uint8Array) {
    this.#octets = octets
  }

  /** The next code, or -1 past the end. */
  take(): number {
    while (this.#bitCount < this.width) {
      if (this.#at === this.#octets.length) return -1
      this.#bits |= this.#octets[this.#at++]! << this.#bitCount
      this.#bitCount += 8
    }
    const code = this.#bits & ((1 << this.width) - 1)
    this.#bits >>>= this.width
    this.#bitCount -= this.width
    return code
  }
}

/** Octets written so far, in memory that grows up to a limit. */
class Unfolded {
  octets: Uint8Array
  length = 0
  readonly #most: number

  constructor(expected: number, most: number) {
    this.#most = most
    this.octets = new Uint8Array(Math.min(most, expected))
  }

  /** Whether so many more octets may be written; makes room for them. */
  room(count: number): boolean {
    const needed = this.length + count
    if (needed > this.#most) return false
    if (needed > this.octets.length) {
      const grown = new Uint8Array(Math.min(this.#most, Math.max(2 * this.octets.length, needed)))
      grown.set(this.octets.subarray(0, this.length))
      this.octets = grown
    }
    return true
  }

  /** Writes what a code stands for, and gives its first octet. */
  write(code: number): number {
    const end = this.length + lengths[code]!
    let at = end
    let rest = code
    while (rest >= CLEAR) {
      this.octets[--at] = suffixes[rest]!
      rest = prefixes[rest]!
    }
    this.octets[--at] = rest
    this.length = end
    return rest
  }
}

/** The octets that `packed` stands for, as long as they fit the budget. */
export function lzwDecode(packed: Uint8Array, budget: UnpackBudget): Result<Uint8Array, Malformed> {
  const out = new Unfolded(Math.max(256, 3 * packed.length), budget.octetsLeft)
  const fault = unfold(new CodeReader(packed), out)
  // A bomb costs the whole budget, or a packet full of bombs would take the time of each.
  budget.octetsLeft = fault?.error.code === 'too-large' ? 0 : budget.octetsLeft - out.length
  if (fault !== undefined) return fault
  return ok(out.length === out.octets.length ? out.octets : out.octets.slice(0, out.length))
}

function unfold(codes: CodeReader, out: Unfolded) {
  let next = END
  let last = NONE
  for (let code = codes.take(); code !== END; code = codes.take()) {
    if (code === -1) return malformed('truncated', 'compressed octets without their end')
    if (code === CLEAR) {
      codes.width = WIDTH_MIN
      next = END
      last = NONE
      continue
    }
    if (code > next) return malformed('bad-compression', 'a code that was not assigned')
    // The code about to be assigned stands for the last one and that one's first octet.
    const isNext = code === next && last !== NONE
    const source = isNext ? last : code
    if (!out.room(lengths[source]! + Number(isNext)))
      return malformed('too-large', 'compressed octets unfold beyond the limit')
    const first = out.write(source)
    if (isNext) out.octets[out.length++] = first
    if (last !== NONE) {
      prefixes[next] = last
      suffixes[next] = first
      lengths[next] = lengths[last]! + 1
    }
    last = code
    next++
    if (next < 1 << codes.width) continue
    if (codes.width < WIDTH_MAX) codes.width++
    else {
      // With every code assigned the table stays as it is until the writer clears it.
      last = NONE
      next--
    }
  }
  return undefined
}
