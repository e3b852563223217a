/**
 * Signed worlds to ask questions of; what a resolver makes of each reply is in dnssec-judge.ts.
 */
import { ownMemory } from '../../src/core/base/memory.ts'
import { Authority } from '../../src/core/dns/authority.ts'
import { OnlineDenial } from '../../src/core/dns/compact.ts'
import { servingParts, type ServingParts, wordsOf } from '../../src/core/dns/serving.ts'
import { foldCase, nameToWire, wireToName } from '../../src/core/dns/names.ts'
import { COMPACT_OK } from '../../src/core/dnssec/compact.ts'
import type { ZoneKey } from '../../src/core/dnssec/dnskey.ts'
import { defaultLifetimes, type LifetimePolicy } from '../../src/core/dnssec/lifetimes.ts'
import { onlineZones } from '../../src/core/dnssec/online.ts'
import {
  type Denial,
  apexRecordsOf,
  type ServingPlan,
  type WantedSet,
  withApexRecords,
} from '../../src/core/dnssec/serving-plan.ts'
import { signServing } from '../../src/core/dnssec/sign-serving.ts'
import { SignatureStore } from '../../src/core/dnssec/signatures.ts'
import { readKeys } from '../../src/core/dnssec/validate.ts'
import type { ServingPool, Snapshot } from '../../src/core/steer/snapshot.ts'
import type { ZoneSpec } from '../../src/core/steer/topology.ts'
import { layWords } from '../../src/core/steer/pool-layout.ts'
import { compileTable } from '../../src/core/zone/table-build.ts'
import { CLIENT } from './dns-world.ts'
import { buildQuery, type EdnsParts } from './dns-query.ts'
import { type Message, type ZoneToJudge, judgeMessage, readMessage } from './dnssec-judge.ts'
import { crypto, keyFor, plans } from './dnssec.ts'
import { UP } from './pools.ts'

export {
  type Message,
  type ZoneToJudge,
  judgeMessage,
  readMessage,
  setsOf,
} from './dnssec-judge.ts'

export const NOW = 1_750_000_000

export interface SignedWorldParts {
  readonly zones: readonly ZoneSpec[]
  readonly pools?: readonly ServingPool[]
  readonly words?: readonly (readonly number[])[]
  readonly denial?: 'nsec' | 'nsec3' | 'compact'
  /** Zones whose kind of denial is another than `denial`, by their apexes. */
  readonly denials?: Readonly<Record<string, 'nsec' | 'nsec3'>>
  /** Of compact denial, the signatures that may be made; absent: a thousand. */
  readonly budget?: number
  /** Apexes that are not signed. */
  readonly unsigned?: readonly string[]
  readonly keys?: readonly ZoneKey[]
  readonly wanted?: readonly WantedSet[]
  readonly store?: SignatureStore
  readonly lifetimes?: LifetimePolicy
  readonly epoch?: number
  readonly version?: number
  readonly nowSeconds?: number
  readonly seed?: number
  readonly onWanted?: () => void
}

/** Compiles and signs as the registry and the signer do. */
export function signedParts(world: SignedWorldParts) {
  const keys = world.keys ?? [keyFor(13)]
  const usual = world.denial === 'nsec3' ? 'nsec3' : 'nsec'
  const denialOf = (apex: string): Denial => plans[world.denials?.[apex] ?? usual]
  const signedZones = world.zones.filter(({ apex }) => !(world.unsigned ?? []).includes(apex))
  const apexes = signedZones.map(({ apex }) =>
    apexRecordsOf(
      {
        ...{ apex, keys, dnskeyTtlSeconds: 3_600, cdsKeys: keys, cdsDigests: [2] },
        denial: denialOf(apex),
      },
      crypto,
    ),
  )
  const pools = world.pools ?? []
  const zones = withApexRecords(world.zones, apexes)
  const table = compileTable(
    zones,
    pools.map(({ name }) => name),
    world.seed ?? 0x5eed,
    ownMemory,
  )
  const parts = servingParts(table, pools, ownMemory)
  const plan: ServingPlan = {
    epoch: world.epoch ?? 1,
    version: world.version ?? 1,
    nowSeconds: world.nowSeconds ?? NOW,
    zones: signedZones.map(({ apex }) => ({
      ...{ apex, keys, denial: denialOf(apex) },
      lifetimes: world.lifetimes ?? defaultLifetimes,
    })),
    wanted: world.wanted ?? [],
  }
  const store = world.store ?? new SignatureStore()
  const signed = signServing(parts, plan, store, crypto, ownMemory)
  return { parts, signed, plan, store, keys, apexes: signedZones.map(({ apex }) => apex) }
}

/** What the registry tells those who answer, once it is signed. */
export function signedServingSet(snapshot: Snapshot, seed: number, denial: 'nsec' | 'nsec3') {
  const { epoch, version, zones, pools } = snapshot
  const { parts, signed } = signedParts({ zones, pools, denial, epoch, seed })
  if (!signed.ok) throw new Error(signed.error.join('\n'))
  const words = new Uint8Array(wordsOf(snapshot).buffer)
  return { epoch, version, words, parts: { ...parts, signed: signed.value.parts } }
}

/** A DNS thread's signer of denials over the keys of these zones, its bucket full. */
export function onlineDenial(
  apexes: readonly string[],
  keys: readonly ZoneKey[],
  budget: number,
  nowSeconds: number,
): OnlineDenial {
  const online = new OnlineDenial()
  const zonePlans = apexes.map((apex) => ({
    ...{ apex, keys, denial: plans.nsec, lifetimes: defaultLifetimes },
  }))
  const zones = onlineZones(zonePlans, () => new Uint8Array(1)).map((zone) => ({
    apex: zone.apex,
    keys: zone.keys.map(({ head }, at) => ({
      head,
      sign: (data: Uint8Array) => crypto.sign(keys[at]!, data),
    })),
  }))
  online.configure({ zones, signaturesPerSecond: budget })
  online.tick(nowSeconds * 1_000)
  return online
}

export interface Ask {
  readonly transport?: 'udp' | 'tcp'
  readonly turn?: number
  readonly edns?: EdnsParts | undefined
}

export function signedWorld(world: SignedWorldParts) {
  const made = signedParts(world)
  if (!made.signed.ok) throw new Error(made.signed.error.join('\n'))
  const parts: ServingParts = { ...made.parts, signed: made.signed.value.parts }
  const isCompact = world.denial === 'compact'
  const nowSeconds = world.nowSeconds ?? NOW
  const online = onlineDenial(made.apexes, made.keys, world.budget ?? 1_000, nowSeconds)
  const authority = new Authority({
    ...(isCompact ? { online } : {}),
    ...{ udpPayloadSize: 4_096, nsid: '', versionString: '', tcpIdleTimeoutMs: 0 },
    turns: new Uint32Array(0),
    hashSeed: 0x5eed,
    ...(world.onWanted === undefined ? {} : { onWanted: world.onWanted }),
  })
  const pools = world.pools ?? []
  if (isCompact) authority.tick(nowSeconds * 1_000)
  const words = layWords(pools, world.words ?? pools.map(({ members }) => members.map(() => UP)))
  authority.applyServing(world.epoch ?? 1, 1, parts, words)
  const keys = readKeysOf(made.keys)
  const send = (name: string, type: string, options: Ask): Uint8Array => {
    authority.presetTurn(options.turn ?? 0)
    // RFC 9824 section 5.1: with CO the rcode is what it is without DO.
    const asUsual = { dnssecOk: true, payload: 4_096, ...(isCompact ? { z: COMPACT_OK } : {}) }
    const edns = 'edns' in options ? options.edns : asUsual
    const query = buildQuery({ name, type, ...(edns === undefined ? {} : { edns }) })
    const out = new Uint8Array(65_535)
    const client = { bytes: CLIENT, transport: options.transport ?? ('tcp' as const) }
    const written = authority.answer(query, 0, query.length, out, 0, client)
    return out.slice(0, written)
  }
  const ask = (name: string, type: string, options: Ask = {}): Message =>
    readMessage(send(name, type, options))
  const plain = (name: string, type: string, options: Ask = {}): Message =>
    readMessage(send(name, type, { ...options, edns: undefined }))
  const zones: readonly ZoneToJudge[] = world.zones.map(({ apex }) => ({
    apex: wireOf(apex),
    keys: made.apexes.includes(apex) ? keys(wireOf(apex)) : undefined,
  }))
  const judge = (message: Message) => judgeMessage(message, zones, world.nowSeconds ?? NOW)
  return { ...made, authority, online, send, ask, plain, judge, zones }
}

const readKeysOf = (keys: readonly ZoneKey[]) => (apex: Uint8Array) =>
  readKeys(
    apexRecordsOf(
      {
        ...{ apex: wireToName(apex), keys, dnskeyTtlSeconds: 0, cdsKeys: [], cdsDigests: [] },
        denial: plans.nsec,
      },
      crypto,
    ).records.map(({ type, rdata }) => ({ owner: apex, type, class: 1, ttlSeconds: 0, rdata })),
    apex,
  )

export function wireOf(name: string): Uint8Array {
  const wire = nameToWire(name)
  if (!wire.ok) throw new Error(wire.error)
  return foldCase(wire.value)
}
