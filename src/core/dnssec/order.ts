/**
 * The canonical order of names (RFC 4034 section 6.1), as strings that compare in it.
 *
 * A name becomes its labels from the root down, in lower case, each after a separator lower than
 * any octet. So plain comparison orders, equality is equality of names, and what lies below a name
 * starts with its string. Comparing octets where they lie is what the validator does (`check/`).
 */
const SEPARATOR = '\0'

const FOLDED: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  // One more than the octet, so that zero octets stay above the separator.
  String.fromCharCode((byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte) + 1),
)

/** Where the labels of a whole wire name start, the root left out. */
export function labelStarts(wire: Uint8Array): number[] {
  const starts: number[] = []
  for (let at = 0; wire[at] !== 0 && at < wire.length; at += wire[at]! + 1) starts.push(at)
  return starts
}

export const labelCount = (wire: Uint8Array): number => labelStarts(wire).length

/** The string that stands for the name in the order; the root's is empty. */
export function orderOf(wire: Uint8Array): string {
  const starts = labelStarts(wire)
  let order = ''
  for (let label = starts.length - 1; label >= 0; label--) {
    const at = starts[label]!
    order += SEPARATOR
    for (let byte = at + 1; byte <= at + wire[at]!; byte++) order += FOLDED[wire[byte]!]
  }
  return order
}

/** Whether the one lies strictly below the other. */
export const isBelow = (order: string, above: string): boolean =>
  order.length > above.length && order.startsWith(above + SEPARATOR)

/** The order of the name one label up; the root's for the root. */
export const parentOrder = (order: string): string =>
  order.slice(0, Math.max(order.lastIndexOf(SEPARATOR), 0))

/** The order of the wildcard below a name (RFC 4592 section 2.1.1). */
export const wildcardOrder = (order: string): string => `${order}${SEPARATOR}${FOLDED[0x2a]}`

/** Octets as unsigned numbers, left to right, shorter first where one begins the other. */
export function compareOctets(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  for (let at = 0; at < length; at++) if (a[at] !== b[at]) return a[at]! - b[at]!
  return a.length - b.length
}

/** The name in lower-case wire form that an order stands for. */
export function wireOfOrder(order: string): Uint8Array {
  const labels = order.split(SEPARATOR).slice(1).reverse()
  const wire = new Uint8Array(order.length + 1)
  let at = 0
  for (const label of labels) {
    wire[at] = label.length
    for (let char = 0; char < label.length; char++) wire[at + 1 + char] = label.charCodeAt(char) - 1
    at += label.length + 1
  }
  return wire
}

/** The name one label longer than `above` on the way down to a name below it. */
export function stepDown(order: string, above: string): string {
  const end = order.indexOf(SEPARATOR, above.length + 1)
  return end < 0 ? order : order.slice(0, end)
}
