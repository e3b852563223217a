/**
 * Orders of operators: which servers an order means, whether it may pass, and the events it makes.
 */
import { limits } from '../../core/base/limits.ts'
import type { OverrideCleared, OverrideSet } from '../../core/health/events.ts'
import type { Fleet, Server } from '../../core/health/fleet.ts'
import type { Refusal } from '../../core/health/guard.ts'
import { canonicalServer } from '../../core/health/keys.ts'
import type { ProductCatalogue } from '../../messages/catalogue.ts'
import type { MessageOf } from '../../messages/entry.ts'
import type { OverrideBefore } from '../../messages/views.ts'

export type SetOrder = MessageOf<ProductCatalogue, 'api.set-override'>
export type ClearOrder = MessageOf<ProductCatalogue, 'api.clear-override'>

/** The servers that a service, an address in any spelling and perhaps a port name. */
export function serversOf(
  fleet: Fleet,
  order: { readonly service: string; readonly address: string; readonly port?: number | undefined },
): readonly Server[] {
  const name = canonicalServer(order.service, order.address)
  if (name === undefined) return []
  return [...fleet.servers.values()].filter(
    ({ spec }) =>
      spec.service === name.service &&
      spec.address === name.address &&
      (order.port === undefined || spec.port === order.port),
  )
}

/** Why an order may not pass. One that brings servers into service always may. */
export function refusalOfOrder(
  fleet: Fleet,
  servers: readonly Server[],
  order: SetOrder,
  nowMs: number,
): Refusal | undefined {
  if (order.healthy || order.force) return
  return fleet.refusal(new Set(servers.map((server) => server.spec.key)), nowMs)
}

const clip = (text: string) => text.slice(0, limits.overrideTextCharsMax.default)

/** Two orders of one millisecond keep their order. */
const stampOf = (server: Server, nowMs: number) =>
  Math.max(nowMs, server.health.overrideStampMs + 1)

export const setEvent = (server: Server, order: SetOrder, nowMs: number): OverrideSet => ({
  kind: 'override-set',
  key: server.spec.key,
  healthy: order.healthy,
  reason: clip(order.reason),
  by: clip(order.by),
  atMs: stampOf(server, nowMs),
  ...(order.expiresAtMs === undefined ? {} : { expiresAtMs: Math.floor(order.expiresAtMs) }),
  ...(order.source === undefined ? {} : { source: clip(order.source) }),
})

export const clearEvent = (server: Server, order: ClearOrder, nowMs: number): OverrideCleared => ({
  kind: 'override-cleared',
  key: server.spec.key,
  by: clip(order.by),
  atMs: stampOf(server, nowMs),
})

export const keysOf = (servers: readonly Server[]) =>
  servers.map((server) => server.spec.key).join(', ')

/** The overrides in force on these servers. */
export const overridesOf = (servers: readonly Server[]): readonly OverrideBefore[] =>
  servers.flatMap(({ spec, health }) =>
    health.override === undefined ? [] : [{ key: spec.key, ...health.override }],
  )
