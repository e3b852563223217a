/**
 * The label that keeps clusters apart: in clear before a packet, or before what a dialer sends.
 */
import { assert } from '../../base/assert.ts'
import { ok, type Result } from '../../base/result.ts'
import { type Malformed, malformed } from './malformed.ts'
import { joined, messageType, NO_OCTETS } from './types.ts'

export const LABEL_BYTES_MAX = 255

/** `rest` behind the label, or alone where the label is empty. */
export function addLabel(label: Uint8Array, rest: Uint8Array): Uint8Array {
  assert(label.length <= LABEL_BYTES_MAX, 'a label has at most 255 octets')
  if (label.length === 0) return rest
  return joined(Uint8Array.of(messageType.label, label.length), label, rest)
}

export interface Labelled {
  /** Empty where there was none. */
  readonly label: Uint8Array
  readonly rest: Uint8Array
}

/** Views of the label and of what follows. An empty label must not be written, so it is refused. */
export function removeLabel(octets: Uint8Array): Result<Labelled, Malformed> {
  if (octets[0] !== messageType.label) return ok({ label: NO_OCTETS, rest: octets })
  const length = octets[1]
  if (length === undefined) return malformed('truncated', 'a label')
  if (length === 0) return malformed('out-of-range', 'an empty label')
  if (octets.length < 2 + length) return malformed('truncated', 'a label')
  return ok({ label: octets.subarray(2, 2 + length), rest: octets.subarray(2 + length) })
}
