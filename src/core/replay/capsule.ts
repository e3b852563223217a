/**
 * An incident capsule: what is needed to answer recorded questions again on another machine.
 *
 * It holds the configuration without secrets, the edits of the API over it, the pools of one epoch
 * as they were served, words, questions, where a database placed their clients, and a slice of the
 * event log; of answers only lengths and
 * checksums. The answers are made again by the code that made them first, so a change of the
 * configuration in it changes them.
 * A capsule comes from a file: everything in it is checked and bounded before it is used.
 */
import { z } from 'zod'
import { crc32 } from '../base/crc32.ts'
import { limits } from '../base/limits.ts'
import { replayLimits } from '../base/limits/replay.ts'
import { fail, ok, type Result } from '../base/result.ts'
import { textFiles } from '../config/files.ts'
import { formatProblem, type Loaded, loadConfig } from '../config/load.ts'
import type { PlainConfig } from '../config/plain.ts'
import type { ServingPool } from '../steer/snapshot.ts'
import type { ZoneSpec } from '../steer/topology.ts'
import { isWellFormed } from '../zone/rdata.ts'
import { base64ToBytes, bytesToBase64 } from '../zone/rdata-text.ts'
import type { TableParts } from '../zone/table.ts'
import { apexRecordsIn } from '../dnssec/serving-names.ts'
import { type ApexRecords, withApexRecords } from '../dnssec/serving-plan.ts'
import { decodeMessage, hexOf, messageLines } from './decode.ts'
import { underEdits } from './edited.ts'
import { Execution } from './execute.ts'
import { isPools } from './history.ts'
import { declaredPools, nextServing, geoUnder, partsOf, WELL, wordsByKey } from './next.ts'
import { partsOfPlaces, placesSchema } from './places.ts'
import type { Sample } from './sample.ts'

const FORMAT = 'opengslb-capsule'

const count = z.number().min(0).max(Number.MAX_SAFE_INTEGER)
const text = z.string()
const octets = z.string().max(16_384)

const sampleSchema = z.strictObject({
  at_ms: count,
  version: count,
  turn: count,
  pool: text,
  state: z.number().int().min(-1),
  transport: z.enum(['udp', 'tcp']),
  client: octets,
  query: octets,
  fate: z.number().int().min(0).max(2),
  cookie_state: z.number().int().min(0).max(3),
  cookie: octets,
  /** Its answer was signed. */
  signed: z.literal(true).optional(),
  stands_for: count,
  /** What was learned of clients decided; that is not in a capsule. */
  learned: z.boolean().optional(),
  check: z.strictObject({ bytes: count, crc32: count }),
})

export const capsuleSchema = z.strictObject({
  format: z.literal(FORMAT),
  version: z.literal(1),
  made_at_ms: count,
  node: text,
  software: text,
  configuration: z.string().max(replayLimits.keptConfigBytes.max),
  files: z.record(z.string(), z.string().max(replayLimits.keptConfigBytes.max)),
  serials: z.record(z.string(), count),
  /** What stands at the apexes of signed zones: public keys and what follows from them. */
  apexes: z
    .record(
      z.string(),
      z
        .array(z.strictObject({ type: count, ttl: count, data: octets }))
        .max(replayLimits.capsuleApexRecords.max),
    )
    .optional(),
  settings: z.strictObject({
    udpPayloadSize: z.number().int().min(512).max(4_096),
    nsid: z.string().max(255),
    versionString: z.string().max(255),
    tcpIdleTimeoutMs: count,
    whyNetworks: z.array(z.string()).max(4_096).optional(),
    subnets: z
      .strictObject({ trustedNetworks: z.array(z.string()).max(4_096).readonly() })
      .optional(),
    cookies: z.enum(['off', 'on', 'required']),
  }),
  /** What the API made and edited beside the configuration, as the registry keeps it. */
  edits: z.array(z.unknown()).max(limits.objectsMax.max).optional(),
  /** Where the clients of the samples are, when a database says so. */
  places: placesSchema.optional(),
  epoch: count,
  /** As they were served. */
  pools: z.custom<readonly ServingPool[]>(isPools),
  /** As the configuration and the edits declare them: what is more came from agents. */
  declared: z.custom<readonly ServingPool[]>(isPools),
  /** Words of one pool, by the order of its servers; samples name them by index. */
  states: z.array(z.array(count)).max(replayLimits.capsuleSamples.max),
  samples: z.array(sampleSchema).max(replayLimits.capsuleSamples.max),
  events: z.array(z.unknown()).max(100_000),
})

export type Capsule = z.output<typeof capsuleSchema>
type CapsuleSample = Capsule['samples'][number]

/** Reads a capsule from untrusted bytes. */
export function parseCapsule(bytes: Uint8Array): Result<Capsule, string> {
  if (bytes.length > replayLimits.capsuleReadBytes.default) return fail('it is too large')
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return fail('it is not JSON text')
  }
  const read = capsuleSchema.safeParse(value)
  if (read.success) return ok(read.data)
  const [issue] = read.error.issues
  return fail(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not a capsule'}`)
}

/** A sample as a capsule holds it, with the words it brought. */
export function capsuleSamples(
  samples: readonly Sample[],
  pools: readonly ServingPool[],
): Pick<Capsule, 'samples' | 'states'> {
  const states: number[][] = []
  const known = new Map<string, number>()
  const stateOf = ({ pool, words }: Sample): number => {
    if (pool < 0 || words === undefined) return -1
    const key = `${pool} ${words.join(' ')}`
    const held = known.get(key)
    if (held !== undefined) return held
    known.set(key, states.length)
    states.push([...words])
    return states.length - 1
  }
  const packed = samples.map(
    (sample): CapsuleSample => ({
      at_ms: sample.atMs,
      version: sample.version,
      turn: sample.turn,
      pool: pools[sample.pool]?.name ?? '',
      state: stateOf(sample),
      transport: sample.transport,
      client: bytesToBase64(sample.client),
      query: bytesToBase64(sample.query),
      fate: sample.fate,
      cookie_state: sample.cookieState,
      cookie: bytesToBase64(sample.cookie),
      ...(sample.signed === 0 ? {} : { signed: true as const }),
      stands_for: sample.standsFor,
      ...(sample.routes > 0 ? { learned: true } : {}),
      check: { bytes: sample.answerBytes, crc32: sample.answerCrc },
    }),
  )
  return { samples: packed, states }
}

/** One question of a capsule, answered again. */
export interface Replayed {
  readonly at_ms: number
  readonly name: string
  readonly type: string
  readonly client: readonly number[]
  readonly turn: number
  readonly answer_hex: string
  readonly answer: readonly string[]
  /** Whether it is the answer that was given. */
  readonly same: boolean
}

export interface CapsuleReplay {
  readonly replayed: readonly Replayed[]
  readonly same: number
  readonly different: number
  /** Samples that could not be answered again, by reason. */
  readonly skipped: Readonly<Record<string, number>>
}

function load(
  configuration: string,
  files: Readonly<Record<string, string>>,
  what: string,
): Result<Loaded, string> {
  const all = { ...files, [what]: configuration }
  const loaded = loadConfig(what, { files: textFiles(all), env: {} })
  return loaded.ok ? loaded : fail(loaded.error.map(formatProblem).join('\n'))
}

const withSerials = (zones: readonly ZoneSpec[], serials: Readonly<Record<string, number>>) =>
  zones.map((zone) => {
    const serial = Object.hasOwn(serials, zone.apex) ? serials[zone.apex] : undefined
    return serial === undefined ? zone : { ...zone, soa: { ...zone.soa, serial } }
  })

/** The apex records of a capsule; those that are not whole are left out. */
const apexesIn = ({ apexes = {} }: Capsule): ApexRecords[] =>
  Object.entries(apexes).map(([apex, records]) => ({
    apex,
    records: records.flatMap(({ type, ttl: ttlSeconds, data }) => {
      const rdata = octetsOf(data)
      if (rdata === undefined || !isWellFormed(type, rdata)) return []
      return [{ name: apex, type, ttlSeconds, rdata }]
    }),
  }))

/** The octets of base64 text; undefined when it is none. */
const octetsOf = (base64: string): Uint8Array | undefined => {
  const read = base64ToBytes(base64)
  return read.ok ? Uint8Array.from(read.value) : undefined
}

/**
 * Answers every question of a capsule, in order.
 *
 * @param changed another configuration to answer them under; by default the capsule's own
 */
export function replayCapsule(
  capsule: Capsule,
  changed?: Pick<PlainConfig, 'text' | 'files'>,
): Result<CapsuleReplay, string> {
  const { configuration, files, serials, settings, epoch, pools, declared } = capsule
  const loaded =
    changed === undefined
      ? load(configuration, files, 'capsule.yaml')
      : load(changed.text, { ...files, ...changed.files }, 'changed.yaml')
  if (!loaded.ok) return loaded
  const nothing = wordsByKey([], [])
  const { config, topology } = underEdits(loaded.value, capsule.edits ?? [])
  const next = nextServing(pools, nothing, declared, declaredPools(topology))
  const zones = withApexRecords(withSerials(topology.zones, serials), apexesIn(capsule))
  const held = capsule.places === undefined ? undefined : partsOfPlaces(capsule.places)
  const geo = geoUnder(config, topology.regions, held)
  const parts = partsOf(zones, next.pools, 1, geo)
  const execution = new Execution(settings, epoch, parts)
  const places = new Map(next.pools.map(({ name, members }, pool) => [name, { pool, members }]))
  const skipped: Record<string, number> = {}
  const skip = (why: string) => {
    skipped[why] = (skipped[why] ?? 0) + 1
  }
  const byName = new Map(pools.map((pool) => [pool.name, pool]))
  const replayed: Replayed[] = []
  for (const sample of capsule.samples) {
    const words = capsule.states[sample.state]
    const place = places.get(sample.pool)
    if (sample.signed === true) {
      skip('its answer was signed, and signatures are not in a capsule')
      continue
    }
    if (sample.pool !== '' && words === undefined) {
      skip('the words of its pool are not in the capsule')
      continue
    }
    if (sample.learned === true) {
      skip('what was learned of its client is not in the capsule')
      continue
    }
    if (place !== undefined && words !== undefined)
      execution.setWords(place.pool, wordsFor(place.members, byName.get(sample.pool), words))
    const one = replayOne(execution, sample)
    if (one === undefined) skip('it is not whole')
    else replayed.push(one)
  }
  const same = replayed.filter((one) => one.same).length
  return ok({ replayed, same, different: replayed.length - same, skipped })
}

/** Words by key, for servers that may stand in another order or be new, which are taken as well. */
function wordsFor(
  members: ServingPool['members'],
  served: ServingPool | undefined,
  words: readonly number[],
): readonly number[] {
  const known = wordsByKey(served === undefined ? [] : [served], [words])
  return members.map(({ key }) => known.get(`${served?.name ?? ''} ${key}`) ?? WELL)
}

function replayOne(execution: Execution, sample: CapsuleSample): Replayed | undefined {
  const [query, client, cookie] = [sample.query, sample.client, sample.cookie].map(octetsOf)
  if (query === undefined || client === undefined || cookie === undefined) return
  if (client.length !== 4 && client.length !== 16) return
  if (query.length > limits.sampleQueryBytes.max) return
  execution.serving.markVersion(sample.version)
  const answer = execution.answer({
    query,
    client,
    cookie,
    turn: sample.turn,
    transport: sample.transport,
    fate: sample.fate,
    cookieState: sample.cookie_state,
  })
  const { name, type } = decodeMessage(answer.length > 0 ? answer : query)
  const { bytes, crc32: sum } = sample.check
  return {
    at_ms: sample.at_ms,
    name,
    type,
    client: [...client],
    turn: sample.turn,
    answer_hex: hexOf(answer),
    answer: messageLines(answer),
    same: answer.length === bytes && crc32(answer) === sum,
  }
}

/** A capsule as text, its oldest samples left out until it fits. */
export function capsuleText(capsule: Capsule, mostBytes: number): string {
  let text = JSON.stringify(capsule)
  let samples: readonly CapsuleSample[] = capsule.samples
  let events: readonly unknown[] = capsule.events
  while (text.length > mostBytes && (samples.length > 0 || events.length > 0)) {
    samples = samples.slice(Math.ceil(samples.length / 4))
    events = events.slice(Math.ceil(events.length / 4))
    text = JSON.stringify({ ...capsule, samples, events })
  }
  return text
}

export const capsuleOf = (parts: Omit<Capsule, 'format' | 'version'>): Capsule => ({
  format: FORMAT,
  version: 1,
  ...parts,
})

/** The records at the apexes of signed zones, as a capsule holds them. */
export const capsuleApexes = (table: TableParts): NonNullable<Capsule['apexes']> =>
  Object.fromEntries(
    apexRecordsIn(table).map(({ apex, records }) => [
      apex,
      records.map(({ type, ttlSeconds, rdata }) => ({
        ...{ type, ttl: ttlSeconds, data: bytesToBase64(rdata) },
      })),
    ]),
  )

/** The SOA serials that compiled zones carry, by apex. */
export function serialsOf(table: {
  readonly soas: Uint8Array
  readonly soaEnds: Uint32Array
  readonly apexes: readonly string[]
}): Record<string, number> {
  const view = new DataView(table.soas.buffer, table.soas.byteOffset, table.soas.byteLength)
  return Object.fromEntries(
    // RFC 1035 section 3.3.13: five numbers of 32 bits end the SOA, the serial is the first.
    table.apexes.map((apex, zone) => [apex, view.getUint32(table.soaEnds[zone]! - 20)]),
  )
}
