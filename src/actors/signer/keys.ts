/**
 * The keys this node holds: a ring of documents (core/dnssec/sync/ring.ts), kept on disk, and what
 * follows from them for those who serve.
 *
 * A key is used once it is on disk, never before: a zone must not be signed with what a crash
 * would lose. What the ring changes is therefore stored first and told then, and what is signed
 * with is what was told, whatever the ring holds by now.
 */
import { limits } from '../../core/base/limits.ts'
import { type Work, type ZoneKeys, apexOf, planOf, versionOf } from '../../core/dnssec/key-ring.ts'
import type { StoredKey } from '../../core/dnssec/keyfile.ts'
import type { StoreContents } from '../../core/dnssec/keystore.ts'
import { keyIdOf } from '../../core/dnssec/roll/begin.ts'
import { servingKeys } from '../../core/dnssec/roll/status.ts'
import type { KeyId, RollPolicy, RollState } from '../../core/dnssec/roll/types.ts'
import type { ApexRecords, ZonePlan } from '../../core/dnssec/serving-plan.ts'
import { toHex } from '../../core/gossip/app/base64.ts'
import { bundlesOf } from '../../core/dnssec/sync/bundles.ts'
import { formerNames } from '../../core/dnssec/sync/names.ts'
import { KeyRing } from '../../core/dnssec/sync/ring.ts'
import type { Bundle, RingOutcome } from '../../core/dnssec/sync/types.ts'
import type { SignerConfig, SignerPorts } from './contract.ts'

export interface KeysSet {
  readonly version: string
  readonly zones: readonly ApexRecords[]
}

/** A zone with keys: its document, and the keys by their id. */
interface Held {
  readonly state: RollState
  readonly keys: ZoneKeys
  readonly work: Work
}

/** A version of a document that DNS threads answer with. */
export interface ServedVersion {
  readonly zone: string
  readonly lineage: string
  readonly version: number
}

type Bundles = ReadonlyMap<string, Bundle>

const byZone = (bundles: readonly Bundle[]): Bundles =>
  new Map(bundles.map((bundle) => [bundle.state.zone, bundle]))

const NO_WORK: Work = { published: [], signKeys: [], signZone: [], cds: [] }

export class Keys {
  readonly ring: KeyRing
  /** What the first configuration changed of what was stored. */
  readonly atStart: RingOutcome
  readonly #ports: SignerPorts
  #config: SignerConfig
  /** By which the apexes were told: what is signed has to fit what stands there. */
  #rules: SignerConfig
  /** The longest TTL that a pool is answered with. */
  #poolTtlSeconds = 0
  #isResting = false
  /** What follows from a document, by the document. */
  readonly #held = new WeakMap<RollState, Held>()
  /** What is on disk, and what of that was told: by zone. */
  #kept: Bundles
  #told: Bundles = new Map()

  constructor(ports: SignerPorts, config: SignerConfig, stored: StoreContents) {
    this.#ports = ports
    this.#config = config
    this.#rules = config
    const { crypto } = ports
    const { bundles, loose } = bundlesOf(stored, crypto)
    this.ring = new KeyRing(
      {
        ...{ node: config.node, crypto, rsaBits: limits.rsaModulusBits.default },
        instance: toHex(ports.randomBytes(16)),
        formerly: formerNames(stored, config.node),
        newLineage: () => toHex(ports.randomBytes(16)),
      },
      bundles,
    )
    this.atStart = this.configure(config)
    this.#kept = byZone(bundles)
    this.#loose = loose
  }

  /** Keys without a document, which a zone they are of goes on from. */
  readonly #loose: readonly StoredKey[]

  /** Nothing is signed here any more; what was told stands until something else is served. */
  #rest(): RingOutcome {
    this.#isResting = true
    return this.ring.setZones([])
  }

  configure(config: SignerConfig): RingOutcome {
    if (!config.enabled) return this.#rest()
    this.#config = config
    this.#isResting = false
    const zones = config.zones.map(({ zone }) => ({ zone, policy: this.policyOf(zone) }))
    return this.ring.setZones(zones)
  }

  /** A pool may be answered for longer than the file says, since the API edits it. */
  notePoolTtl(seconds: number): void {
    if (seconds === this.#poolTtlSeconds) return
    this.#poolTtlSeconds = seconds
    if (!this.#isResting) this.configure(this.#config)
  }

  policyOf(zone: string): RollPolicy {
    const { zones, algorithm, isSplit, dnskeyTtlSeconds, roll } = this.#config
    const own = zones.find((one) => one.zone === zone)?.ttlSeconds ?? 0
    const zoneTtlSeconds = Math.max(own, this.#poolTtlSeconds)
    return { algorithm, isSplit, dnskeyTtlSeconds, zoneTtlSeconds, ...roll }
  }

  /** The first keys of zones that have none: those lying there, or brought, else new ones. */
  begin(
    zones: readonly string[],
    nowSeconds: number,
    isProvisional: boolean,
    brought: readonly StoredKey[] = [],
  ): RingOutcome[] {
    return zones.map((zone) => {
      const keys = [...brought, ...this.#loose].filter((key) => key.zone === zone)
      const how = keys.length === 0 ? { isProvisional } : { isProvisional: false, keys }
      return this.ring.begin(zone, nowSeconds, how)
    })
  }

  /** Puts all of it on disk. */
  async save(): Promise<'saved' | 'failed'> {
    const bundles = this.ring.bundles()
    const outcome = await this.#ports.saveKeys({
      keys: bundles.flatMap(({ keys }) => keys),
      rolls: bundles.map(({ state }) => state),
      holder: { node: this.ring.node, formerly: this.ring.formerly },
    })
    if (outcome === 'saved') this.#kept = byZone(bundles)
    return outcome
  }

  /** The document of a zone with its keys, on disk or not; undefined while it has none. */
  of(zone: string): Held | undefined {
    const bundle = this.ring.zone(zone)?.bundle
    return bundle === undefined ? undefined : this.#heldOf(bundle)
  }

  #heldOf({ state, keys }: Bundle): Held {
    const known = this.#held.get(state)
    if (known !== undefined) return known
    const byId = keys.map((key): [KeyId, StoredKey] => [keyIdOf(key, this.#ports.crypto), key])
    const held = { state, keys: new Map(byId), work: servingKeys(state) }
    this.#held.set(state, held)
    return held
  }

  #toldOf(zone: string): Held | undefined {
    const bundle = this.#told.get(zone)
    return bundle === undefined ? undefined : this.#heldOf(bundle)
  }

  /** What stands at the apexes of zones with keys on disk; those keys sign from now on. */
  tell(): KeysSet {
    this.#told = this.#kept
    this.#rules = this.#config
    const { crypto } = this.#ports
    const zones = this.#config.zones.flatMap(({ zone }) => {
      const held = this.#toldOf(zone)
      return held === undefined ? [] : apexOf(zone, held.keys, held.work, this.#config, crypto)
    })
    return { version: versionOf(zones, crypto), zones }
  }

  plans(): ZonePlan[] {
    return this.#config.zones.map(({ zone }) => {
      const held = this.#toldOf(zone)
      return planOf(zone, held?.keys ?? new Map(), held?.work ?? NO_WORK, this.#rules)
    })
  }

  /** The versions that are signed with now. */
  versions(): ServedVersion[] {
    return this.#config.zones.flatMap(({ zone }) => {
      const state = this.#toldOf(zone)?.state
      return state === undefined ? [] : { zone, lineage: state.lineage, version: state.version }
    })
  }

  /** DNS threads answer with these. */
  served(versions: readonly ServedVersion[]): void {
    for (const { zone, lineage, version } of versions)
      this.ring.zone(zone)?.served(lineage, version)
  }
}
