/**
 * Every event of the feed, declared once: what recording it takes, and what readers may rely on.
 *
 * The types of the recorder, docs/reference/events.md and the JSON schema beside it come from this
 * table. Fields may be added to an event; none changes its meaning, and readers pass over what they
 * do not know.
 */
import type { DurableTopic, Json, Topic } from './event.ts'

interface DataField<T> {
  readonly type: 'string' | 'number' | 'boolean' | 'array' | 'object'
  readonly optional: boolean
  readonly doc: string
  /** Never set; carries the type. */
  readonly is?: T
}

const field = <T>(type: DataField<T>['type'], doc: string): DataField<T> => ({
  type,
  optional: false,
  doc,
})

const text = <T extends string = string>(doc: string) => field<T>('string', doc)
const number = (doc: string) => field<number>('number', doc)
const flag = (doc: string) => field<boolean>('boolean', doc)
const names = (doc: string) => field<readonly string[]>('array', doc)
const counts = (doc: string) => field<Readonly<Record<string, number>>>('object', doc)
const optional = <T>(inner: DataField<T>): DataField<T | undefined> => ({
  ...inner,
  optional: true,
})

export interface EventDefinition {
  readonly doc: string
  readonly data: Readonly<Record<string, DataField<unknown>>>
}

const backend = () => text('key of the backend, `service:address:port`')
const author = () => text('who asked')
const why = () => text('why, for people')
const until = () => optional(number('when it ends by itself, Unix milliseconds'))
const backendFields = { backend: backend(), address: text('its address'), port: number('its port') }

const orderFields = { ...backendFields, by: optional(author()), reason: optional(why()) }
const memberFields = {
  member: text('name of the member'),
  role: text('`agent`, `overwatch` or `unknown`'),
  address: text('its address and port'),
}
const guardFields = {
  domain: text('the name served'),
  backends: names('keys of the backends kept in service'),
}

export const events = {
  'health.status-changed': {
    doc: 'A backend has another status.',
    data: {
      ...backendFields,
      old_status: text('`unknown`, `healthy`, `unhealthy`, `stale` or `draining`'),
      new_status: text('the same, from now on'),
      old_cause: text('the rule that decided before'),
      cause: text('the rule of the precedence that decided'),
      serving: flag('whether it may serve; a hold-down can keep it out for a while'),
      reason: text('outcome of the deciding check, or why it was declared; empty for none'),
    },
  },
  'health.pool-emptied': {
    doc: 'No backend of a name is healthy any more.',
    data: {
      domain: text('the name served'),
      when_all_down: text('what is answered meanwhile'),
    },
  },
  'override.set': {
    doc: 'A backend is forced healthy or unhealthy, here or on another overwatch.',
    data: { ...orderFields, healthy: flag('the state it is forced to'), expires_at_ms: until() },
  },
  'override.cleared': {
    doc: 'An override was lifted; the backend follows its checks again.',
    data: orderFields,
  },
  'override.expired': { doc: 'An override reached its end.', data: orderFields },
  'drain.ordered': {
    doc: 'An operator takes backends out of service.',
    data: {
      backends: names('keys of the backends'),
      by: author(),
      reason: optional(why()),
      until_ms: until(),
    },
  },
  'drain.lifted': {
    doc: 'An operator ended a drain.',
    data: { backends: names('keys of the backends'), by: author() },
  },
  'drain.started': {
    doc: 'A drain took effect in the answers of this node, whoever declared it.',
    data: { ...backendFields, drain: text('id of the drain'), by: text('what declared it') },
  },
  'drain.ended': {
    doc: 'A backend no longer drains.',
    data: { ...backendFields, drain: text('id of the drain') },
  },
  'registration.backend-added': {
    doc: 'A backend is known from now on.',
    data: { ...backendFields, source: text('`static`, `agent` or `api`') },
  },
  'registration.backend-removed': {
    doc: 'A backend is no longer known.',
    data: { backend: backend() },
  },
  'registration.agent-joined': {
    doc: 'An agent reports for the first time.',
    data: { agent: text('name of the agent'), backends: number('how many it speaks for') },
  },
  'registration.agent-left': {
    doc: 'An agent is gone, and its backends with it.',
    data: {
      agent: text('name of the agent'),
      reason: text('`deregistered`, `revoked`, `forgotten` or `silent`'),
      backends: number('how many it spoke for'),
    },
  },
  'registration.agent-silent': {
    doc: 'An agent has not been heard for `overwatch.stale.threshold`.',
    data: { agent: text('name of the agent'), silent_ms: number('since it was last heard') },
  },
  'registration.agent-heard': {
    doc: 'A silent agent is heard again.',
    data: { agent: text('name of the agent'), backends: number('how many it speaks for') },
  },
  'gossip.member-joined': { doc: 'A node is a member of the cluster.', data: memberFields },
  'gossip.member-suspected': { doc: 'A member does not answer.', data: memberFields },
  'gossip.member-failed': { doc: 'A member is taken for dead.', data: memberFields },
  'gossip.member-left': { doc: 'A member left by its own word.', data: memberFields },
  'gossip.member-recovered': { doc: 'A member answers again.', data: memberFields },
  'gossip.member-forgotten': { doc: 'A member is no longer listed.', data: memberFields },
  'delta.word-changed': {
    doc: 'What the DNS threads know of one backend of one name changed.',
    data: {
      domain: text('the name served'),
      backend: backend(),
      epoch: number('of the compiled topology'),
      version: number('grows with every change'),
      serving: flag('gets traffic'),
      status: text('its status'),
      cause: text('the rule that decided'),
      held_down: flag('healthy again, and waiting'),
      guarded: flag('kept in service by the guard-rail'),
      share: number('thousandths of its weight, 0-1000'),
    },
  },
  'dnssec.key-step': {
    doc: 'Something changed of the keys of a zone.',
    data: {
      zone: text('apex of the zone'),
      step: text('what kind of step: `keys-begun`, `key-published`, `ds-seen`, …'),
      text: text('a sentence for people'),
      key_tag: optional(number('tag of the key')),
    },
  },
  'dnssec.serving-held': {
    doc: 'A configuration waits for its signatures; what was signed before serves on.',
    data: { epoch: number('of the compiled topology'), reason: why() },
  },
  'dnssec.serving-released': {
    doc: 'What was held has its signatures and is served.',
    data: { epoch: number('of the compiled topology') },
  },
  'cluster.overwatches-changed': {
    doc: 'Other overwatches are alive than before.',
    data: {
      live: names('those alive, this one too'),
      joined: names('those that were not'),
      lost: names('those that no longer are'),
    },
  },
  'cluster.leader-elected': {
    doc: 'Another node leads the cluster than before, or the same one anew.',
    data: { leader: text('name of the node'), term: number('grows with each leader') },
  },
  'cluster.leadership-gained': {
    doc: 'This node leads from now on, and answers queries.',
    data: { node: text('this node'), term: number('grows with each leader') },
  },
  'cluster.leadership-lost': {
    doc: 'This node leads no more.',
    data: {
      node: text('this node'),
      why: text('`another-leads`, `no-leader`, `lease-over` or `handed-over`'),
    },
  },
  'cluster.leader-lost': {
    doc: 'The cluster has no leader, as far as this node knows.',
    data: { node: text('this node') },
  },
  'config.topology-compiled': {
    doc: 'Another set of names and backends is in force.',
    data: {
      epoch: number('grows with every one'),
      domains: number('names served'),
      backends: number('backends known'),
      added: number('backends that are new'),
      removed: number('backends that are gone'),
    },
  },
  'config.edited': {
    doc: 'Something was made, edited or deleted through the API.',
    data: {
      kind: text('`domain`, `server`, `region`, `health-check`, `mapping` or `setting`'),
      id: text('which one'),
      action: text('`create`, `patch` or `delete`'),
      by: text('who asked'),
      from: optional(text('the overwatch where it was asked for; absent for this one')),
    },
  },
  'config.geo-loaded': {
    doc: 'A geographic database was read and is in use.',
    data: {
      path: text('its file'),
      type: text('as it calls itself'),
      builtSeconds: number('when it was made, Unix seconds'),
      changedShare: optional(number('part of sampled clients whose region or country it changed')),
    },
  },
  'config.refused': {
    doc: 'A configuration was not taken over; the one before stays in force.',
    data: { reason: why() },
  },
  'config.reloaded': {
    doc: 'The configuration file was read again and is in force.',
    data: { reloads: number('successful ones since the start') },
  },
  'config.reload-failed': {
    doc: 'The configuration file has faults; nothing was changed. The log names them.',
    data: { failures: number('failed ones since the start') },
  },
  'alarm.geo-refused': {
    doc: 'A geographic database was not taken; what was read before stays in use.',
    data: { path: text('its file'), reason: why() },
  },
  'alarm.dnssec-keys': {
    doc: 'Something is wrong with the keys of a zone, or its parent, that people must look at.',
    data: { zone: text('apex of the zone'), reason: why() },
  },
  'alarm.guard-held': {
    doc: 'The guard-rail kept backends in service that a change would have taken out.',
    data: {
      ...guardFields,
      change: text('`override`, `drain`, `reload`, `claim` or `edit`'),
      reason: why(),
    },
  },
  'alarm.guard-released': {
    doc: 'The guard-rail let go of backends that it kept.',
    data: guardFields,
  },
  'alarm.claim-contested': {
    doc: 'Two agents speak for one backend.',
    data: { backend: backend(), agent: text('the one that is not believed') },
  },
  'decision.sampled': {
    doc: 'One DNS answer out of many, with what decided it. Told as it happens, and not kept.',
    data: {
      id: text('of the sample, as in `GET /api/v1/routing/decisions`'),
      domain: text('the name asked for'),
      query_type: text('A, AAAA, …'),
      client_ip: text('of the client, or of the network its resolver tells'),
      transport: text('`udp` or `tcp`'),
      algorithm: text('how one was chosen; empty for what is not steered'),
      selected_server: text('key of the first backend of the answer; empty for none'),
      selected_region: text('its region'),
      outcome: text('what became of the query'),
      decision_time_us: number('how long answering took'),
      epoch: number('of the state it was answered from'),
      version: number('of the state it was answered from'),
      turn: optional(number('which turn of the name it was')),
      stands_for: number('queries of which it is one'),
      verified: optional(flag('the answer was made again and is the same')),
    },
  },
  'rate.second': {
    doc: 'What one second of DNS brought. Told as it happens, and not kept.',
    data: {
      queries: number('received'),
      rcodes: counts('answers by rcode'),
      seconds: number('how long it was'),
    },
  },
} as const satisfies Readonly<Record<`${Topic}.${string}`, EventDefinition>>

type Events = typeof events
export type EventName = keyof Events
/** Events that are recorded and numbered. */
export type DurableName = Extract<EventName, `${DurableTopic}.${string}`>

type OptionalKeys<D> = {
  [K in keyof D]: D[K] extends DataField<infer T> ? (undefined extends T ? K : never) : never
}[keyof D]
type TypeOf<F> = F extends DataField<infer T> ? T : never

/** The data of an event. */
export type DataOf<Name extends EventName> = {
  readonly [K in Exclude<keyof Events[Name]['data'], OptionalKeys<Events[Name]['data']>>]: TypeOf<
    Events[Name]['data'][K]
  >
} & {
  readonly [K in OptionalKeys<Events[Name]['data']>]?: TypeOf<Events[Name]['data'][K]>
}

/** Topic and kind of a name. */
export function partsOf(name: EventName): { readonly topic: Topic; readonly kind: string } {
  const dot = name.indexOf('.')
  return { topic: name.slice(0, dot) as Topic, kind: name.slice(dot + 1) }
}

/** Fields that are undefined are left out: they are not there, in either encoding. */
export function presentData(data: Readonly<Record<string, unknown>>) {
  const present = Object.entries(data).filter(([, value]) => value !== undefined)
  return Object.fromEntries(present) as Readonly<Record<string, Json>>
}
