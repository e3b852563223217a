/** The address of a peer as bytes, from the text that node gives. */
import { parseAddress } from '../../core/net/address.ts'

const UNKNOWN = new Uint8Array(4)

/** IPv4-mapped addresses are folded to IPv4; the zone of a link-local address is left out. */
export function clientBytes(text: string): Uint8Array {
  const zone = text.indexOf('%')
  const address = parseAddress(zone < 0 ? text : text.slice(0, zone))
  return address.ok ? address.value.bytes : UNKNOWN
}
