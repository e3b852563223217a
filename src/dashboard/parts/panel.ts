/**
 * The frames of a view: panels with a heading, notes, figures, and lists of facts.
 */
import type { ComponentChildren, VNode } from 'preact'
import { h } from '../h.ts'
import { words } from '../format.ts'
import type { Loaded } from '../live.ts'
import { factsOf } from '../shapes.ts'
import { icon } from './icons.ts'

interface PanelProps {
  readonly title: string
  /** Buttons and such, at the right of the heading. */
  readonly aside?: ComponentChildren
  readonly class?: string
  readonly children?: ComponentChildren
}

/** A section with a heading; its name for tests and links is that of the heading. */
export const Panel = ({ title, aside, class: more = '', children }: PanelProps): VNode =>
  h(
    'section',
    { class: `panel ${more}`, 'aria-label': title },
    h('header', { class: 'panel-head' }, h('h2', null, title), aside),
    children,
  )

export const quiet = (text: ComponentChildren): VNode => h('p', { class: 'quiet' }, text)

/** Says what a failed or first read means; nothing while all is well. */
export function readNote({ known, fault }: Loaded): VNode | undefined {
  if (!known) return quiet('Reading …')
  if (fault === undefined) return undefined
  return h('p', { class: 'quiet fault' }, icon('warning'), `Not up to date: ${fault}.`)
}

interface TileProps {
  readonly label: string
  readonly value: ComponentChildren
  readonly detail?: ComponentChildren
  readonly tone?: 'good' | 'warn' | 'bad'
}

/** One figure, large. */
export const Tile = ({ label, value, detail, tone }: TileProps): VNode =>
  h(
    'div',
    { class: `tile ${tone ?? ''}` },
    h('dt', null, label),
    h('dd', { class: 'figure' }, value),
    detail === undefined ? null : h('dd', { class: 'detail' }, detail),
  )

export type Fact = readonly [label: string, value: ComponentChildren]

/** A list of facts; those without a value are left out. */
export const factList = (facts: readonly Fact[]): VNode =>
  h(
    'dl',
    { class: 'facts' },
    facts
      .filter(([, value]) => value !== undefined && value !== '')
      .map(([label, value]) =>
        h('div', { key: label }, h('dt', null, label), h('dd', null, value)),
      ),
  )

const SHOWN_DEPTH = 4

/** Anything the API tells, without knowing what it is. */
export function anything(value: unknown, depth = 0): ComponentChildren {
  if (value === null || value === undefined) return '–'
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value !== 'object') return String(value)
  if (depth >= SHOWN_DEPTH) return JSON.stringify(value)
  if (Array.isArray(value)) {
    if (value.every((one) => typeof one !== 'object')) return value.join(', ') || 'none'
    return h(
      'ol',
      { class: 'things' },
      value.map((one, at) => h('li', { key: at }, anything(one, depth + 1))),
    )
  }
  return factList(
    Object.entries(factsOf(value)).map(([key, one]) => [words(key), anything(one, depth + 1)]),
  )
}

/** How full; the text beside it says the same. */
export const bar = (share: number, tone = 'accent'): VNode =>
  h(
    'span',
    { class: `bar ${tone}`, 'aria-hidden': 'true' },
    h('span', { style: { width: `${Math.max(0, Math.min(1, share)) * 100}%` } }),
  )
