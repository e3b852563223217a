/**
 * The signer holds the keys of the zones and signs what the registry is to serve.
 *
 * Private keys live on this thread and, sealed, in its folder; no message carries one. What is
 * signed with what is decided in core/dnssec; here are time, disk and the others. While it is
 * away nothing changes of what is signed, and everything signed is served on.
 */
import type { StoredKey } from '../../core/dnssec/keyfile.ts'
import { algorithmName } from '../../core/dnssec/algorithms.ts'
import { tagOfKey } from '../../core/dnssec/dnskey.ts'
import { type DataOf, type DurableName, partsOf } from '../../core/events/definitions.ts'
import type { Ctx } from '../../kernel/actor.ts'
import type { ProductCatalogue } from '../../messages/catalogue.ts'
import { defineActor } from '../define.ts'
import type { SignerConfig, SignerPorts } from './contract.ts'
import { Desk } from './desk.ts'
import { Keys, type KeysSet } from './keys.ts'
import { type SignerMetrics, signerMetrics } from './metrics.ts'
import { keyViews, syncView, zoneViews } from './views.ts'

type SignerCtx = Ctx<ProductCatalogue, 'signer'>

export const signer = defineActor(
  'signer',
  async (ctx, ports: SignerPorts, first: SignerConfig) => {
    const house = new House(ctx, ports, first)
    await house.open()
    return {
      receive: {
        'registry.serving-drafted': (draft) => house.desk.draft(draft),
        'dns.sets-wanted': ({ epoch, sets }) => house.desk.wanted(epoch, sets),
        'api.list-keys': ({ zone }) => house.list(zone),
        'api.sync-keys': () => ({
          outcome: 'unavailable',
          message: 'overwatch.dnssec.key_sync.peers lists no peer',
        }),
        'api.roll-keys': () => ({ outcome: 'unavailable', message: 'no rollover is possible' }),
      },
      onPeerStarted: (peer) => {
        if (peer === 'registry') house.tellKeys()
      },
      onReconfigured: (next: SignerConfig) => void house.configure(next),
      onStop: () => house.close(),
    }
  },
)

/** Everything of one signer. */
class House {
  readonly desk: Desk
  readonly #ctx: SignerCtx
  readonly #ports: SignerPorts
  readonly #keys: Keys
  readonly #metrics: SignerMetrics
  #config: SignerConfig
  /** What stands at the apexes, as it was told last. */
  #set: KeysSet = { version: '', zones: [] }

  constructor(ctx: SignerCtx, ports: SignerPorts, config: SignerConfig) {
    this.#ctx = ctx
    this.#ports = ports
    this.#config = config
    this.#keys = new Keys(ports)
    this.#metrics = signerMetrics(ctx.metrics, () => this.#levels())
    this.desk = new Desk({
      ...{ clock: ctx.clock, incarnation: ctx.incarnation, ports },
      plans: () => this.#keys.plans(this.#config),
      keysVersion: () => this.#set.version,
      onSigned: (epoch, version, signed) =>
        ctx.publish('signer.serving-signed', { epoch, version, signed }),
      onRefused: (epoch, reason) => this.#refused(epoch, reason),
      onDone: ({ made, kept }, tookMs) => {
        this.#metrics.took(tookMs / 1_000)
        for (const zone of this.#config.zones) this.#metrics.operation(zone, 'success')
        ctx.log.info('signed', { made, kept, ms: Math.round(tookMs) })
      },
    })
  }

  /** Rejects where keys lie that cannot be had. */
  async open(): Promise<void> {
    if (!this.#config.enabled) return
    const loaded = await this.#ports.loadKeys()
    if (loaded.code === 'failed') throw new Error(loaded.message)
    if (loaded.code === 'loaded') this.#keys.restore(loaded.content)
    await this.desk.restore()
    if (!(await this.#provide()))
      throw new Error('overwatch.data_dir: the keys of DNSSEC cannot be written')
    if (this.#config.folder === '' && this.#config.zones.length > 0)
      this.#ctx.log.warn(
        'keys live in memory alone: set overwatch.data_dir before a parent has a DS',
      )
    this.tellKeys()
  }

  /** Keys for zones that have none; false when they cannot be kept. */
  async #provide(): Promise<boolean> {
    const made = this.#keys.missing(this.#config, this.#nowSeconds())
    if (made.length === 0) return true
    if (!(await this.#keys.add(made))) return false
    for (const key of made) this.#noteMade(key)
    return true
  }

  #noteMade(key: StoredKey): void {
    const told = {
      ...{ zone: key.zone, key_tag: tagOfKey(key), role: key.role },
      algorithm: algorithmName(key.publicKey.algorithm),
    }
    this.#ctx.log.info('a key was made', told)
    this.#note('dnssec.keys-made', told)
  }

  async configure(next: SignerConfig): Promise<void> {
    // What is turned on by a reload has no ports to keep keys with.
    if (next.enabled && !this.#config.enabled) {
      this.#ctx.log.warn('signing begins with the next start', { key: 'overwatch.dnssec.enabled' })
      return
    }
    this.#config = next
    if (!next.enabled) return
    if (!(await this.#provide())) this.#ctx.log.error('keys cannot be written: zones wait for them')
    this.tellKeys()
  }

  /** Says what stands at the apexes; where it is what it was, other keys may yet sign. */
  tellKeys(): void {
    const before = this.#set.version
    this.#set = this.#keys.set(this.#config)
    this.#ctx.publish('signer.keys-set', this.#set)
    if (this.#set.version === before) this.desk.again()
  }

  list(zone: string | undefined) {
    const { enabled, zones } = this.#config
    const isAsked = (one: string) => zone === undefined || one === zone
    return {
      enabled: enabled && zones.length > 0,
      keys: keyViews(this.#keys, zones.filter(isAsked), this.#ports.crypto),
      zones: zoneViews(this.#config, zones.filter(isAsked)),
      sync: syncView(this.#config.keySync),
    }
  }

  close(): Promise<void> {
    return this.desk.close()
  }

  #refused(epoch: number, reason: string): void {
    this.#ctx.publish('signer.serving-refused', { epoch, reason })
    if (reason === '') return
    for (const zone of this.#config.zones) this.#metrics.operation(zone, 'failure')
    this.#ctx.log.error('what was signed does not hold: it is not served', { epoch, reason })
  }

  #levels() {
    const { enabled, zones } = this.#config
    const now = this.#nowSeconds()
    return {
      enabled: enabled && zones.length > 0,
      zones: enabled ? zones.length : 0,
      signatures: this.desk.size,
      refreshInSeconds: this.desk.dueSeconds - now,
      keys: this.#keys.all().map((key) => ({
        zone: key.zone,
        keyTag: tagOfKey(key),
        ageSeconds: Math.max(0, now - (key.times.created ?? now)),
      })),
    }
  }

  #nowSeconds(): number {
    return Math.floor(this.#ctx.clock.nowMs() / 1_000)
  }

  #note<Name extends Extract<DurableName, `dnssec.${string}`>>(
    name: Name,
    data: DataOf<Name>,
  ): void {
    const { topic, kind: event } = partsOf(name)
    const atMs = Math.floor(this.#ctx.clock.nowMs())
    this.#ctx.publish('signer.event-noted', { topic, event, service: '', region: '', atMs, data })
  }
}
