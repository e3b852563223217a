/**
 * The door: lets nodes into the cluster that ask, and asks to be let in itself.
 *
 * Any member opens it to a node that reaches it; who may reach it is what the network of the
 * members, and their TLS where it is set, decide, as for Raft itself. A member is added without a
 * vote (a learner), so that one which never comes up does not count towards the quorum.
 */
import { limits } from '../../core/base/limits.ts'
import { membersOf, membersOfPage, objectOf, type RaftMember } from '../../core/cluster/gateway.ts'
import { addressOfUrl, admissionOf, type JoinRequest } from '../../core/cluster/planning.ts'
import { formatEndpoint, parseEndpoint } from '../../core/net/address.ts'
import type { Client } from './client.ts'
import type { ClusterPorts, DoorAnswer, EmbeddedConfig } from './contract.ts'
import type { ClusterCtx } from './standing.ts'

/** Where nodes that join are heard: named, or the port after that of Raft. */
export function doorOf(config: Pick<EmbeddedConfig, 'door'>, address: string): string {
  const endpoint = parseEndpoint(config.door === '' ? address : config.door)
  const raft = parseEndpoint(address)
  if (!endpoint.ok || !raft.ok) return config.door
  const { host, port } = endpoint.value
  const own = host === '' ? raft.value.host : host
  return formatEndpoint(own, config.door === '' ? port + 1 : port)
}

const told = (status: number, body: object): DoorAnswer => ({ status, text: JSON.stringify(body) })

/** Members in the form that the page of a member has them in. */
const listed = (members: readonly RaftMember[]) => ({
  members: members.map(({ id, name, peerUrls, clientUrls, isLearner }) => ({
    ...{ id, name, isLearner },
    peerURLs: peerUrls,
    clientURLs: clientUrls,
  })),
})

/** What is known of the members at the door. */
export interface Doorkeeper {
  /** A member that was let in and has not started for long. */
  readonly neverCame: () => RaftMember | undefined
  /** Whether the member of that name gives a sign of life. */
  readonly isPresent: (name: string) => boolean
}

/** Answers one request to join. */
export async function answerDoor(
  ctx: ClusterCtx,
  client: Client | undefined,
  text: string,
  { neverCame, isPresent }: Doorkeeper,
): Promise<DoorAnswer> {
  const { name, peerUrl } = objectOf(text) ?? {}
  const isText = (value: unknown): value is string =>
    typeof value === 'string' && value !== '' && value.length <= 512
  if (!isText(name) || !isText(peerUrl) || !/^https?:\/\/[^/,=]+$/.test(peerUrl))
    return told(400, { error: 'name and peerUrl are wanted' })
  const members = await client?.members()
  if (client === undefined || members === undefined)
    return told(503, { error: 'this member does not answer yet' })
  const request: JoinRequest = { name, peerUrl }
  const admission = admissionOf(members, request)
  if (admission.kind === 'refuse') return told(409, { error: admission.why })
  if (admission.kind === 'known') return told(200, listed(members))
  if (members.length >= limits.clusterMembersMax.default)
    return told(409, { error: `the cluster has ${members.length} members, which is the most` })
  // A copy of it asks, or a stranger; a node with an empty disk is silent until it was let in.
  if (admission.replaces !== undefined && isPresent(name))
    return told(503, { error: `the member ${name} is alive: this is another node of its name` })
  if (admission.replaces !== undefined) {
    ctx.log.warn('member comes back without its data: its old self is removed', { member: name })
    if (!(await client.remove(admission.replaces))) return told(503, { error: client.lastFault })
  }
  // The cluster takes one at a time, and waits until the last one is well.
  let added = await client.addLearner(peerUrl)
  const gone = added === undefined && isFull(client) ? neverCame() : undefined
  if (gone !== undefined && (await client.remove(gone.id))) {
    ctx.log.warn('member removed: it was let in and never started', { member: calledBy(gone) })
    added = await client.addLearner(peerUrl)
  }
  if (added === undefined) return told(503, { error: whyNot(client, members) })
  ctx.log.info('member added', { member: name, address: addressOfUrl(peerUrl) })
  const left = [admission.replaces, gone?.id]
  const rest = members.filter(({ id }) => !left.includes(id))
  return told(200, listed([...rest, added]))
}

const isFull = ({ lastFault }: Client): boolean => lastFault.includes('too many learner')
const calledBy = ({ name, peerUrls }: RaftMember): string => name || addressOfUrl(peerUrls[0] ?? '')

/** Why nobody was added: etcd keeps to itself which member is in the way. */
function whyNot(client: Client, members: readonly RaftMember[]): string {
  const learner = members.find(({ isLearner }) => isLearner)
  if (!isFull(client) || learner === undefined) return client.lastFault
  const called = calledBy(learner)
  const hint = `if it does not come, run: opengslb-cli cluster remove ${called}`
  const was = learner.name === '' ? 'was let in and has not started' : 'has no vote yet'
  return `${called} ${was}, and the cluster takes one at a time; ${hint}`
}

export type Entry =
  | { readonly kind: 'admitted'; readonly members: readonly RaftMember[] }
  | { readonly kind: 'refused'; readonly why: string }
  /** Somebody is there, and cannot take one now. */
  | { readonly kind: 'busy'; readonly why: string }
  | { readonly kind: 'nobody'; readonly why: string }

/** Asks every candidate once, until one lets this node in. */
export async function askEntry(
  ports: ClusterPorts,
  { tls, door }: Pick<EmbeddedConfig, 'tls' | 'door'>,
  candidates: readonly string[],
  request: JoinRequest,
): Promise<Entry> {
  const scheme = tls === undefined ? 'http' : 'https'
  const timeoutMs = limits.clusterCallMs.default
  let last: Entry = { kind: 'nobody', why: 'there is nobody to ask' }
  for (const candidate of candidates) {
    const page = await ports.knock(`${scheme}://${candidate}/members`, undefined, timeoutMs, tls)
    if (page.code !== 'answered') {
      const kind = page.code === 'failed' ? 'busy' : 'nobody'
      if (last.kind === 'nobody') last = { kind, why: `${candidate}: ${page.message}` }
      continue
    }
    const doors = membersOfPage(page.text).flatMap(({ clientUrls }) => clientUrls)
    const own = `${scheme}://${doorOf({ door }, candidate)}`
    for (const url of new Set([...doors, own])) {
      last = await askDoor(ports, url, request, tls)
      if (last.kind === 'admitted' || last.kind === 'refused') return last
    }
  }
  return last
}

async function askDoor(
  ports: ClusterPorts,
  url: string,
  request: JoinRequest,
  tls: EmbeddedConfig['tls'],
): Promise<Entry> {
  const timeoutMs = limits.clusterCallMs.default * 5
  const answer = await ports.knock(`${url}/opengslb/join`, JSON.stringify(request), timeoutMs, tls)
  if (answer.code !== 'answered')
    return { kind: 'busy', why: `the door at ${url} does not answer: ${answer.message}` }
  const said = objectOf(answer.text) ?? {}
  if (answer.status === 200) return { kind: 'admitted', members: membersOf(said['members']) }
  const why = typeof said['error'] === 'string' ? said['error'] : `HTTP status ${answer.status}`
  return { kind: answer.status === 409 ? 'refused' : 'busy', why }
}
