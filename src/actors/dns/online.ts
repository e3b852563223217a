/** Compact denial on a DNS thread: the keys it is told, and what it counts of them. */
import {
  OnlineDenial,
  type OnlineKey,
  type OnlineSettings,
  type OnlineZone,
  probeFault,
} from '../../core/dns/compact.ts'
import { foldCase, nameToWire } from '../../core/dns/names.ts'
import type { OnlineKeyParts, OnlineZoneParts } from '../../core/dnssec/online.ts'
import type { Metrics } from '../../kernel/metrics.ts'
import type { DnsPorts } from './contract.ts'

interface Told {
  readonly zones: readonly OnlineZoneParts[]
  readonly signaturesPerSecond: number
}

/** What is usable of what was told, and of the rest why not, a sentence for each zone. */
interface Taken {
  readonly settings: OnlineSettings
  readonly faults: readonly string[]
}

const nameOf = ({ head, dnskey }: OnlineKeyParts): string =>
  `${Buffer.from(head).toString('base64')} ${Buffer.from(dnskey).toString('base64')}`

/** Turns keys that are told into such that sign, each examined once. */
export class OnlineKeys {
  readonly #ports: DnsPorts
  readonly #nowMs: () => number
  /** Those that were found right, by their heads, which name the zone, and their public sides. */
  #known: ReadonlyMap<string, OnlineKey> = new Map()

  constructor(ports: DnsPorts, nowMs: () => number) {
    this.#ports = ports
    this.#nowMs = nowMs
  }

  /** A zone of which one key cannot be used is left to its chain: a set needs all signatures. */
  take({ zones, signaturesPerSecond }: Told): Taken {
    const known = new Map<string, OnlineKey>()
    const faults: string[] = []
    const usable: OnlineZone[] = []
    for (const { apex, keys } of zones) {
      const read = keys.map((key) => {
        const name = nameOf(key)
        const one = this.#known.get(name) ?? this.#examined(apex, key)
        if (typeof one === 'string') faults.push(`${apex}: ${one}`)
        else known.set(name, one)
        return one
      })
      const own = read.filter((one) => typeof one !== 'string')
      if (own.length === read.length) usable.push({ apex, keys: own })
    }
    this.#known = known
    return { settings: { zones: usable, signaturesPerSecond }, faults }
  }

  /** The key, or what is wrong with it. */
  #examined(apex: string, { algorithm, head, privateKey, dnskey }: OnlineKeyParts) {
    const { signWith, verify } = this.#ports
    const wire = nameToWire(apex)
    const sign = signWith?.(algorithm, privateKey)
    if (sign === undefined || verify === undefined || !wire.ok)
      return `a key of algorithm ${algorithm} cannot be read`
    // A message lends its octets with all that came beside them.
    const key = { head: new Uint8Array(head), sign }
    const nowSeconds = Math.floor(this.#nowMs() / 1_000)
    return probeFault(key, foldCase(wire.value), dnskey, nowSeconds, { verify }) ?? key
  }
}

/** Signs nothing until it is told of keys; what it does is counted. */
export function onlineDenial(metrics: Metrics): OnlineDenial {
  const online = new OnlineDenial()
  const signed = metrics.counter({
    name: 'opengslb_dnssec_online_signatures_total',
    help: 'Signatures of compact denials, made while a query was answered',
  })
  const beyond = metrics.counter({
    name: 'opengslb_dnssec_online_beyond_budget_total',
    help: 'Denials that the chain proved because the budget of signatures was spent',
  })
  const told = { signed: 0, beyond: 0 }
  metrics.onCollect(() => {
    signed.add(online.signed - told.signed)
    beyond.add(online.beyond - told.beyond)
    told.signed = online.signed
    told.beyond = online.beyond
  })
  return online
}
