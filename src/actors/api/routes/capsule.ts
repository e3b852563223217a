/**
 * The capsule that takes an incident to another machine.
 */
import { limits } from '../../../core/base/limits.ts'
import { textOf } from '../../../core/base/memory.ts'
import { ok, type Result } from '../../../core/base/result.ts'
import { textFiles } from '../../../core/config/files.ts'
import { loadConfig } from '../../../core/config/load.ts'
import {
  capsuleApexes,
  capsuleOf,
  capsuleSamples,
  capsuleText,
  serialsOf,
} from '../../../core/replay/capsule.ts'
import { underEdits } from '../../../core/replay/edited.ts'
import { declaredPools, namesDatabase } from '../../../core/replay/next.ts'
import { type Places, placesOf } from '../../../core/replay/places.ts'
import type { Config } from '../../../core/config/schema/root.ts'
import type { Kept } from '../decisions.ts'
import { Fields, type JsonObject, parseObject } from '../body.ts'
import { ask, type Context } from '../context.ts'
import { type HttpAnswer, refuse, timestamp } from '../http.ts'
import { type Call, type Route, route } from '../router.ts'
import { planShapes } from './plan-shapes.ts'
import { settingsOf } from './why.ts'

export const capsuleRoute = (context: Context): Route =>
  route(
    'POST',
    '/api/v1/capsules',
    'An incident capsule: configuration, questions and events of the last minutes',
    (call) => capsule(context, call),
    { changes: false, schema: planShapes.capsule },
  )

/** What the API made and edited beside the file. */
export async function editsOf(context: Context): Promise<Result<readonly unknown[], HttpAnswer>> {
  const reply = await ask(context, 'api.list-differences', { whole: true })
  return reply.ok ? ok(reply.value.entries ?? []) : reply
}

const MINUTES_MAX = 10_080

async function capsule(context: Context, { request }: Call): Promise<HttpAnswer> {
  const object = request.body.length === 0 ? ok<JsonObject>({}) : parseObject(request.body)
  if (!object.ok) return refuse(400, object.error)
  const fields = new Fields(object.value)
  const minutes = fields.number('minutes', 0, MINUTES_MAX) ?? 15
  if (fields.fault !== undefined) return refuse(400, fields.fault)
  const { serving, epochs, decisions, ctx } = context
  const { plain, nodeId, version } = context.config()
  const epoch = epochs.of(serving.epoch)
  if (epoch === undefined) return refuse(503, 'nothing is served yet', { 'retry-after': '1' })
  if (plain === undefined || plain.text === '')
    return refuse(409, 'the configuration in force is too large for a capsule')
  const own = loadConfig('own.yaml', {
    files: textFiles({ ...plain.files, 'own.yaml': plain.text }),
    env: {},
  })
  if (!own.ok) return refuse(409, 'the configuration in force needs files that are not here')
  const edits = await editsOf(context)
  if (!edits.ok) return edits.error
  const nowMs = ctx.clock.nowMs()
  const fromMs = Math.max(0, nowMs - minutes * 60_000)
  const events = await ask(context, 'api.read-log', { fromMs, most: 1_000 })
  const settings = settingsOf(context)
  // Samples of other epochs or settings followed from what is not in the capsule.
  const recorded = decisions.all
    .filter(({ sample }) => sample.epoch === serving.epoch && sample.atMs >= fromMs)
    .filter((one) => JSON.stringify(one.settings) === JSON.stringify(settings))
    .slice(-limits.capsuleSamples.default)
  const edited = underEdits(own.value, edits.value)
  const { kept, ...places } = placed(context, edited.config, recorded)
  const { table } = epoch.parts
  const apexes = table.apexes.length === 0 ? [] : textOf(table.apexes).split('\n')
  const made = capsuleOf({
    made_at_ms: nowMs,
    node: nodeId,
    software: version,
    configuration: plain.text,
    files: plain.files,
    serials: serialsOf({ ...table, apexes }),
    apexes: capsuleApexes(table),
    settings: settingsToKeep(settings),
    epoch: serving.epoch,
    pools: epoch.pools,
    edits: [...edits.value],
    declared: declaredPools(edited.topology),
    ...capsuleSamples(
      kept.map(({ sample }) => sample),
      epoch.pools,
    ),
    ...places,
    events: events.ok ? [...events.value.events] : [],
  })
  return fileOf(capsuleText(made, limits.capsuleBytes.default), nowMs)
}

/**
 * Where clients are follows from the configuration, unless it names a database. Samples that there
 * is no room to place are left out, the oldest of them.
 */
function placed(
  { epochs, serving, decisions }: Context,
  config: Config,
  kept: readonly Kept[],
): { readonly kept: readonly Kept[]; readonly places?: Places } {
  const geo = epochs.geoOf(serving.epoch)
  if (geo === undefined || !namesDatabase(config)) return { kept }
  const newestFirst = kept.toReversed()
  const told = newestFirst.map((one) => decisions.remake(one)?.client ?? one.sample.client)
  const { places, clients } = placesOf(geo, told)
  return { kept: kept.slice(kept.length - clients), places }
}

/** A capsule as a download, named by the time it was made. */
function fileOf(text: string, nowMs: number): HttpAnswer {
  const stamp = timestamp(nowMs)
    .replace(/[^0-9]/g, '')
    .slice(0, 14)
  return {
    status: 200,
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'content-disposition': `attachment; filename="opengslb-${stamp}.capsule.json"`,
    },
    body: new TextEncoder().encode(text),
  }
}

const settingsToKeep = ({ whyNetworks, ...settings }: ReturnType<typeof settingsOf>) => ({
  ...settings,
  ...(whyNetworks === undefined ? {} : { whyNetworks: [...whyNetworks] }),
})
