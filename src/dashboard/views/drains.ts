/**
 * Drains: who leaves service, who still comes, and whether it may be stopped.
 */
import type { VNode } from 'preact'
import { h } from '../h.ts'
import { mayBeStopped } from '../alarms.ts'
import { proposeUndrain } from '../actions.ts'
import { ago, dateAndTime, momentOf, plural } from '../format.ts'
import { useLive } from '../live.ts'
import { icon } from '../parts/icons.ts'
import { type Fact, factList, Panel, quiet, readNote } from '../parts/panel.ts'
import { safeBadge } from '../parts/status.ts'
import { linkTo } from '../route.ts'
import { type DrainTold, listIn, type WaitTold } from '../shapes.ts'
import { DRAINS, useNow } from '../state.ts'

export function Drains(): VNode {
  const read = useLive(DRAINS)
  const nowMs = useNow()
  const drains = listIn<DrainTold>(read.value, 'drains')
  const safe = drains.filter((drain) => mayBeStopped(drain, nowMs)).length
  return h(
    'div',
    { class: 'view' },
    h(
      Panel,
      {
        title: 'Drains',
        aside: h('span', { class: 'muted', role: 'status' }, `${safe} safe to stop`),
      },
      readNote(read),
      drains.length === 0 && read.known
        ? quiet('Nothing drains. A drain is declared on the page of a backend, or by its agent.')
        : h(
            'ul',
            { class: 'cards' },
            drains.map((drain) =>
              h(
                'li',
                { key: drain.id, class: 'card' },
                h(
                  'h3',
                  null,
                  h(
                    'a',
                    { href: linkTo('backends', [drain.backend ?? '']) },
                    h('code', null, drain.backend),
                  ),
                ),
                drainCard(drain, nowMs),
              ),
            ),
          ),
    ),
  )
}

const BY: Readonly<Record<string, string>> = {
  file: 'drain file on its host',
  api: 'API of its agent',
  signal: 'signal to its agent',
  shutdown: 'stop of its agent',
  overwatch: 'operator',
}

const factsOf = (drain: DrainTold, nowMs: number): Fact[] => [
  ['Reason', drain.reason],
  ['Declared by', `${BY[drain.by ?? ''] ?? drain.by ?? ''}${authorOf(drain)}`],
  ['Since', h('time', { title: dateAndTime(drain.since) }, ago(drain.since, nowMs))],
  ['Ends', drain.expires_at === undefined ? 'when it is lifted' : ago(drain.expires_at, nowMs)],
  [
    'Clients connected',
    drain.connections === undefined ? 'not counted' : String(drain.connections.remaining ?? ''),
  ],
  [
    'Arrived since',
    drain.connections?.arrived === undefined ? undefined : String(drain.connections.arrived),
  ],
  [
    'Quiet since',
    drain.connections === undefined ? undefined : ago(drain.connections.quiet_since, nowMs),
  ],
  [
    'Still coming from',
    drain.connections?.networks
      ?.map(({ network, connections }) => `${network} (${connections})`)
      .join(', '),
  ],
  [
    'Safe by time from',
    drain.safe_by_time === undefined
      ? undefined
      : h('time', { title: ago(drain.safe_by_time, nowMs) }, dateAndTime(drain.safe_by_time)),
  ],
]

const isOver = (at: string | undefined, nowMs: number): boolean =>
  (momentOf(at) ?? Number.POSITIVE_INFINITY) <= nowMs

const sentence = (text = ''): string =>
  text === '' ? '' : `${text[0]!.toUpperCase()}${text.slice(1)}.`

const authorOf = ({ by, declared_by: author }: DrainTold): string =>
  author === undefined || author === '' || author === by ? '' : ` (${author})`

/** What is known of one drain, and the button that ends it. */
export const drainCard = (drain: DrainTold, nowMs: number): VNode =>
  h(
    'div',
    { class: 'drain' },
    h(
      'p',
      { class: 'safe' },
      safeBadge(drain.safe, isOver(drain.safe_by_time, nowMs)),
      h('span', null, drain.safe === true ? 'It may be stopped.' : sentence(drain.why)),
    ),
    waitsOf(
      (drain.waiting_for ?? []).filter(({ detail, until }) => until || detail !== drain.why),
      nowMs,
    ),
    factList(factsOf(drain, nowMs)),
    h(
      'div',
      { class: 'buttons left' },
      h('button', { type: 'button', onClick: () => proposeUndrain(drain) }, 'End drain'),
    ),
  )

const waitsOf = (waits: readonly WaitTold[], nowMs: number): VNode | null =>
  waits.length === 0
    ? null
    : h(
        'div',
        { class: 'waits' },
        h('p', null, `Waiting for ${plural(waits.length, 'thing')}:`),
        h(
          'ol',
          null,
          waits.map(({ what = '', detail, until }) =>
            h(
              'li',
              { key: what },
              icon('clock'),
              `${detail ?? what}${until === undefined ? '' : `, over ${ago(until, nowMs)}`}`,
            ),
          ),
        ),
      )
