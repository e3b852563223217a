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
import type { Cancel, Clock } from '../../kernel/clock.ts'
import type { Metrics } from '../../kernel/metrics.ts'
import type { DnsPorts } from './contract.ts'

/** How long a turn may examine keys, one at least, and the time for queries until the next does. */
const SLICE_MS = 2
const PAUSE_MS = 10

interface Told {
  readonly zones: readonly OnlineZoneParts[]
  readonly signaturesPerSecond: number
}

/** A zone whose keys are filled in once all of them were found right. */
interface Zone extends OnlineZone {
  keys: readonly OnlineKey[]
}

interface Pending {
  readonly zone: Zone
  readonly parts: OnlineZoneParts
}

const nameOf = ({ head, dnskey }: OnlineKeyParts): string =>
  `${Buffer.from(head).toString('base64')} ${Buffer.from(dnskey).toString('base64')}`

/**
 * Turns keys that are told into such that sign, each examined once, in slices: of ten thousand
 * zones that is some ten seconds of work, in which queries want to be answered.
 */
export class OnlineKeys {
  readonly #ports: DnsPorts
  readonly #clock: Clock
  /** Told what is wrong with a zone's keys, in a sentence. */
  readonly #fault: (text: string) => void
  /** Those that were found right, by their heads, which name the zone, and their public sides. */
  #known = new Map<string, OnlineKey>()
  /** Still to be examined, the next one last. */
  #pending: Pending[] = []
  #cancel: Cancel = () => {}

  constructor(ports: DnsPorts, clock: Clock, fault: (text: string) => void) {
    this.#ports = ports
    this.#clock = clock
    this.#fault = fault
  }

  /**
   * The zones told, in the place of those before. One whose keys are still to be examined has none
   * yet, and one of which a key cannot be used never: it is left to its chain, since a set needs
   * all signatures.
   */
  take({ zones, signaturesPerSecond }: Told): OnlineSettings {
    this.stop()
    const before = this.#known
    this.#known = new Map()
    const all = zones.map((parts): Pending => {
      const known = parts.keys.flatMap((key) => {
        const name = nameOf(key)
        const one = before.get(name)
        if (one !== undefined) this.#known.set(name, one)
        return one ?? []
      })
      const isKnown = known.length === parts.keys.length
      return { zone: { apex: parts.apex, keys: isKnown ? known : [] }, parts }
    })
    this.#pending = all.filter(({ zone, parts }) => zone.keys.length < parts.keys.length).reverse()
    this.#examine()
    return { zones: all.map(({ zone }) => zone), signaturesPerSecond }
  }

  /** Examines no more. */
  stop(): void {
    this.#cancel()
    this.#pending = []
  }

  #examine(): void {
    const untilMs = this.#clock.monotonicMs() + SLICE_MS
    for (let next = this.#pending.pop(); next !== undefined; next = this.#pending.pop()) {
      this.#fill(next)
      if (this.#clock.monotonicMs() < untilMs) continue
      if (this.#pending.length > 0)
        this.#cancel = this.#clock.after(PAUSE_MS, () => this.#examine())
      return
    }
  }

  #fill({ zone, parts }: Pending): void {
    const keys: OnlineKey[] = []
    for (const key of parts.keys) {
      const name = nameOf(key)
      const one = this.#known.get(name) ?? this.#examined(parts.apex, key)
      if (typeof one === 'string') {
        this.#fault(`${parts.apex}: ${one}`)
        continue
      }
      this.#known.set(name, one)
      keys.push(one)
    }
    if (keys.length === parts.keys.length) zone.keys = keys
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
    const nowSeconds = Math.floor(this.#clock.nowMs() / 1_000)
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
