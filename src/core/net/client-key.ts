/**
 * Who a client is where clients have shares of something: its address, of IPv6 the /64, for it has
 * all of that to choose addresses from (RFC 4291 section 2.5.4).
 */
import { parseAddress } from './address.ts'

export function clientKey(address: string): string {
  const parsed = parseAddress(address)
  if (!parsed.ok || parsed.value.family === 4) return address
  return `/64 ${parsed.value.bytes.subarray(0, 8).join('.')}`
}
