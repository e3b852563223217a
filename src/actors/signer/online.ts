/**
 * What DNS threads are told where denial is compact: the keys that sign, and how often they may.
 *
 * Nothing is said while it never was compact; where it no longer is, they are told of no key.
 */
import { onlineZones } from '../../core/dnssec/online.ts'
import type { ZonePlan } from '../../core/dnssec/serving-plan.ts'
import type { Ctx } from '../../kernel/actor.ts'
import type { ProductCatalogue } from '../../messages/catalogue.ts'
import type { SignerConfig, SignerPorts } from './contract.ts'

export class Online {
  readonly #ctx: Ctx<ProductCatalogue, 'signer'>
  readonly #ports: SignerPorts
  #isTold = false

  constructor(ctx: Ctx<ProductCatalogue, 'signer'>, ports: SignerPorts) {
    this.#ctx = ctx
    this.#ports = ports
  }

  tell({ enabled, onlinePerSecond }: SignerConfig, plans: readonly ZonePlan[]): void {
    const { toPkcs8 } = this.#ports
    const isOn = enabled && onlinePerSecond !== undefined && toPkcs8 !== undefined
    if (!isOn && !this.#isTold) return
    this.#isTold = isOn
    const zones = isOn ? onlineZones(plans, toPkcs8) : []
    const signaturesPerSecond = onlinePerSecond ?? 0
    this.#ctx.publish('signer.online-keys-set', { zones, signaturesPerSecond })
  }
}
