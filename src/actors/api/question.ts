/**
 * The DNS questions the API asks: is our own server answering, and what would it answer? A header
 * and a name, no more.
 */

/** The type of addresses of IPv4 (RFC 1035 section 3.2.2). */
const TYPE_A = 1

/** A question in class IN, recursion not desired; undefined if the name cannot be encoded. */
export function encodeQuestion(id: number, name: string, type = TYPE_A): Uint8Array | undefined {
  const labels = name.replace(/\.$/, '').split('.')
  const bytes: number[] = [id >> 8, id & 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
  for (const label of labels.length === 1 && labels[0] === '' ? [] : labels) {
    // RFC 1035 section 2.3.4: labels of 1 to 63 octets; section 4.1.1 for the header above.
    if (!/^[\x21-\x7e]{1,63}$/.test(label)) return undefined
    bytes.push(label.length, ...[...label].map((char) => char.charCodeAt(0)))
  }
  // RFC 1035 section 2.3.4: a name of at most 255 octets, its root label included.
  if (bytes.length - 12 + 1 > 255) return undefined
  return Uint8Array.from([...bytes, 0, type >> 8, type & 0xff, 0, 1])
}

/** What the reply says, or undefined if it is not the reply to that question. */
export function readReply(
  id: number,
  reply: Uint8Array,
): { readonly rcode: number; readonly authoritative: boolean } | undefined {
  if (reply.length < 12 || ((reply[0]! << 8) | reply[1]!) !== id) return undefined
  // RFC 1035 section 4.1.1: QR is the first bit of the third octet, AA its sixth.
  if ((reply[2]! & 0x80) === 0) return undefined
  return { rcode: reply[3]! & 0x0f, authoritative: (reply[2]! & 0x04) !== 0 }
}
