/**
 * How a member comes into being: what a node does at its start, and what a cluster answers to one
 * that asks to join.
 *
 * Law: data is never founded over. A node with data goes on with it whatever its flags say; one
 * without asks everybody it has been told of before it founds anything, since a second cluster of
 * the same name would answer the same clients. One that knows members of its cluster founds none.
 */
import { formatEndpoint, parseEndpoint } from '../net/address.ts'
import type { RaftMember } from './gateway.ts'

export interface StartFacts {
  readonly hasData: boolean
  readonly bootstrap: boolean
  /** `cluster.join`. */
  readonly join: readonly string[]
  /** Peer addresses of the members this node knew last, itself left out. */
  readonly lastKnown: readonly string[]
  readonly forceNew: boolean
}

export type StartPlan =
  /** Goes on with the data there is; `forceNew` makes this node its only member. */
  | { readonly kind: 'resume'; readonly forceNew: boolean }
  /** Asks these to be let in; nothing else will do. */
  | { readonly kind: 'join'; readonly candidates: readonly string[] }
  /** Asks these for a while, and founds a cluster where nobody is there. */
  | { readonly kind: 'found'; readonly candidates: readonly string[] }
  | { readonly kind: 'impossible'; readonly why: string }

export function planStart(facts: StartFacts): StartPlan {
  const { hasData, bootstrap, join, lastKnown, forceNew } = facts
  if (forceNew && !hasData)
    return {
      kind: 'impossible',
      why: 'cluster.force_new_cluster needs data of a member, and cluster.raft.data_dir has none',
    }
  if (hasData) return { kind: 'resume', forceNew }
  const candidates = [...new Set([...join, ...lastKnown])]
  if (bootstrap && lastKnown.length === 0) return { kind: 'found', candidates }
  if (candidates.length > 0) return { kind: 'join', candidates }
  return {
    kind: 'impossible',
    why: 'no data, and neither cluster.bootstrap (first node) nor cluster.join (others)',
  }
}

/** What a node that wants to join says of itself. */
export interface JoinRequest {
  readonly name: string
  /** `http://host:port` where other members reach its Raft. */
  readonly peerUrl: string
}

export type Admission =
  /** Added as a learner, after its former self was removed. */
  | { readonly kind: 'add'; readonly replaces?: string }
  /** Added already, by a try whose answer was lost. */
  | { readonly kind: 'known'; readonly id: string }
  | { readonly kind: 'refuse'; readonly why: string }

/** Whether a cluster of these members takes one more. */
export function admissionOf(members: readonly RaftMember[], request: JoinRequest): Admission {
  const { name, peerUrl } = request
  const sameUrl = members.find(({ peerUrls }) => peerUrls.includes(peerUrl))
  const sameName = members.find((member) => member.name === name)
  if (sameName !== undefined && sameName !== sameUrl) {
    const where = addressOfUrl(sameName.peerUrls[0] ?? '')
    return {
      kind: 'refuse',
      why: `a member named ${name} is at ${where}: choose another cluster.node_name, or remove it`,
    }
  }
  if (sameUrl === undefined) return { kind: 'add' }
  // Without a name it never started: nothing was written by it, so its place is free to take.
  if (sameUrl.name === '') return { kind: 'known', id: sameUrl.id }
  if (sameUrl.name !== name)
    return {
      kind: 'refuse',
      why: `${addressOfUrl(peerUrl)} is the address of the member ${sameUrl.name}: remove it first`,
    }
  // Its disk is empty, so it forgot what it voted for. Under its old identity it could vote twice
  // in a term (Raft, section 5.4: votes must be kept), so it comes back as another member.
  return { kind: 'add', replaces: sameUrl.id }
}

/** The value of `--initial-cluster`: every member with its URL, the one that joins by its name. */
export function initialCluster(members: readonly RaftMember[], self: JoinRequest): string {
  const others = members
    .filter(({ peerUrls, name }) => !peerUrls.includes(self.peerUrl) && name !== '')
    .flatMap(({ name, peerUrls }) => peerUrls.map((url) => `${name}=${url}`))
  return [...others, `${self.name}=${self.peerUrl}`].join(',')
}

/** `host:port` of a URL as etcd writes them; the text itself where it is none. */
export const addressOfUrl = (url: string): string => url.replace(/^[a-z]+:\/\//, '')

const isAll = (host: string): boolean => host === '' || host === '0.0.0.0' || host === '::'

/**
 * Where others reach what listens here.
 * @param own address of the machine, for a listener on all of them
 */
export function advertisedOf(bind: string, advertise: string, own: string): string | undefined {
  if (advertise !== '') return advertise
  const endpoint = parseEndpoint(bind)
  if (!endpoint.ok) return undefined
  const { host, port } = endpoint.value
  if (isAll(host) && own === '') return undefined
  return formatEndpoint(isAll(host) ? own : host, port)
}

/** Whether that is an address somebody named, and not one that the machine happens to have. */
export function isNamed(bind: string, advertise: string): boolean {
  const endpoint = parseEndpoint(bind)
  return advertise !== '' || (endpoint.ok && !isAll(endpoint.value.host))
}
