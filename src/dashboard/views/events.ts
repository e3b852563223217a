/**
 * What happens, as it happens: live, filtered, and still while it is read.
 */
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import { h } from '../h.ts'
import { happenings, missing, mode } from '../feed.ts'
import { type Happening, isWanted, KEPT, topics } from '../feed-log.ts'
import { plural } from '../format.ts'
import { icon } from '../parts/icons.ts'
import { Panel, quiet } from '../parts/panel.ts'
import { useNow } from '../state.ts'
import { eventLine } from './event-line.ts'
import { useCell } from '../use-cell.ts'

/** Every change of what the DNS threads hold: much, and seldom what is looked for. */
const HIDDEN_AT_FIRST = 'delta'

export function Events(): VNode {
  const [wanted, setWanted] = useState<ReadonlySet<string>>(
    new Set(topics.filter((topic) => topic !== HIDDEN_AT_FIRST)),
  )
  const [text, setText] = useState('')
  const [held, setHeld] = useState<readonly Happening[] | undefined>(undefined)
  const all = useCell(happenings)
  const how = useCell(mode)
  const nowMs = useNow()
  const source = held ?? all
  const shown = source.filter((event) => isWanted(event, { topics: wanted, text }))
  const waiting = held === undefined ? 0 : all.filter((event) => !held.includes(event)).length
  if (how === 'none')
    return h(
      'div',
      { class: 'view' },
      h(Panel, { title: 'Events' }, quiet('This server has no event feed.')),
    )
  const toggle = () => setHeld(held === undefined ? all : undefined)
  return h(
    'div',
    { class: 'view' },
    h(
      Panel,
      {
        title: 'Events',
        aside: h(
          'button',
          { type: 'button', onClick: toggle, 'aria-pressed': held !== undefined },
          icon(held === undefined ? 'pause' : 'play'),
          held === undefined ? 'Pause' : `Go on (${waiting} new)`,
        ),
      },
      filters(wanted, setWanted, text, setText),
      h(Gaps, null),
      shown.length === 0
        ? quiet(all.length === 0 ? 'No events yet.' : 'No event fits the filter.')
        : h(
            'ol',
            { class: 'event-lines', 'aria-label': 'Events, newest first' },
            shown.map((event) =>
              eventLine(event, nowMs, `${event.number}/${event.atMs}/${event.kind}`),
            ),
          ),
      source.length >= KEPT ? quiet(`The page holds the latest ${KEPT}.`) : null,
    ),
  )
}

function filters(
  wanted: ReadonlySet<string>,
  setWanted: (topics: ReadonlySet<string>) => void,
  text: string,
  setText: (text: string) => void,
): VNode {
  const change = (topic: string, on: boolean) => {
    const next = new Set(wanted)
    if (on) next.add(topic)
    else next.delete(topic)
    setWanted(next)
  }
  return h(
    'form',
    { class: 'filters', role: 'search', onSubmit: (event: Event) => event.preventDefault() },
    h(
      'label',
      { class: 'inline grow' },
      h('span', null, 'Filter'),
      h('input', {
        type: 'search',
        value: text,
        placeholder: 'any word of the event',
        onInput: (event: Event) => setText((event.currentTarget as HTMLInputElement).value),
      }),
    ),
    h(
      'fieldset',
      { class: 'topics' },
      h('legend', { class: 'aloud' }, 'Topics'),
      topics.map((topic) =>
        h(
          'label',
          { key: topic, class: 'chip' },
          h('input', {
            type: 'checkbox',
            checked: wanted.has(topic),
            onChange: (event: Event) =>
              change(topic, (event.currentTarget as HTMLInputElement).checked),
          }),
          topic,
        ),
      ),
    ),
  )
}

function Gaps(): VNode | null {
  const gaps = useCell(missing)
  const last = gaps[gaps.length - 1]
  if (last === undefined) return null
  const number = Math.max(1, last.to - last.from + 1)
  return h(
    'p',
    { class: 'quiet fault' },
    icon('warning'),
    `${plural(number, 'event')} cannot be told any more (from #${last.from}, ${last.reason}).`,
  )
}
