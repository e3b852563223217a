/**
 * The keys this node holds: kept in memory as they are on disk, and what follows from them.
 *
 * A key is used once it is on disk, never before: a zone must not be signed with what a crash
 * would lose.
 */
import { limits } from '../../core/base/limits.ts'
import {
  type KeyId,
  type Work,
  type ZoneKeys,
  apexOf,
  idOfKey,
  makeKey,
  plainWork,
  planOf,
  versionOf,
} from '../../core/dnssec/key-ring.ts'
import type { StoredKey } from '../../core/dnssec/keyfile.ts'
import type { StoreContents } from '../../core/dnssec/keystore.ts'
import type { ApexRecords, ZonePlan } from '../../core/dnssec/serving-plan.ts'
import type { SignerConfig, SignerPorts } from './contract.ts'

const NO_KEYS: ZoneKeys = new Map()
const NO_ROLES: readonly StoredKey['role'][] = []

export interface KeysSet {
  readonly version: string
  readonly zones: readonly ApexRecords[]
}

export class Keys {
  readonly #ports: SignerPorts
  #zones = new Map<string, Map<KeyId, StoredKey>>()

  constructor(ports: SignerPorts) {
    this.#ports = ports
  }

  restore({ keys }: StoreContents): void {
    for (const key of keys) this.#put(key)
  }

  of(zone: string): ZoneKeys {
    return this.#zones.get(zone) ?? NO_KEYS
  }

  all(): StoredKey[] {
    return [...this.#zones.values()].flatMap((keys) => [...keys.values()])
  }

  idOf(key: StoredKey): KeyId {
    return idOfKey(key, this.#ports.crypto)
  }

  work(zone: string): Work {
    return plainWork([...this.of(zone).values()], this.#ports.crypto)
  }

  /** Keys for zones that lack some: made, and not yet taken. */
  missing({ zones, algorithm, isSplit }: SignerConfig, nowSeconds: number): StoredKey[] {
    const { crypto } = this.#ports
    const bits = limits.rsaModulusBits.default
    return zones.flatMap((zone) => {
      const has = new Set([...this.of(zone).values()].map(({ role }) => role))
      const isWhole = has.has('csk') || (has.has('ksk') && has.has('zsk'))
      const wanted: readonly StoredKey['role'][] = isSplit ? ['ksk', 'zsk'] : ['csk']
      const roles = isWhole ? NO_ROLES : wanted.filter((role) => !has.has(role))
      return roles.map((role) => makeKey(zone, role, algorithm, bits, nowSeconds, crypto))
    })
  }

  /** Takes keys once they are on disk; false when they cannot be put there. */
  async add(keys: readonly StoredKey[]): Promise<boolean> {
    const content = { keys: [...this.all(), ...keys], rolls: [] }
    if ((await this.#ports.saveKeys(content)) !== 'saved') return false
    for (const key of keys) this.#put(key)
    return true
  }

  /** What stands at the apexes of zones that have keys. */
  set(config: SignerConfig): KeysSet {
    const { crypto } = this.#ports
    const zones = config.zones
      .filter((zone) => this.#zones.has(zone))
      .map((zone) => apexOf(zone, this.of(zone), this.work(zone), config, crypto))
    return { version: versionOf(zones, crypto), zones }
  }

  plans(config: SignerConfig): ZonePlan[] {
    return config.zones.map((zone) => planOf(zone, this.of(zone), this.work(zone), config))
  }

  #put(key: StoredKey): void {
    const keys = this.#zones.get(key.zone) ?? new Map<KeyId, StoredKey>()
    keys.set(this.idOf(key), key)
    this.#zones.set(key.zone, keys)
  }
}
