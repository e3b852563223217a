/**
 * Names and errors as text: UTF-8, strictly, so that what is read writes back the same octets.
 */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()

/** The text of octets [start, end), or nothing where they are not UTF-8. */
export function textOf(octets: Uint8Array, start = 0, end = octets.length): string | undefined {
  // Names are short and ASCII as a rule; the platform's decoder costs ten times this loop.
  let text = ''
  if (end - start <= 64) {
    let at = start
    for (; at < end; at++) {
      const octet = octets[at]!
      if (octet >= 0x80) break
      text += String.fromCharCode(octet)
    }
    if (at === end) return text
  }
  try {
    return decoder.decode(octets.subarray(start, end))
  } catch {
    return undefined
  }
}

export const octetsOf = (text: string): Uint8Array => encoder.encode(text)
