/**
 * The moves that bring the keys to their goals, each tried until it is valid (`views.ts`).
 *
 * Their order makes the customary rollovers. A zone key is published, then signs in place of the
 * old one, then the old one goes (pre-publication, RFC 6781 section 4.1.1.1). A key that a DS
 * speaks of is published and signs the key set beside the old one (double signature, section
 * 4.1.2), is offered as CDS once every cache has it, and the old one goes when the parent's DS has
 * changed. A new algorithm signs before it is published, and is published no more before it ceases
 * to sign (section 4.1.4).
 */
import type { RollKey, RollState } from './types.ts'
import { find } from './views.ts'

/** What a move changes; at most one change of each in one turn. */
export type Change = 'keys' | 'signing' | 'offer'

export interface Move {
  readonly change: Change
  readonly keys: readonly RollKey[]
  /** What is done, as in "5432 is published". */
  readonly what: string
  readonly event: 'key-published' | 'key-signs' | 'key-rests' | 'ds-offered' | 'key-withdrawn'
  readonly apply: (state: RollState) => RollState
}

export const signsZoneByRole = (key: RollKey): boolean => key.role !== 'ksk'
export const signsKeysByRole = (key: RollKey): boolean => key.role !== 'zsk'

type Cells = Partial<Pick<RollKey, 'isPublished' | 'signsKeys' | 'signsZone'>>

const withCells = (
  state: RollState,
  keys: readonly RollKey[],
  cellsOf: (key: RollKey) => Cells,
): RollState => ({
  ...state,
  keys: state.keys.map((key) =>
    keys.some(({ id }) => id === key.id) ? { ...key, ...cellsOf(key) } : key,
  ),
})

const tags = (keys: readonly RollKey[]): string => keys.map(({ tag }) => tag).join(' and ')

const distinct = <T>(values: readonly T[]): T[] => [...new Set(values)]

/** New keys: those of an algorithm together, since each of them alone would be half of it. */
function introductions(state: RollState): Move[] {
  const fresh = state.keys.filter((key) => key.goal === 'in-use' && !key.isPublished)
  const published = state.keys.filter((key) => key.isPublished)
  return distinct(fresh.map((key) => key.algorithm)).flatMap((algorithm) => {
    const keys = fresh.filter((key) => key.algorithm === algorithm)
    const isNew = published.length > 0 && !published.some((key) => key.algorithm === algorithm)
    const ahead = keys.filter((key) => signsZoneByRole(key) && !key.signsZone)
    const signAhead: Move = {
      change: 'signing',
      keys: ahead,
      what: `${tags(ahead)} signs the zone before it is published, as a new algorithm has to`,
      event: 'key-signs',
      apply: (each) => withCells(each, ahead, () => ({ signsZone: true })),
    }
    const publish: Move = {
      change: 'keys',
      keys,
      what: `${tags(keys)} is published`,
      event: 'key-published',
      apply: (each) =>
        withCells(each, keys, (key) => ({ isPublished: true, signsKeys: signsKeysByRole(key) })),
    }
    if (!isNew) return [publish]
    return ahead.length > 0 ? [signAhead] : [publish]
  })
}

/** The keys in use take over the zone's signatures from those of their algorithm that go. */
function takeovers(state: RollState): Move[] {
  const able = state.keys.filter(
    (key) => key.goal === 'in-use' && key.isPublished && signsZoneByRole(key),
  )
  return distinct(able.map((key) => key.algorithm)).flatMap((algorithm) => {
    const keys = able.filter((key) => key.algorithm === algorithm)
    const resting = state.keys.filter(
      (key) => key.goal === 'gone' && key.signsZone && key.algorithm === algorithm,
    )
    if (resting.length === 0 && keys.every((key) => key.signsZone)) return []
    const instead = resting.length === 0 ? '' : ` in place of ${tags(resting)}`
    return [
      {
        change: 'signing',
        keys,
        what: `${tags(keys)} signs the zone${instead}`,
        event: 'key-signs',
        apply: (each) =>
          withCells(
            withCells(each, keys, () => ({ signsZone: true })),
            resting,
            () => ({
              signsZone: false,
            }),
          ),
      } satisfies Move,
    ]
  })
}

const sameIds = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((id) => b.includes(id))

/** The parent is offered the keys in use that sign the key set. */
function offers(state: RollState): Move[] {
  const keys = state.keys.filter((key) => key.goal === 'in-use' && key.signsKeys)
  const ids = keys.map((key) => key.id)
  if (keys.length === 0 || sameIds(ids, state.offered)) return []
  // Half of a set on its way in would be offered, and the rest a moment later.
  if (state.keys.some((key) => key.goal === 'in-use' && !key.isPublished)) return []
  return [
    {
      change: 'offer',
      keys,
      what: `${tags(keys)} is what the parent is to have a DS of`,
      event: 'ds-offered',
      apply: (each) => ({ ...each, offered: ids }),
    },
  ]
}

/** Keys that go: those of an algorithm that nothing else has go together. */
function withdrawals(state: RollState): Move[] {
  const staying = state.keys.filter((key) => key.goal === 'in-use' && key.isPublished)
  const going = state.keys.filter((key) => key.goal === 'gone' && key.isPublished)
  const free = going.filter((key) => !state.offered.includes(key.id))
  return distinct(free.map((key) => key.algorithm)).flatMap((algorithm) => {
    const keys = free.filter((key) => key.algorithm === algorithm)
    const isLast = !staying.some((key) => key.algorithm === algorithm)
    const whole = keys.length === going.filter((key) => key.algorithm === algorithm).length
    const move = (some: readonly RollKey[]): Move => ({
      change: 'keys',
      keys: some,
      what: `${tags(some)} is published no more`,
      event: 'key-withdrawn',
      apply: (each) => withCells(each, some, () => ({ isPublished: false, signsKeys: false })),
    })
    if (isLast) return whole ? [move(keys)] : []
    return keys.map((key) => move([key]))
  })
}

/** Signatures of an algorithm that is published no more. */
function rests(state: RollState): Move[] {
  const keys = state.keys.filter((key) => key.goal === 'gone' && key.signsZone && !key.isPublished)
  if (keys.length === 0) return []
  return [
    {
      change: 'signing',
      keys,
      what: `${tags(keys)} signs the zone no more`,
      event: 'key-rests',
      apply: (each) => withCells(each, keys, () => ({ signsZone: false })),
    },
  ]
}

/** What is to be done, in the order in which it is tried. */
export const movesOf = (state: RollState): readonly Move[] => [
  ...introductions(state),
  ...takeovers(state),
  ...offers(state),
  ...withdrawals(state),
  ...rests(state),
]

/** A name for a DS in words: the tag of a key, or what is known of one that is none of ours. */
export const nameOfDs = (state: RollState, id: string): string =>
  String(find(state, id)?.tag ?? id.replace('?', 'unknown '))
