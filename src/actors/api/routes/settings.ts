/**
 * Settings that take effect while the node runs: defaults of DNS and of health checks, and how much
 * is logged; and what the API has edited beside the file.
 *
 * Every other field of these objects says what the file or the program has settled; sent back as it
 * is it changes nothing, and with another value it is refused with the key of the file that rules.
 */
import type { FieldValue } from '../../../core/config/overlay/entry.ts'
import type { ObjectView } from '../../../core/config/overlay/views.ts'
import { ask, type Context, nowText } from '../context.ts'
import { type BodySpec, bodyOf, edit, listObjects, readEdit, tagOf } from '../edits.ts'
import { durationText } from '../health-checks.ts'
import { type HttpAnswer, json, noContent, refuse, timestamp } from '../http.ts'
import { type Call, type Route, route } from '../router.ts'
import * as shapes from '../schemas/objects.ts'

type Values = Readonly<Record<string, unknown>>

interface Group {
  readonly id: 'dns' | 'health_check' | 'logging'
  readonly path: string
  readonly doc: string
  readonly fields: BodySpec['fields']
  /** A group as the original shows it. */
  readonly shown: (values: Values) => Values
  readonly hint: string
}

/** Seconds, as the fields of the original count them. */
const SECONDS = ['default_interval_seconds', 'default_timeout_seconds']

const GROUPS: readonly Group[] = [
  {
    id: 'dns',
    path: '/api/v1/config/dns',
    doc: 'the defaults of DNS',
    fields: {
      default_ttl: 'default_ttl',
      default_routing_policy: 'default_routing_algorithm',
      default_answers: 'default_answers',
      when_all_down: 'when_all_down',
    },
    shown: ({ default_routing_algorithm, ...rest }) => ({
      ...rest,
      default_routing_policy: default_routing_algorithm,
    }),
    hint: 'is set in the file, under `dns`',
  },
  {
    id: 'health_check',
    path: '/api/v1/config/health-check',
    doc: 'the defaults of health checks',
    fields: {
      default_interval_seconds: 'interval',
      default_timeout_seconds: 'timeout',
      healthy_threshold: 'success_threshold',
      unhealthy_threshold: 'failure_threshold',
      default_protocol: 'type',
      interval: 'interval',
      timeout: 'timeout',
    },
    shown: ({ type, intervalMs, timeoutMs, successThreshold, failureThreshold }) => ({
      default_interval_seconds: Number(intervalMs) / 1_000,
      default_timeout_seconds: Number(timeoutMs) / 1_000,
      healthy_threshold: successThreshold,
      unhealthy_threshold: failureThreshold,
      default_protocol: type,
    }),
    hint: 'is no default of health checks here',
  },
  {
    id: 'logging',
    path: '/api/v1/config/logging',
    doc: 'how much is logged',
    fields: { level: 'level' },
    shown: ({ level }) => ({ level }),
    hint: 'is set in the file, under `logging`, and needs a restart',
  },
]

export function settingRoutes(context: Context): Route[] {
  return [
    ...GROUPS.map((group) =>
      route('PUT', group.path, `Change ${group.doc}`, (call) => change(context, call, group), {
        schema: {
          tag: 'config',
          headers: shapes.conditional,
          body: shapes.settings,
          answers: { 200: shapes.oneOf('config', shapes.settings) },
        },
      }),
    ),
    route(
      'GET',
      '/api/v1/config/diff',
      'What the API made or edited beside the file',
      () => diff(context),
      {
        schema: {
          tag: 'config',
          answers: { 200: shapes.listOf('differences', shapes.difference) },
        },
      },
    ),
    route(
      'DELETE',
      '/api/v1/config/{group}',
      'Take the edits of a group of settings back: dns, health-check or logging',
      async (call) => await revert(context, call),
      { schema: { tag: 'config', answers: { 204: 'none' } } },
    ),
  ]
}

/** What a group shows of what the file and the program have settled. */
export function toldOf({ config }: Context, id: Group['id']): Values {
  const { settings, audit } = config()
  if (id === 'dns') return settings?.dns ?? {}
  if (id === 'health_check') return settings?.healthCheck ?? {}
  const days = audit === undefined ? 0 : Math.ceil(audit.retentionMs / DAY_MS)
  const told = { enable_audit: audit !== undefined, audit_retention_days: days }
  return { ...settings?.logging, ...told }
}

const DAY_MS = 86_400_000

/** What a group shows of the settings that may be edited. */
export async function settingsShown(context: Context, id: Group['id']): Promise<Values> {
  const views = await listObjects(context, 'setting', id)
  const view = views.ok ? views.value[0] : undefined
  const group = GROUPS.find((one) => one.id === id)
  return view === undefined || group === undefined ? {} : group.shown(view.values)
}

async function change(context: Context, call: Call, group: Group): Promise<HttpAnswer> {
  const body = bodyOf(call)
  if (!body.ok) return body.error
  const known = { ...toldOf(context, group.id), ...(await settingsShown(context, group.id)) }
  const object: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(body.value)) {
    if (Object.hasOwn(group.fields, name)) object[name] = fieldOf(name, value)
    else if (known[name] !== value && !isUnset(value)) return refuse(409, `${name}: ${group.hint}`)
  }
  const read = readEdit(object, { fields: group.fields, notes: [], fixed: {} })
  if (!read.ok) return read.error
  const order = { kind: 'setting', id: group.id, action: 'patch', ...read.value } as const
  const done = await edit(context, call, order, group)
  if (!done.ok) return done.error
  const view: ObjectView | undefined = done.value.object
  return json(200, { config: view === undefined ? {} : group.shown(view.values) }, tagOf(view))
}

/** Clients of the original send every field, most of them empty. */
const isUnset = (value: unknown) => value === null || value === '' || value === 0 || value === false

const fieldOf = (name: string, value: unknown): FieldValue | null | undefined => {
  if (name === 'interval' || name === 'timeout') return durationText(value)
  if (SECONDS.includes(name) && typeof value === 'number') return `${value}s`
  return value as FieldValue
}

async function revert(context: Context, call: Call): Promise<HttpAnswer> {
  const path = `/api/v1/config/${call.params['group']}`
  const group = GROUPS.find((one) => one.path === path)
  if (group === undefined) return refuse(404, 'not found')
  const order = { kind: 'setting', id: group.id, action: 'delete' } as const
  const done = await edit(context, call, order, group)
  return done.ok ? noContent : done.error
}

async function diff(context: Context): Promise<HttpAnswer> {
  const reply = await ask(context, 'api.list-differences', {})
  if (!reply.ok) return reply.error
  const differences = reply.value.differences.map(({ fields, atMs, fault, ...rest }) => ({
    ...rest,
    fields: fields.map(({ name, file, api }) => ({
      name,
      ...(file === undefined ? {} : { file: fileValue(file) }),
      api: JSON.parse(api) as unknown,
    })),
    at: timestamp(atMs),
    fault: fault && `${fault.field} ${fault.message}`.trim(),
  }))
  return json(200, { differences, total: differences.length, generated_at: nowText(context) })
}

/** What the file says; long values are known by their check sum alone. */
function fileValue(text: string): unknown {
  return text.startsWith('#') ? text : (JSON.parse(text) as unknown)
}
