/**
 * One event as a line: when, about what, what happened, and the data that tells more.
 */
import type { ComponentChildren, VNode } from 'preact'
import { h } from '../h.ts'
import type { Happening } from '../feed-log.ts'
import { ago, dateAndTime, timeOfDay, words } from '../format.ts'
import { badge, type Tone } from '../parts/status.ts'
import type { IconName } from '../parts/icons.ts'
import type { Facts } from '../shapes.ts'

const TOPICS: Readonly<Record<string, readonly [Tone, IconName]>> = {
  alarm: ['bad', 'warning'],
  drain: ['note', 'half'],
  override: ['warn', 'key'],
  config: ['note', 'note'],
}

/** What became of a backend tells more than that it is a matter of health. */
const HEALTH: Readonly<Record<string, readonly [Tone, IconName]>> = {
  healthy: ['good', 'check'],
  unhealthy: ['bad', 'cross'],
  draining: ['note', 'half'],
  stale: ['warn', 'clock'],
}

const looksOf = ({ topic, data }: Happening): readonly [Tone, IconName] =>
  (topic === 'health' ? HEALTH[String(data['new_status'])] : TOPICS[topic]) ?? ['mute', 'note']

/** Said better elsewhere in the line. */
const APART = new Set(['service', 'region', 'address', 'port', 'old_cause', 'epoch', 'version'])

/** A number past this, in a field that ends so, is a moment and not a duration. */
const FIRST_MOMENT_MS = 1e12
const MOMENT = /(?:_at)?_ms$/

const isMoment = (key: string, value: unknown): value is number =>
  MOMENT.test(key) && typeof value === 'number' && value > FIRST_MOMENT_MS

const pair = ([key, value]: [string, unknown]): VNode =>
  h(
    'span',
    { key, class: 'pair' },
    isMoment(key, value)
      ? [h('i', { key }, words(key.replace(MOMENT, ''))), ` ${dateAndTime(isoOf(value))} `]
      : [h('i', { key }, words(key)), ` ${shown(value)} `],
  )

const isoOf = (moment: number): string => new Date(moment).toISOString()

const shown = (value: unknown): string =>
  Array.isArray(value)
    ? value.map(shown).join(', ')
    : typeof value === 'object' && value !== null
      ? JSON.stringify(value)
      : String(value)

/** A change of status reads as one sentence, everything else as pairs. */
function dataText(data: Facts): ComponentChildren {
  const { old_status: before, new_status: now, ...rest } = data
  const pairs = Object.entries(rest).filter(
    ([key, value]) => !APART.has(key) && value !== '' && value !== null && value !== undefined,
  )
  return [
    before === undefined || now === undefined
      ? null
      : h('strong', { key: 'change' }, `${shown(before)} → ${shown(now)} `),
    pairs.map(pair),
  ]
}

export function eventLine(event: Happening, nowMs: number, key: string): VNode {
  const { number, atMs, topic, kind, service, region, data } = event
  const [tone, name] = looksOf(event)
  const when = isoOf(atMs)
  return h(
    'li',
    { key, class: 'event-line', 'data-number': number },
    h(
      'span',
      { class: 'event-head' },
      h('time', { dateTime: when, title: ago(when, nowMs) }, timeOfDay(atMs)),
      badge(tone, name, topic),
      h('strong', null, words(kind)),
      service === '' ? null : h('code', null, service),
      region === '' ? null : h('span', { class: 'muted' }, region),
      number === 0 ? null : h('span', { class: 'number' }, `#${number}`),
    ),
    h('span', { class: 'event-data' }, dataText(data)),
  )
}
