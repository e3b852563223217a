/**
 * The state of the deployment that several views share, put together from what the API tells.
 */
import { useEffect, useMemo } from 'preact/hooks'
import { type Alarm, alarmsOf } from './alarms.ts'
import { every, nowMs } from './browser.ts'
import { Cell } from './cell.ts'
import { type Loaded, useLive } from './live.ts'
import {
  type AgentTold,
  type BackendTold,
  type ClusterTold,
  type DrainTold,
  factsOf,
  type HoldTold,
  listIn,
} from './shapes.ts'
import { useCell } from './use-cell.ts'

export interface Shared {
  readonly backends: Loaded
  readonly all: readonly BackendTold[]
  readonly agents: readonly AgentTold[]
  readonly drains: readonly DrainTold[]
  readonly held: readonly HoldTold[]
  readonly cluster: ClusterTold
  readonly alarms: readonly Alarm[]
}

export const BACKENDS = '/api/v1/overwatch/backends'
export const DRAINS = '/api/v1/drains'
export const AGENTS = '/api/v1/overwatch/agents'
export const CLUSTER = '/api/v1/cluster/status'
const GUARD_RAIL = '/api/v1/overwatch/guard-rail'

/** Everything above; each part is empty until it was read. */
export function useShared(): Shared {
  const backends = useLive(BACKENDS)
  const agents = useLive(AGENTS).value
  const drains = useLive(DRAINS).value
  const held = useLive(GUARD_RAIL).value
  const cluster = useLive(CLUSTER).value
  return useMemo(() => {
    const state = {
      all: listIn<BackendTold>(backends.value, 'backends'),
      agents: listIn<AgentTold>(agents, 'agents'),
      drains: listIn<DrainTold>(drains, 'drains'),
      held: listIn<HoldTold>(held, 'held'),
    }
    const alarms = alarmsOf({ ...state, backends: state.all }, nowMs())
    return { backends, ...state, cluster: factsOf(cluster) as ClusterTold, alarms }
  }, [backends, agents, drains, held, cluster])
}

const present = new Cell(nowMs())
let ticking = false

/** The present, in steps of a second: "3 s ago" grows older. */
export function useNow(): number {
  useEffect(() => {
    if (ticking) return
    ticking = true
    every(1_000, () => present.set(nowMs()))
  }, [])
  return useCell(present)
}
