/**
 * The id of a server: `service:address:port`, where an IPv6 address may stand with its brackets or
 * without. A service holds no colon and a port comes last, so both spellings read in one way only.
 */
import { fail, ok, type Result } from '../../base/result.ts'
import { parseAddress, serverKey } from '../../net/address.ts'
import { readDnsName } from '../kinds/network.ts'

export interface ServerId {
  /** Canonical. */
  readonly id: string
  readonly service: string
  /** Canonical text. */
  readonly address: string
  readonly port: number
}

export function serverIdOf(
  service: string,
  address: string,
  port: number,
): Result<ServerId, string> {
  const name = readDnsName(service)
  if (!name.ok) return fail(`service ${name.error}`)
  const parsed = parseAddress(address)
  if (!parsed.ok) return fail(`address: ${parsed.error}`)
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    return fail('port must be a number from 1 to 65535')
  const { text } = parsed.value
  return ok({ id: serverKey(name.value, text, port), service: name.value, address: text, port })
}

/** Fails with what is wrong with the text. */
export function parseServerId(text: string): Result<ServerId, string> {
  const [first, last] = [text.indexOf(':'), text.lastIndexOf(':')]
  const port = text.slice(last + 1)
  if (first < 0 || last <= first || !/^[0-9]{1,5}$/.test(port))
    return fail(`"${text.slice(0, 300)}" is not service:address:port`)
  return serverIdOf(text.slice(0, first), text.slice(first + 1, last), Number(port))
}
