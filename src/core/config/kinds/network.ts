/**
 * Addresses, networks, `host:port` and DNS names, each in one canonical spelling.
 */
import { fail, ok, type Result } from '../../base/result.ts'
import { formatEndpoint, parseAddress, parseEndpoint, parsePrefix } from '../../net/address.ts'
import { kindOf, type Kind } from './kind.ts'

export const ipAddress: Kind<string> = kindOf({
  name: 'IP address',
  allowed: 'an IPv4 or IPv6 address',
  json: { type: 'string' },
  read: (value) => {
    const address = parseAddress(value.trim())
    if (address.ok) return ok(address.value.text)
    return fail(value === '' ? 'must not be empty' : 'is not an IP address')
  },
})

/** An all-numeric last label would be an address that was mistyped (RFC 1123 section 2.1). */
const isHostName = (value: string): boolean =>
  readDnsName(value).ok && !value.startsWith('*') && !/(^|\.)[0-9]+\.?$/.test(value)

/** An IP address, or a name that is resolved when it is used. */
export const host: Kind<string> = kindOf({
  name: 'host',
  allowed: 'an IP address or a host name',
  json: { type: 'string' },
  read: (value) => {
    const address = parseAddress(value)
    if (address.ok) return ok(address.value.text)
    if (isHostName(value)) return ok(value.toLowerCase())
    return fail(value === '' ? 'must not be empty' : 'is neither an IP address nor a host name')
  },
})

function hostPort(value: string, portRequired: boolean): Result<string, string> {
  const endpoint = parseEndpoint(value)
  if (!endpoint.ok) {
    const reason = endpoint.error.slice(endpoint.error.indexOf('" ') + 2)
    return fail(value.includes(':') ? reason || 'is not host:port' : 'has no port; write host:port')
  }
  const { host: name, port } = endpoint.value
  if (portRequired && port === 0) return fail('has port 0')
  if (name === '') return portRequired ? fail('has no host') : ok(`:${port}`)
  const read = host.read(name)
  return read.ok ? ok(formatEndpoint(read.value, port)) : fail(`: its host ${read.error}`)
}

/** Where to listen: `:53`, `0.0.0.0:53`, `[::1]:53`; port 0 takes any free one. */
export const listenAddress: Kind<string> = kindOf({
  name: 'address to listen on',
  allowed: 'address:port, or :port for every address; IPv6 in brackets',
  json: { type: 'string', pattern: ':[0-9]{1,5}$' },
  read: (value) => hostPort(value, false),
})

/** Where to connect to: `host:port`. */
export const endpoint: Kind<string> = kindOf({
  name: 'host:port',
  allowed: 'host:port; IPv6 in brackets',
  json: { type: 'string', pattern: ':[0-9]{1,5}$' },
  read: (value) => hostPort(value, true),
})

/** Where others reach this node: a host, with a port where that is not the one bound. */
export const advertised: Kind<string> = kindOf({
  name: 'address to advertise',
  allowed: 'host or host:port; IPv6 in brackets where a port follows',
  json: { type: 'string' },
  read: (value) => {
    const alone = host.read(value)
    return alone.ok ? alone : hostPort(value, true)
  },
})

/** A network in CIDR notation, host bits cleared; a bare address is itself alone. */
export const network: Kind<string> = kindOf({
  name: 'network',
  allowed: 'CIDR such as 10.0.0.0/8 or 2001:db8::/32',
  json: { type: 'string' },
  read: (value) => {
    const prefix = parsePrefix(value)
    if (!prefix.ok) return fail('is not a network in CIDR notation')
    return ok(`${prefix.value.address.text}/${prefix.value.length}`)
  },
  remark: (value) => {
    const prefix = parsePrefix(value)
    const address = parseAddress(value.split('/')[0]!)
    if (!prefix.ok || !address.ok || prefix.value.address.text === address.value.text)
      return undefined
    const read = `${prefix.value.address.text}/${prefix.value.length}`
    return `${value} has host bits; it is read as ${read}`
  },
})

const LABEL = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?$/

/** A DNS name in lower case without its final dot; `*` may stand as the first label. */
export function readDnsName(value: string): Result<string, string> {
  const name = value.toLowerCase().replace(/\.$/, '')
  if (name === '') return fail('must not be empty')
  // RFC 1035 section 3.1: 255 octets on the wire are 253 characters here.
  if (name.length > 253) return fail('is longer than a DNS name may be')
  // RFC 1035 section 2.3.4 allows 63 octets a label.
  for (const [index, label] of name.split('.').entries()) {
    if (label === '') return fail('has an empty label')
    if (label.length > 63) return fail('has a label longer than 63 characters')
    if (label === '*' && index === 0) continue
    if (/[^\u0000-\u007f]/.test(label)) return fail('is not ASCII; write it in punycode (xn--…)')
    if (!LABEL.test(label)) return fail(`has a label that is not a host name: "${label}"`)
  }
  return ok(name)
}

export const dnsName: Kind<string> = kindOf({
  name: 'DNS name',
  allowed: 'a DNS name',
  json: { type: 'string', minLength: 1, maxLength: 254 },
  read: readDnsName,
})

/** The address of a zone's contact: `hostmaster.example.com` or `hostmaster@example.com`. */
export const contact: Kind<string> = kindOf({
  name: 'contact',
  allowed: 'a DNS name or a mail address',
  json: { type: 'string' },
  read: (value) => {
    const at = value.indexOf('@')
    if (at < 0)
      return readDnsName(value.replaceAll('\\.', '-')).ok
        ? ok(value.replace(/\.$/, ''))
        : fail('is not a name')
    const local = value.slice(0, at)
    const domain = readDnsName(value.slice(at + 1))
    if (!domain.ok || !/^[A-Za-z0-9._+-]{1,63}$/.test(local)) return fail('is not a mail address')
    // RFC 1035 section 8: a dot of the mailbox is escaped, the at sign becomes a dot.
    return ok(`${local.replaceAll('.', '\\.')}.${domain.value}`)
  },
})
