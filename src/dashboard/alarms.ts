/**
 * What an operator should look at, told from the state as it is now. Pure.
 *
 * Worst first: names that nobody serves, then what is held or contested, then what is merely out
 * of the ordinary. An alarm has a key, so that one which stays is not announced again.
 */
import { momentOf, plural } from './format.ts'
import { linkTo } from './route.ts'
import type { AgentTold, BackendTold, DrainTold, HoldTold } from './shapes.ts'

export interface Alarm {
  readonly key: string
  readonly level: 'bad' | 'warn' | 'note'
  readonly title: string
  readonly detail: string
  readonly link?: string
}

export interface State {
  readonly backends: readonly BackendTold[]
  readonly held: readonly HoldTold[]
  readonly agents: readonly AgentTold[]
  readonly drains: readonly DrainTold[]
}

const HOLD_REASONS: Readonly<Record<string, string>> = {
  'no-servers': 'the configuration leaves the name without servers',
  'no-weight': 'every server that is left has weight 0',
  unknown: 'the new servers have no verdict yet',
  down: 'the servers that are left are down',
  share: 'too large a part would leave at once',
}

const EXPIRES_SOON_HOURS = 24 * 30

const named = (names: readonly string[], most = 3): string =>
  names.length <= most
    ? names.join(', ')
    : `${names.slice(0, most).join(', ')} and ${names.length - most} more`

const backendName = ({ service, address }: BackendTold) => `${service ?? ''} at ${address ?? ''}`

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item])
  return groups
}

function emptied({ backends }: State): Alarm[] {
  const services = groupBy(backends, ({ service }) => service ?? '')
  return [...services].flatMap(([service, all]) =>
    all.some(({ serving }) => serving === true)
      ? []
      : [
          {
            key: `empty ${service}`,
            level: 'bad' as const,
            title: `Nobody serves ${service}`,
            detail: `none of ${plural(all.length, 'backend')} is in service`,
            link: linkTo('backends', [], { text: service }),
          },
        ],
  )
}

function unwell({ backends }: State): Alarm[] {
  return (['unhealthy', 'stale'] as const).flatMap((status) => {
    const found = backends.filter((one) => one.effective_status === status)
    if (found.length === 0) return []
    return [
      {
        key: `${status} ${found.map(backendName).sort().join()}`,
        level: 'warn' as const,
        title: `${plural(found.length, 'backend')} ${status}`,
        detail: named(found.map(backendName)),
        link: linkTo('backends', [], { status }),
      },
    ]
  })
}

const holding = ({ held }: State): Alarm[] =>
  held.map(({ domain = '', family = '', reason = '', servers = [] }) => ({
    key: `held ${domain} ${family}`,
    level: 'warn',
    title: `Guard-rail holds ${plural(servers.length, 'server')} of ${domain}`,
    detail: HOLD_REASONS[reason] ?? reason,
    link: linkTo('backends', [], { text: domain }),
  }))

function agentsOff({ agents }: State): Alarm[] {
  const known = agents.filter(({ revoked }) => revoked !== true)
  const silent = known.filter(({ connected }) => connected === false)
  const ending = known.filter(
    ({ expires_in_hours: hours }) => hours !== undefined && hours < EXPIRES_SOON_HOURS,
  )
  const names = (list: readonly AgentTold[]) => list.map(({ agent_id: id }) => id ?? '')
  const tell = (what: string, list: readonly AgentTold[], level: Alarm['level']): Alarm[] =>
    list.length === 0
      ? []
      : [
          {
            key: `agents ${what} ${names(list).sort().join()}`,
            level,
            title: `${plural(list.length, 'agent')} ${what}`,
            detail: named(names(list)),
            link: linkTo('agents'),
          },
        ]
  return [
    ...tell('not heard', silent, 'warn'),
    ...tell('with a certificate that ends within 30 days', ending, 'warn'),
  ]
}

/** By count, or where nothing can be counted by time. */
export const mayBeStopped = ({ safe, safe_by_time: byTime }: DrainTold, nowMs: number): boolean =>
  safe === true || (safe === 'unknown' && (momentOf(byTime) ?? Number.POSITIVE_INFINITY) <= nowMs)

function ordered({ backends, drains }: State, nowMs: number): Alarm[] {
  const forced = backends.filter(({ override_status: healthy }) => healthy !== undefined)
  const safe = drains.filter((drain) => mayBeStopped(drain, nowMs)).length
  const alarms: Alarm[] = []
  if (forced.length > 0)
    alarms.push({
      key: `overrides ${forced.length}`,
      level: 'note',
      title: `${plural(forced.length, 'override')} in force`,
      detail: named(forced.map(backendName)),
      link: linkTo('backends', [], { only: 'override' }),
    })
  if (drains.length > 0)
    alarms.push({
      key: `drains ${drains.length} ${safe}`,
      level: 'note',
      title: `${plural(drains.length, 'drain')} under way`,
      detail: safe === 0 ? 'none may be stopped yet' : `${safe} safe to stop`,
      link: linkTo('drains'),
    })
  return alarms
}

/** Every alarm of the state, worst first. */
export function alarmsOf(state: State, nowMs: number): readonly Alarm[] {
  return [
    ...emptied(state),
    ...holding(state),
    ...unwell(state),
    ...agentsOff(state),
    ...ordered(state, nowMs),
  ]
}
