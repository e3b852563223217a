/** Compact denial on a DNS thread: the keys it is told, and what it counts of them. */
import { OnlineDenial, type OnlineSettings } from '../../core/dns/compact.ts'
import type { OnlineZoneParts } from '../../core/dnssec/online.ts'
import type { Metrics } from '../../kernel/metrics.ts'
import type { DnsPorts } from './contract.ts'

interface Told {
  readonly zones: readonly OnlineZoneParts[]
  readonly signaturesPerSecond: number
}

/** A zone of which one key cannot be used is left to its chain: a set needs all its signatures. */
export function onlineOf(
  { zones, signaturesPerSecond }: Told,
  { signWith }: DnsPorts,
): OnlineSettings {
  const usable = zones.flatMap(({ apex, keys }) => {
    const own = keys.flatMap(({ algorithm, head, privateKey }) => {
      const sign = signWith?.(algorithm, privateKey)
      // A message lends its octets with all that came beside them.
      return sign === undefined ? [] : [{ head: new Uint8Array(head), sign }]
    })
    return own.length === keys.length ? [{ apex, keys: own }] : []
  })
  return { zones: usable, signaturesPerSecond }
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
