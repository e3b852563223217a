/**
 * Which server is meant: names and addresses as people write them, brought to the one spelling that
 * the topology uses.
 */
import { parseAddress } from '../net/address.ts'

export interface ServerName {
  readonly service: string
  readonly address: string
}

/** Lower case, without a final dot. */
export function canonicalService(service: string): string {
  const lower = service.toLowerCase()
  return lower.endsWith('.') ? lower.slice(0, -1) : lower
}

/** The canonical name, or undefined when the address is none; every IPv6 spelling is one server. */
export function canonicalServer(service: string, address: string): ServerName | undefined {
  const parsed = parseAddress(address)
  if (!parsed.ok) return
  return { service: canonicalService(service), address: parsed.value.text }
}
