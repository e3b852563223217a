/**
 * Keys of the signed zones, what their parents may be given, and orders to share or replace them.
 *
 * Public data alone: no route, whatever the caller's role, tells a private key.
 */
import type { DnssecOutcome, KeyView, PeerView, SyncView } from '../../../messages/signer-views.ts'
import { formatDuration } from '../../../core/config/kinds/numbers.ts'
import { fail, ok, type Result } from '../../../core/base/result.ts'
import { Fields, parseObject } from '../body.ts'
import { ask, callerOf, type Context, nowText } from '../context.ts'
import { type HttpAnswer, json, refuse, seenOf, timestamp } from '../http.ts'
import { type Call, type Route, route } from '../router.ts'
import { dnssecSchemas as schemas } from '../schemas/dnssec.ts'

/** What most parents give their DS records. */
const WEEK_SECONDS = 604_800
const TAGS_MAX = 16
const ROOT = '/api/v1/dnssec'

export function dnssecRoutes(context: Context): Route[] {
  const status = (call: Call) => showStatus(context, call)
  return [
    route('GET', ROOT, 'Keys and how they are shared', status, { schema: schemas.status }),
    route('GET', `${ROOT}/status`, 'Keys and how they are shared; filter zone', status, {
      schema: schemas.status,
    }),
    route('GET', `${ROOT}/keys`, 'The public keys; filter zone', (c) => showKeys(context, c), {
      schema: schemas.keys,
    }),
    route('GET', `${ROOT}/ds`, 'DS records for the parent zone', (call) => showDs(context, call), {
      schema: schemas.ds,
    }),
    route('POST', `${ROOT}/sync`, 'Look for keys at the peers', (call) => sync(context, call), {
      schema: schemas.sync,
    }),
    route('POST', `${ROOT}/peer`, 'For overwatches: sealed keys', (call) => peer(context, call), {
      // The envelope proves who sends it; what does not open gets nothing.
      open: true,
      changes: false,
      schema: schemas.peer,
    }),
    route('POST', `${ROOT}/parent-ds`, 'Tell which DS the parent has', (c) => tell(context, c), {
      schema: schemas.tell,
    }),
    route('POST', `${ROOT}/rollover`, 'Begin to replace a key', (call) => roll(context, call), {
      schema: schemas.roll,
    }),
  ]
}

interface Told {
  readonly enabled: boolean
  readonly message?: string
  readonly keys: readonly KeyView[]
  readonly zones: readonly { readonly zone: string }[]
  readonly sync: SyncView
}

const NO_SYNC: SyncView = {
  ...{ enabled: false, pollMs: 0, lastSyncMs: 0, lastError: '', nextSyncMs: 0, peers: [] },
}

const unsigned = (message: string): Told => ({
  ...{ enabled: false, message, keys: [], zones: [], sync: NO_SYNC },
})

/** Names compare without regard to case or a final dot (RFC 4343 section 3). */
const plain = (name: string): string => name.toLowerCase().replace(/\.$/, '')

async function read(context: Context, query: URLSearchParams): Promise<Result<Told, HttpAnswer>> {
  if (context.config().mode === 'agent') return ok(unsigned('an agent answers no DNS'))
  const asked = query.get('zone')
  const zone = asked === null ? undefined : plain(asked)
  const reply = await ask(context, 'api.list-keys', zone === undefined ? {} : { zone })
  if (!reply.ok) return reply
  const { enabled } = reply.value
  if (!enabled) return ok(unsigned('overwatch.dnssec.enabled is false, or dns.zones lists none'))
  if (zone !== undefined && reply.value.zones.length === 0)
    return fail(refuse(404, `no zone "${zone}" is signed here`))
  return ok(reply.value)
}

const whyOf = ({ message }: Told) => (message === undefined ? {} : { message })

async function showStatus(context: Context, { query }: Call): Promise<HttpAnswer> {
  const told = await read(context, query)
  if (!told.ok) return told.error
  const { enabled, keys, zones } = told.value
  return json(200, {
    ...{ enabled, ...whyOf(told.value), keys: keys.map((key) => keyOf(context, key)), zones },
    sync: syncOf(told.value.sync),
    generated_at: nowText(context),
  })
}

async function showKeys(context: Context, { query }: Call): Promise<HttpAnswer> {
  const told = await read(context, query)
  if (!told.ok) return told.error
  const { enabled, keys } = told.value
  const shown = keys.map((key) => keyOf(context, key))
  return json(200, {
    ...{ enabled, ...whyOf(told.value), keys: shown, generated_at: nowText(context) },
  })
}

/**
 * Keys whose DS the parent should have: those that CDS asks for. Before anything was asked for,
 * those that sign the keys; never one whose key set may not have reached every cache.
 */
function wantedOf(keys: readonly KeyView[], zone: string): readonly KeyView[] {
  const own = keys.filter((key) => key.zone === zone)
  const offered = own.filter((key) => key.offered)
  if (offered.length > 0) return offered
  return own.filter(({ phase }) => phase === 'active' || phase === 'retiring')
}

async function showDs(context: Context, { query }: Call): Promise<HttpAnswer> {
  const told = await read(context, query)
  if (!told.ok) return told.error
  const { enabled, keys, zones } = told.value
  const records = zones.flatMap(({ zone }) => wantedOf(keys, zone)).flatMap(dsOf)
  return json(200, {
    ...{ enabled, ...whyOf(told.value), ds_records: records, generated_at: nowText(context) },
  })
}

const keyOf = (context: Context, key: KeyView) => ({
  zone: key.zone,
  key_tag: key.keyTag,
  algorithm: key.algorithmName,
  algorithm_number: key.algorithm,
  flags: key.flags,
  role: key.role,
  phase: key.phase,
  public_key: key.publicKey,
  created_at: seenOf(key.createdMs),
  age_seconds: Math.max(0, Math.floor((context.ctx.clock.nowMs() - key.createdMs) / 1_000)),
  node_id: context.config().nodeId,
  can_sign: key.active,
  parent_ds: key.parentDs,
  offered: key.offered,
  published: key.published,
})

const dsOf = (key: KeyView) =>
  key.ds.map(({ digestType, digest }) => ({
    zone: key.zone,
    key_tag: key.keyTag,
    algorithm: key.algorithmName,
    algorithm_number: key.algorithm,
    digest_type: digestType,
    digest,
    ds_record: `${key.zone}. IN DS ${key.keyTag} ${key.algorithm} ${digestType} ${digest}`,
    created_at: seenOf(key.createdMs),
  }))

const timeOf = (atMs: number): string | null => (atMs === 0 ? null : timestamp(atMs))
const wordOf = (text: string): string | null => (text === '' ? null : text)

const peerOf = ({ peer, lastTriedMs, lastSuccessMs, lastError }: PeerView) => ({
  peer,
  last_sync: timeOf(lastTriedMs),
  last_success: timeOf(lastSuccessMs),
  last_error: wordOf(lastError),
})

const syncOf = ({ enabled, pollMs, lastSyncMs, lastError, nextSyncMs, peers }: SyncView) => ({
  enabled,
  running: enabled,
  poll_interval: formatDuration(pollMs),
  last_sync: timeOf(lastSyncMs),
  last_sync_error: wordOf(lastError),
  next_sync: timeOf(nextSyncMs),
  peer_count: peers.length,
  peers: peers.map(peerOf),
})

const STATUSES: Readonly<Record<DnssecOutcome, number>> = {
  done: 200,
  refused: 409,
  'not-found': 404,
  // As the original says that key synchronisation is off.
  unavailable: 400,
}

const outcomeOf = (outcome: DnssecOutcome, message: string): HttpAnswer =>
  outcome === 'done' ? json(200, { status: 'ok', message }) : refuse(STATUSES[outcome], message)

async function sync(context: Context, call: Call): Promise<HttpAnswer> {
  if (context.config().mode === 'agent') return refuse(400, 'an agent holds no keys')
  const reply = await ask(context, 'api.sync-keys', { by: callerOf(call) })
  return reply.ok ? outcomeOf(reply.value.outcome, reply.value.message) : reply.error
}

/** A parent that cannot be asked is believed to have what an operator says. */
async function tell(context: Context, call: Call): Promise<HttpAnswer> {
  const object = parseObject(call.request.body)
  if (!object.ok) return refuse(400, object.error)
  // Of a TTL that is not told the longest is taken: nothing may go while a cache holds the DS.
  const { zone, key_tags: keyTags, ttl_seconds: ttlSeconds = WEEK_SECONDS, none } = object.value
  if (typeof zone !== 'string') return refuse(400, 'zone is required')
  const isTags = (tags: unknown): tags is number[] =>
    Array.isArray(tags) && tags.length <= TAGS_MAX && tags.every((tag) => Number.isInteger(tag))
  if (!isTags(keyTags)) return refuse(400, 'key_tags is a list of key tags')
  if ((keyTags.length === 0) !== (none === true))
    return refuse(400, 'key_tags lists at least one tag, unless none is true: the parent has no DS')
  if (typeof ttlSeconds !== 'number' || ttlSeconds < 0 || ttlSeconds > WEEK_SECONDS)
    return refuse(400, `ttl_seconds is a number up to ${WEEK_SECONDS}`)
  const by = callerOf(call)
  const reply = await ask(context, 'api.tell-ds', { zone: plain(zone), keyTags, ttlSeconds, by })
  return reply.ok ? outcomeOf(reply.value.outcome, reply.value.message) : reply.error
}

/** What a peer sent and gets is sealed, and only the signer can open it. */
async function peer(context: Context, call: Call): Promise<HttpAnswer> {
  if (context.config().mode === 'agent') return refuse(404, 'an agent holds no keys')
  const object = parseObject(call.request.body)
  if (!object.ok) return refuse(400, object.error)
  const message: unknown = Reflect.get(object.value, 'message')
  const client = call.caller.address
  // As long as a body may be: the signer bounds what it opens.
  if (typeof message !== 'string') return refuse(400, 'message is required')
  const reply = await ask(context, 'api.exchange-keys', { message, client })
  if (!reply.ok) return reply.error
  const { fault, message: answer } = reply.value
  return fault === '' ? json(200, { message: answer }) : refuse(403, fault)
}

async function roll(context: Context, call: Call): Promise<HttpAnswer> {
  const object = parseObject(call.request.body)
  if (!object.ok) return refuse(400, object.error)
  const fields = new Fields(object.value)
  const [zone, role] = [fields.text('zone'), fields.text('role')]
  const emergency = fields.boolean('emergency') ?? false
  const force = fields.boolean('force') ?? false
  if (fields.fault !== undefined) return refuse(400, fields.fault)
  if (zone === undefined) return refuse(400, 'zone is required')
  const reply = await ask(context, 'api.roll-keys', {
    zone: plain(zone),
    ...(role === undefined ? {} : { role }),
    ...(force ? { force } : {}),
    ...{ emergency, by: callerOf(call) },
  })
  return reply.ok ? outcomeOf(reply.value.outcome, reply.value.message) : reply.error
}
