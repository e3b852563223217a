/**
 * The question section: one name, its type and its class (RFC 1035 section 4.1.2).
 *
 * The question is copied to the reply as it came, so the case of its letters is echoed; what
 * follows works on the copy.
 */
import { copyWords } from '../base/octets.ts'
import { type Exchange, HEADER_BYTES } from './exchange.ts'
import { LABEL_BYTES_MAX, NAME_BYTES_MAX } from './names.ts'

/** Octets of QTYPE and QCLASS. */
const TYPE_AND_CLASS_BYTES = 4

/**
 * Reads and copies the question. False when it is malformed: cut short, a label over 63 octets or
 * of an unknown kind, a name over 255 octets, or a compression pointer, which in the first name of
 * a message has nothing to point to.
 */
export function readQuestion(x: Exchange): boolean {
  const { query, start, labelAt } = x
  const nameStart = start + HEADER_BYTES
  const limit = start + x.length
  const labels = findName(query, nameStart, limit, labelAt)
  if (labels < 0) return false
  const nameBytes = labelAt[labels]! + 1
  const tail = nameStart + nameBytes
  if (tail + TYPE_AND_CLASS_BYTES > limit) return false
  x.labels = labels
  x.nameBytes = nameBytes
  x.nameAt = x.base + HEADER_BYTES
  x.nameView = x.queryView
  x.nameFrom = nameStart
  x.qtype = (query[tail]! << 8) | query[tail + 1]!
  x.qclass = (query[tail + 2]! << 8) | query[tail + 3]!
  x.questionBytes = nameBytes + TYPE_AND_CLASS_BYTES
  copyQuestion(x)
  return true
}

/**
 * Writes where the labels of the name at `nameStart` begin, counted from there, and where its root
 * is; gives how many they are, or -1 where no whole, uncompressed name lies before `limit`.
 */
export function findName(
  query: Uint8Array,
  nameStart: number,
  limit: number,
  labelAt: Uint8Array,
): number {
  let labels = 0
  let from = nameStart
  for (;;) {
    if (from >= limit) return -1
    const length = query[from]!
    if (length === 0) break
    // RFC 1035 section 4.1.4: the two high bits mark pointers and reserved kinds of labels.
    if (length > LABEL_BYTES_MAX) return -1
    labelAt[labels++] = from - nameStart
    from += length + 1
    // RFC 1035 section 2.3.4, the root octet included.
    if (from - nameStart >= NAME_BYTES_MAX) return -1
  }
  labelAt[labels] = from - nameStart
  return labels
}

/** A front that answers in place has the question there already. */
function copyQuestion(x: Exchange): void {
  const { query, out, start, base, questionBytes } = x
  x.at = base + HEADER_BYTES + questionBytes
  if (query === out && start === base) return
  copyWords(x.queryView, start + HEADER_BYTES, x.view, base + HEADER_BYTES, questionBytes)
}
