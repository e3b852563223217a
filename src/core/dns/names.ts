/**
 * Domain names: presentation text to wire form and back.
 *
 * Wire names here are whole and uncompressed, ended by the root label; text names carry no final
 * dot unless a reader accepts one, and the root is the empty string. Case is kept: folding is a
 * step of its own (`foldCase`, `canonicalName`). Compression and names inside packets belong to
 * the packet reader, not here.
 */
import { type Result, fail, ok } from '../base/result.ts'

/** RFC 1035 section 3.1 and 2.3.4: octets of one label. */
export const LABEL_BYTES_MAX = 63
/** RFC 1035 section 2.3.4: octets of a whole name, length octets and root included. */
export const NAME_BYTES_MAX = 255
/** A name of 255 octets has at most 127 labels beside the root. */
export const LABELS_MAX = 127

const DOT = 0x2e
const BACKSLASH = 0x5c

/** A text of 255 octets, each written `\DDD`, is the longest that can still be a name. */
const NAME_TEXT_MAX = NAME_BYTES_MAX * 4

/** What stands for itself in a name; the rest is escaped (RFC 1035 section 5.1, RFC 4343). */
const NEEDS_BACKSLASH = new Set([...'.\\"();@$'].map((char) => char.charCodeAt(0)))

const TEXT_OF_BYTE: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  if (NEEDS_BACKSLASH.has(byte)) return `\\${String.fromCharCode(byte)}`
  if (byte > 0x20 && byte < 0x7f) return String.fromCharCode(byte)
  return `\\${String(byte).padStart(3, '0')}`
})

const isDigit = (code: number) => code >= 0x30 && code <= 0x39

/**
 * The octet that the escape at `at` (a backslash) stands for and how many characters it takes, or
 * undefined when it is malformed: `\DDD` is an octet in decimal, `\X` the character itself
 * (RFC 1035 section 5.1).
 */
export function readEscape(
  text: string,
  at: number,
): { readonly byte: number; readonly length: 2 | 4 } | undefined {
  const next = text.charCodeAt(at + 1)
  if (Number.isNaN(next) || next > 0x7e || next < 0x20) return undefined
  if (!isDigit(next)) return { byte: next, length: 2 }
  const [second, third] = [text.charCodeAt(at + 2), text.charCodeAt(at + 3)]
  if (!isDigit(second) || !isDigit(third)) return undefined
  const byte = (next - 0x30) * 100 + (second - 0x30) * 10 + (third - 0x30)
  return byte > 255 ? undefined : { byte, length: 4 }
}

/** Labels while they are written; `fault` says which limit broke. */
interface Writer {
  readonly bytes: Uint8Array
  /** Where the length octet of the open label is. */
  label: number
  at: number
}

/** Closes the open label and opens the next; a fault when it is empty. */
function closeLabel(out: Writer): string | undefined {
  const length = out.at - out.label - 1
  if (length === 0) return 'has an empty label'
  // The next length octet (or the root) still has to fit.
  if (out.at >= NAME_BYTES_MAX) return `is longer than ${NAME_BYTES_MAX} octets`
  out.bytes[out.label] = length
  out.label = out.at
  out.at += 1
  return undefined
}

function pushByte(out: Writer, byte: number): string | undefined {
  // RFC 1035 section 3.1: the two high bits of a length octet are zero.
  if (out.at - out.label - 1 >= LABEL_BYTES_MAX)
    return `has a label longer than ${LABEL_BYTES_MAX} octets`
  if (out.at >= NAME_BYTES_MAX) return `is longer than ${NAME_BYTES_MAX} octets`
  out.bytes[out.at] = byte
  out.at += 1
  return undefined
}

/** Writes the labels of `text`; the answer tells whether it ended with a dot, or the fault. */
function writeLabels(text: string, out: Writer): Result<boolean, string> {
  let fault: string | undefined
  for (let at = 0; at < text.length && fault === undefined; ) {
    const code = text.charCodeAt(at)
    if (code === DOT) {
      fault = closeLabel(out)
      at += 1
    } else if (code === BACKSLASH) {
      const read = readEscape(text, at)
      if (read === undefined) return fail('has a broken escape; write \\DDD with DDD up to 255')
      fault = pushByte(out, read.byte)
      at += read.length
    } else if (code > 0x7e)
      return fail('has a character outside ASCII; write it as xn--... or \\DDD')
    else if (code <= 0x20) return fail('has a blank or control character; write it as \\DDD')
    else {
      fault = pushByte(out, code)
      at += 1
    }
  }
  return fault === undefined ? ok(out.at - out.label === 1) : fail(fault)
}

/** Where a name is written before its length is known: one for all, as nothing is kept in it. */
const SCRATCH = new Uint8Array(NAME_BYTES_MAX)

/** A name in an error message: never longer than a line of it should be. */
const quoted = (text: string) => JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text)

/**
 * Presentation text to wire form (RFC 1035 sections 3.1 and 5.1), case as written.
 *
 * A final dot makes a name absolute. A name without one gets `origin` appended when it is given,
 * and is absolute otherwise. `@` is the origin (the root without one). The empty text is the root.
 * The error names the text and what is wrong with it.
 */
export function nameToWire(text: string, origin?: string): Result<Uint8Array, string> {
  if (text === '@') return nameToWire(origin ?? '')
  const out: Writer = { bytes: SCRATCH, label: 0, at: 1 }
  if (text === '.') return ok(new Uint8Array(1))
  if (text.length > NAME_TEXT_MAX)
    return fail(`${quoted(text)} is longer than ${NAME_BYTES_MAX} octets`)
  const written = writeLabels(text, out)
  if (!written.ok) return fail(`${quoted(text)} ${written.error}`)
  const absolute = written.value && text !== ''
  if (!written.value) {
    const fault = closeLabel(out)
    if (fault !== undefined) return fail(`${quoted(text)} ${fault}`)
  }
  if (absolute || origin === undefined || text === '') {
    out.bytes[out.label] = 0
    return ok(out.bytes.slice(0, out.at))
  }
  const head = out.bytes.slice(0, out.label)
  const tail = nameToWire(origin)
  if (!tail.ok) return tail
  const length = out.label + tail.value.length
  if (length > NAME_BYTES_MAX)
    return fail(`${quoted(text)} under ${quoted(origin)} is longer than ${NAME_BYTES_MAX} octets`)
  const whole = new Uint8Array(length)
  whole.set(head)
  whole.set(tail.value, out.label)
  return ok(whole)
}

/**
 * Octets of the wire name at `at`, the root included; 0 when there is no whole, uncompressed name
 * of legal length there.
 */
export function wireNameLength(bytes: Uint8Array, at = 0): number {
  let position = at
  while (position < bytes.length && position - at < NAME_BYTES_MAX) {
    const length = bytes[position]!
    if (length === 0) return position - at + 1
    if (length > LABEL_BYTES_MAX) return 0
    position += length + 1
  }
  return 0
}

/**
 * The text of the wire name at `at`, without a final dot, the root as ''. Case is kept; what is not
 * plain is escaped so that `nameToWire` gives the same octets back. Bytes that are no whole name
 * are read as far as they go (check with `wireNameLength` first where they come from outside).
 */
export function wireToName(bytes: Uint8Array, at = 0): string {
  let text = ''
  let position = at
  while (position < bytes.length && position - at < NAME_BYTES_MAX) {
    const length = bytes[position]!
    if (length === 0 || length > LABEL_BYTES_MAX) break
    if (text !== '') text += '.'
    const end = Math.min(position + 1 + length, bytes.length)
    for (let byte = position + 1; byte < end; byte++) text += TEXT_OF_BYTE[bytes[byte]!]
    position += length + 1
  }
  return text
}

const foldByte = (byte: number) => (byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte)

/**
 * A copy of a wire name with ASCII letters in lower case (RFC 4343 section 3). Length octets are at
 * most 63, below 'A', so no octet of a wire name needs to be skipped.
 */
export function foldCase(wire: Uint8Array): Uint8Array {
  return wire.map(foldByte)
}

/** Whether two wire names are the same name; ASCII case does not count (RFC 4343 section 3). */
export function nameEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let at = 0; at < a.length; at++) if (foldByte(a[at]!) !== foldByte(b[at]!)) return false
  return true
}

/** Labels of letters in lower case, digits, hyphens, underscores and a leading asterisk. */
const PLAIN = /^(?:\*\.)?(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}$/
/** Octets of such a name: its characters, the first length octet and the root. */
const PLAIN_EXTRA_BYTES = 2

/** Whether it is a name, in its one spelling; false where that takes a closer look. */
const isPlain = (text: string): boolean =>
  text.length + PLAIN_EXTRA_BYTES <= NAME_BYTES_MAX && PLAIN.test(text)

/** What is wrong with a name, as `nameToWire` says it. */
export function nameFault(text: string): string | undefined {
  if (isPlain(text)) return undefined
  const wire = nameToWire(text)
  return wire.ok ? undefined : wire.error
}

/** The one spelling of a name: lower case, minimal escapes, no final dot. */
export function canonicalName(text: string, origin?: string): Result<string, string> {
  if (origin !== undefined && origin !== '' && PLAIN.test(text)) {
    const whole = `${text}.${origin}`
    if (isPlain(whole)) return ok(whole)
  }
  const wire = nameToWire(text, origin)
  return wire.ok ? ok(wireToName(foldCase(wire.value))) : wire
}

/** Whether the character at `at` is escaped: an odd number of backslashes stands before it. */
function isEscaped(text: string, at: number): boolean {
  let before = at - 1
  while (before >= 0 && text.charCodeAt(before) === BACKSLASH) before--
  return (at - before) % 2 === 0
}

/**
 * Whether a text name is the apex or lies below it. Both as `wireToName` writes them (a final dot
 * is forgiven); ASCII case does not count.
 */
export function isSubdomain(textName: string, textApex: string): boolean {
  const [name, apex] = [plain(textName), plain(textApex)]
  if (apex === '' || name === apex) return true
  const dot = name.length - apex.length - 1
  return dot > 0 && name.endsWith(apex) && name[dot] === '.' && !isEscaped(name, dot)
}

function plain(text: string): string {
  const low = text.toLowerCase()
  return low.endsWith('.') && !isEscaped(low, low.length - 1) ? low.slice(0, -1) : low
}

/** The name one label up, or undefined for the root. `a\.b.example` has the parent `example`. */
export function parentName(text: string): string | undefined {
  if (text === '') return undefined
  for (let at = text.indexOf('.'); at >= 0; at = text.indexOf('.', at + 1))
    if (!isEscaped(text, at)) return text.slice(at + 1)
  return ''
}
