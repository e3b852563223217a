/**
 * Hashing and comparing names in wire form, four bytes at a time, letters folded to lower case.
 *
 * A hash is built from the root label towards the left, so one pass gives the hash of a name and of
 * each of its ancestors. It starts from a seed drawn for each process, so that nobody outside can
 * compute which names fall together. Nothing here allocates or reads past a name's meaning: bytes
 * beyond its end are loaded and masked off.
 */

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

/** Four bytes, the first lowest. */
export const loadWord = (bytes: Uint8Array, at: number): number =>
  bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)

/** Keeps the lowest `count` bytes (0 to 3) of a word. */
const keepBytes = (word: number, count: number): number => word & ((1 << (count << 3)) - 1)

function mix(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, 0x9e3779b1)
  return (product ^ (product >>> 15)) | 0
}

/**
 * Writes to `hashes[i]` the hash of the name without its first `i` labels; `hashes[labels]` is the
 * root's. `labelAt` holds where each label begins, counted from `at`.
 */
export function hashName(
  bytes: Uint8Array,
  at: number,
  labelAt: Uint8Array,
  labels: number,
  hashes: Int32Array,
  seed: number,
): void {
  let hash = seed
  hashes[labels] = hash
  for (let label = labels - 1; label >= 0; label--) {
    let from = at + labelAt[label]!
    const end = from + bytes[from]! + 1
    for (; from + 4 <= end; from += 4) hash = mix(hash, foldWord(loadWord(bytes, from)))
    if (from < end) hash = mix(hash, foldWord(keepBytes(loadWord(bytes, from), end - from)))
    hashes[label] = hash
  }
}

/** Whether the `length` bytes at `at` are, once folded, the packed bytes at `words[wordAt]`. */
export function sameFolded(
  bytes: Uint8Array,
  at: number,
  length: number,
  words: Int32Array,
  wordAt: number,
): boolean {
  const whole = at + (length & ~3)
  let from = at
  let word = wordAt
  for (; from < whole; from += 4, word++) {
    if (foldWord(loadWord(bytes, from)) !== words[word]) return false
  }
  const rest = length & 3
  return rest === 0 || foldWord(keepBytes(loadWord(bytes, from), rest)) === words[word]
}

/** Packs folded bytes into words as `sameFolded` compares them. */
export function packFolded(bytes: Uint8Array, words: Int32Array, wordAt: number): void {
  for (let at = 0; at < bytes.length; at += 4) {
    const left = bytes.length - at
    const word = loadWord(bytes, at)
    words[wordAt + (at >> 2)] = foldWord(left >= 4 ? word : keepBytes(word, left))
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
