/**
 * Which keys a zone should have: as its policy says, each as young as its lifetime asks.
 *
 * A key that is too old, of another algorithm or of a role that is no longer wanted gets a
 * successor; only when that is made is the old one to go. How the one follows the other is for the
 * moves.
 */
import type { KeyRole } from '../dnskey.ts'
import { limits } from '../../base/limits.ts'
import type { RollAction, RollCommand, RollEvent, RollKey, RollPolicy, RollState } from './types.ts'
import type { Horizon } from './views.ts'

export const rolesOf = ({ isSplit }: Pick<RollPolicy, 'isSplit'>): readonly KeyRole[] =>
  isSplit ? ['ksk', 'zsk'] : ['csk']

/** Zone keys are made ahead, so that they take over when their time has come and not after it. */
function isTooOld(key: RollKey, policy: RollPolicy, { nowSeconds, safetySeconds }: Horizon) {
  const isZsk = key.role === 'zsk'
  const lifetimeSeconds = isZsk ? policy.zskLifetimeSeconds : policy.kskLifetimeSeconds
  if (lifetimeSeconds <= 0 || key.activeSeconds === undefined) return false
  const leadSeconds = isZsk ? policy.dnskeyTtlSeconds + safetySeconds : 0
  const due = key.activeSeconds + Math.max(lifetimeSeconds - leadSeconds, lifetimeSeconds / 2)
  return nowSeconds >= due
}

interface Goals {
  readonly state: RollState
  readonly actions: readonly RollAction[]
  readonly events: readonly RollEvent[]
}

/** Keys to be made; keys that are to go once those are there stay in use until then. */
export function goalsOf(state: RollState, policy: RollPolicy, horizon: Horizon): Goals {
  const wanted = rolesOf(policy)
  const fits = (key: RollKey) => key.algorithm === policy.algorithm && wanted.includes(key.role)
  const inUse = state.keys.filter((key) => key.goal === 'in-use')
  const isFull = state.keys.length >= limits.rollKeys.default
  const actions = wanted.flatMap((role): RollAction[] => {
    const held = inUse.filter((key) => key.role === role && fits(key))
    const isDue = held.every((key) => isTooOld(key, policy, horizon))
    const make = { kind: 'make-key', role, algorithm: policy.algorithm } as const
    return isDue && !isFull ? [make] : []
  })
  // Keys that do not fit go when all that fit are there.
  const isComplete = wanted.every((role) => inUse.some((key) => key.role === role && fits(key)))
  if (!isComplete || inUse.every(fits)) return { state, actions, events: [] }
  const keys = state.keys.map((key) =>
    key.goal === 'in-use' && !fits(key) ? ({ ...key, goal: 'gone' } as const) : key,
  )
  return { state: { ...state, keys }, actions, events: [] }
}

/** Whether the keys are those that the policy wants, and none is too old. */
export const isAsWanted = (state: RollState, policy: RollPolicy, horizon: Horizon): boolean => {
  const { actions, state: next } = goalsOf(state, policy, horizon)
  return actions.length === 0 && next === state
}

const matches = (key: RollKey, { roles, keyTag }: RollCommand): boolean =>
  key.goal === 'in-use' &&
  (roles === undefined || roles.includes(key.role)) &&
  (keyTag === undefined || key.tag === keyTag)

/** Keys that the command would replace. */
export const replacedBy = (state: RollState, command: RollCommand): readonly RollKey[] =>
  state.keys.filter((key) => matches(key, command))

/** What the actor makes for a command, before it says `withKeys`. */
export const keysFor = (state: RollState, command: RollCommand): readonly KeyRole[] => [
  ...new Set(replacedBy(state, command).map((key) => key.role)),
]
