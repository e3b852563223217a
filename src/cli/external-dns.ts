/**
 * What ExternalDNS asks of a webhook provider, in terms of domains and servers.
 *
 * A name with A or AAAA endpoints is a domain with a server for each target, made by the API and
 * marked by a tag; names without the tag belong to somebody else, and are neither listed nor
 * touched. Other record types are left out when endpoints are adjusted: what is answered here is
 * chosen among servers, and a TXT registry has no place in that, so ExternalDNS runs with
 * `--registry=noop`. Shapes are those of the published contract, kubernetes-sigs/external-dns
 * api/webhook.yaml; keys are read in either case, since older versions write capitals.
 */
import { parseAddress } from '../core/net/address.ts'

export const MEDIA_TYPE = 'application/external.dns.webhook+json;version=1'
/** Names that this provider made. */
export const TAG = 'external-dns'
const TYPES = { A: 4, AAAA: 6 } as const
type Kind = keyof typeof TYPES

export interface Endpoint {
  readonly dnsName: string
  readonly targets: readonly string[]
  readonly recordType: string
  readonly recordTTL?: number
  readonly setIdentifier?: string
}

export interface Changes {
  readonly create: readonly Endpoint[]
  readonly updateNew: readonly Endpoint[]
  readonly delete: readonly Endpoint[]
}

export interface KnownDomain {
  readonly name: string
  readonly ttl: number
  readonly tags?: readonly string[]
}

export interface KnownServer {
  readonly id: string
  readonly service: string
  readonly address: string
}

/** One call of the API. */
export interface Call {
  readonly method: 'POST' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly body?: Readonly<Record<string, unknown>>
}

export interface ServerTraits {
  readonly port: number
  readonly region: string
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const familyOf = (address: string): number | undefined => {
  const parsed = parseAddress(address)
  return parsed.ok ? parsed.value.family : undefined
}

const plainName = (name: string) => name.replace(/\.$/, '').toLowerCase()

function readEndpoint(value: unknown): Endpoint | undefined {
  if (!isObject(value)) return undefined
  const { dnsName, targets, recordType, recordTTL, setIdentifier } = value
  const isKnown =
    typeof dnsName === 'string' &&
    typeof recordType === 'string' &&
    Array.isArray(targets) &&
    targets.every((target) => typeof target === 'string')
  if (!isKnown) return undefined
  return {
    ...{ dnsName, targets, recordType },
    ...(typeof recordTTL === 'number' ? { recordTTL } : {}),
    ...(typeof setIdentifier === 'string' ? { setIdentifier } : {}),
  }
}

/** The endpoints of a body; undefined when it is not a list of them. */
export function readEndpoints(value: unknown): readonly Endpoint[] | undefined {
  if (value === null || value === undefined) return []
  if (!Array.isArray(value)) return undefined
  const read = value.map(readEndpoint)
  return read.every((one) => one !== undefined) ? (read as Endpoint[]) : undefined
}

/** The changes of a body; undefined when it is none. */
export function readChanges(value: unknown): Changes | undefined {
  if (!isObject(value)) return undefined
  const lower = Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key.toLowerCase(), one]),
  )
  const create = readEndpoints(lower['create'])
  const updateNew = readEndpoints(lower['updatenew'])
  const gone = readEndpoints(lower['delete'])
  if (create === undefined || updateNew === undefined || gone === undefined) return undefined
  return { create, updateNew, delete: gone }
}

const kindOf = ({ recordType }: Endpoint): Kind | undefined =>
  recordType === 'A' || recordType === 'AAAA' ? recordType : undefined

/** What can be served of what is wished: addresses of their type, under a name without a set. */
export const adjusted = (endpoints: readonly Endpoint[]): readonly Endpoint[] =>
  endpoints.filter((endpoint) => {
    const kind = kindOf(endpoint)
    const isPlain = (endpoint.setIdentifier ?? '') === '' && !endpoint.dnsName.includes('*')
    return (
      kind !== undefined &&
      isPlain &&
      endpoint.targets.length > 0 &&
      endpoint.targets.every((target) => familyOf(target) === TYPES[kind])
    )
  })

const isOurs = ({ tags = [] }: KnownDomain) => tags.includes(TAG)

/** The endpoints of the names that this provider made. */
export function endpointsOf(
  domains: readonly KnownDomain[],
  servers: readonly KnownServer[],
): readonly Endpoint[] {
  return domains.filter(isOurs).flatMap(({ name, ttl }) =>
    (Object.keys(TYPES) as Kind[]).flatMap((recordType) => {
      const targets = servers
        .filter(
          ({ service, address }) => service === name && familyOf(address) === TYPES[recordType],
        )
        .map(({ address }) => address)
        .sort()
      return targets.length === 0 ? [] : [{ dnsName: name, targets, recordType, recordTTL: ttl }]
    }),
  )
}

const DOMAINS = '/api/v1/domains'
const SERVERS = '/api/v1/servers'
const at = (path: string, id: string) => `${path}/${encodeURIComponent(id)}`

/** The wishes of a name: its targets by type, and its TTL. */
interface Wish {
  readonly targets: Map<Kind, readonly string[]>
  ttl: number | undefined
}

function wishesOf(changes: Changes): Map<string, Wish> {
  const wishes = new Map<string, Wish>()
  const wish = (endpoint: Endpoint, targets: readonly string[]) => {
    const kind = kindOf(endpoint)
    if (kind === undefined) return
    const name = plainName(endpoint.dnsName)
    const one = wishes.get(name) ?? { targets: new Map(), ttl: undefined }
    one.targets.set(kind, targets)
    if (endpoint.recordTTL !== undefined && endpoint.recordTTL > 0) one.ttl = endpoint.recordTTL
    wishes.set(name, one)
  }
  // A name whose record is made anew under another owner is both deleted and created.
  for (const endpoint of changes.delete) wish(endpoint, [])
  for (const endpoint of [...changes.create, ...changes.updateNew]) wish(endpoint, endpoint.targets)
  return wishes
}

/** The calls that make the wishes true, in order; the error names a name of somebody else's. */
export function callsFor(
  changes: Changes,
  domains: readonly KnownDomain[],
  servers: readonly KnownServer[],
  { port, region }: ServerTraits,
): { readonly calls: readonly Call[] } | { readonly error: string } {
  const calls: Call[] = []
  for (const [name, { targets, ttl }] of wishesOf(changes)) {
    const domain = domains.find((one) => one.name === name)
    if (domain !== undefined && !isOurs(domain)) return { error: `${name} is not from ExternalDNS` }
    const held = servers.filter(({ service }) => service === name)
    const isKept = ({ address }: KnownServer) => {
      const kind = familyOf(address) === 6 ? 'AAAA' : 'A'
      return targets.get(kind)?.includes(address) ?? true
    }
    const wanted = [...targets.values()].flat()
    const added = wanted.filter((address) => !held.some((one) => one.address === address))
    const kept = held.filter(isKept)
    if (kept.length + added.length === 0) {
      if (domain !== undefined) calls.push({ method: 'DELETE', path: at(DOMAINS, name) })
      continue
    }
    const fields = ttl === undefined ? {} : { ttl }
    if (domain === undefined)
      calls.push({ method: 'POST', path: DOMAINS, body: { name, tags: [TAG], ...fields } })
    else if (ttl !== undefined && ttl !== domain.ttl)
      calls.push({ method: 'PATCH', path: at(DOMAINS, name), body: { ttl } })
    // First those that come, then those that go: the name is never without a server.
    for (const address of added)
      calls.push({ method: 'POST', path: SERVERS, body: { service: name, address, port, region } })
    for (const { id } of held.filter((one) => !isKept(one)))
      calls.push({ method: 'DELETE', path: `${at(SERVERS, id)}?force=true` })
  }
  return { calls }
}
