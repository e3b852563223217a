/**
 * The type octet that opens every message; new values are only ever appended.
 */
export const messageType = {
  ping: 0,
  indirectPing: 1,
  ack: 2,
  suspect: 3,
  alive: 4,
  dead: 5,
  pushPull: 6,
  compound: 7,
  user: 8,
  compress: 9,
  encrypt: 10,
  nack: 11,
  crc: 12,
  err: 13,
  /** Chosen by memberlist so that no type and no encryption version looks like it. */
  label: 244,
} as const

export const NO_OCTETS: Uint8Array = new Uint8Array(0)

/** A copy with memory of its own: a view would keep the whole packet or stream alive. */
export const copyOf = (octets: Uint8Array): Uint8Array =>
  octets.length === 0 ? NO_OCTETS : new Uint8Array(octets)

/** The parts one after another. */
export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

export function sameOctets(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false
  return true
}
