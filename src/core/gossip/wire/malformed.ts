/**
 * What can be wrong with octets from the wire, as values: nothing in this folder throws on input.
 */
import { fail } from '../../base/result.ts'

export type MalformedCode =
  /** It ends before what it announces. */
  | 'truncated'
  /** A length, a count or a size over its limit. */
  | 'too-large'
  /** More layers inside each other than members send. */
  | 'too-deep'
  /** A field of another kind than its name asks for. */
  | 'bad-field'
  /** A number outside the range of its field. */
  | 'out-of-range'
  /** Text that is not UTF-8, or a name that is empty. */
  | 'bad-text'
  /** An address of neither 4 nor 16 octets, or port 0. */
  | 'bad-address'
  /** A type octet that does not belong here. */
  | 'unknown-type'
  | 'bad-checksum'
  /** The label is not ours. */
  | 'wrong-label'
  /** No key of the ring opens it. */
  | 'undecryptable'
  /** Plain where encryption is required. */
  | 'not-encrypted'
  /** Encrypted where no key is set. */
  | 'encrypted'
  /** Not what the compressor writes, or an unknown algorithm. */
  | 'bad-compression'
  /** A packet without any message. */
  | 'empty'

/** `code` is for programs and never reused; `detail` is for a log. */
export interface Malformed {
  readonly code: MalformedCode
  readonly detail: string
}

export const malformed = (code: MalformedCode, detail: string) => fail<Malformed>({ code, detail })
