/**
 * Hashing and comparing names in wire form, four bytes at a time, letters folded to lower case.
 *
 * A hash is built from the root label towards the left, so one pass gives the hash of a name and of
 * each of its ancestors. It starts from a seed drawn for each process, so that nobody outside can
 * compute which names fall together. Nothing here allocates. Words are loaded unaligned through a
 * DataView; the last, broken word of a stretch is loaded so that it ends with the stretch, which
 * reads up to three bytes before a name, never behind it: in a message its header lies there.
 */

/** Bytes that must lie before a name that is hashed or compared. */
export const BEFORE_NAME_BYTES = 3

/**
 * Lower-cases the ASCII letters among four packed bytes (RFC 4343 section 3). Length octets are at
 * most 63, below 'A', so whole names can be folded without regard to where labels begin.
 */
export function foldWord(word: number): number {
  const low = word & 0x7f7f7f7f
  // 0x80 - 'A' and 0x7f - 'Z' in each byte: the top bits differ only for letters A to Z.
  const upper = ((low + 0x3f3f3f3f) ^ (low + 0x25252525)) & ~word & 0x80808080
  return word | (upper >>> 2)
}

/** The last `count` bytes (1 to 3) before `end`, the first of them lowest. */
const lastBytes = (view: DataView, end: number, count: number): number =>
  view.getInt32(end - 4, true) >>> (32 - (count << 3))

function mix(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, 0x9e3779b1)
  return (product ^ (product >>> 15)) | 0
}

/**
 * Writes to `hashes[i]` the hash of the name without its first `i` labels; `hashes[labels]` is the
 * root's. `labelAt` holds where each label begins, counted from `at`.
 */
export function hashName(
  view: DataView,
  at: number,
  labelAt: Uint8Array,
  labels: number,
  hashes: Int32Array,
  seed: number,
): void {
  // A seed above 2^31 would make each step of the loop one with a number in a box.
  let hash = seed | 0
  hashes[labels] = hash
  for (let label = labels - 1; label >= 0; label--) {
    let from = at + labelAt[label]!
    // The label ends where the next one begins; the root has an entry too.
    const end = at + labelAt[label + 1]!
    for (; from + 4 <= end; from += 4) hash = mix(hash, foldWord(view.getInt32(from, true)))
    if (from < end) hash = mix(hash, foldWord(lastBytes(view, end, end - from)))
    hashes[label] = hash
  }
}

/** Whether the `length` bytes at `at` are, once folded, the packed bytes at `words[wordAt]`. */
export function sameFolded(
  view: DataView,
  at: number,
  length: number,
  words: Int32Array,
  wordAt: number,
): boolean {
  const whole = at + (length & ~3)
  let from = at
  let word = wordAt
  for (; from < whole; from += 4, word++) {
    if (foldWord(view.getInt32(from, true)) !== words[word]) return false
  }
  const rest = length & 3
  return rest === 0 || foldWord(lastBytes(view, from + rest, rest)) === words[word]
}

/** Packs `length` folded bytes at `at` into words as `sameFolded` compares them. */
export function packFolded(
  bytes: Uint8Array,
  at: number,
  length: number,
  words: Int32Array,
  wordAt: number,
): void {
  for (let from = 0; from < length; from += 4) {
    let word = 0
    const end = Math.min(4, length - from)
    for (let byte = 0; byte < end; byte++) word |= bytes[at + from + byte]! << (byte << 3)
    words[wordAt + (from >> 2)] = foldWord(word)
  }
}

/** Writes where the labels of a valid wire name begin; returns how many, the root not counted. */
export function findLabels(bytes: Uint8Array, at: number, labelAt: Uint8Array): number {
  let labels = 0
  let from = at
  for (let length = bytes[from]!; length !== 0; length = bytes[from]!) {
    labelAt[labels++] = from - at
    from += length + 1
  }
  labelAt[labels] = from - at
  return labels
}
