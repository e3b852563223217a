/**
 * Small drawings. Each stands beside words that say the same, so none is read aloud.
 */
import type { VNode } from 'preact'
import { h } from '../h.ts'

const PATHS = {
  check: 'M3.5 8.5l3 3 6-7',
  cross: 'M4 4l8 8M12 4l-8 8',
  half: 'M8 2.5a5.5 5.5 0 1 0 0 11zM8 2.5a5.5 5.5 0 0 1 0 11',
  clock: 'M8 2.5a5.5 5.5 0 1 0 .01 0M8 5v3.2l2.2 1.3',
  question: 'M5.8 6.1a2.2 2.2 0 1 1 3.1 2c-.6.3-.9.7-.9 1.4M8 12.2v.1',
  warning: 'M8 2.6l6 10.4H2zM8 6.4v3M8 11.2v.1',
  note: 'M8 2.5a5.5 5.5 0 1 0 .01 0M8 7.4v3.4M8 5v.1',
  bolt: 'M9 2L4 9h3.5L7 14l5-7H8.5z',
  pause: 'M5.5 4v8M10.5 4v8',
  play: 'M5 3.5l7.5 4.5L5 12.5z',
  key: 'M9.6 9.3a3.3 3.3 0 1 0-2.4-2.4L2.5 11.6v1.9h2.3v-1.4h1.4v-1.4h1.5zM10.9 5.2v.1',
  sun:
    'M8 5.2a2.8 2.8 0 1 0 .01 0M8 1.5v1.6M8 12.9v1.6M1.5 8h1.6M12.9 8h1.6' +
    'M3.4 3.4l1.1 1.1M11.5 11.5l1.1 1.1M3.4 12.6l1.1-1.1M11.5 4.5l1.1-1.1',
  moon: 'M13 9.6A5.4 5.4 0 0 1 6.4 3a5.4 5.4 0 1 0 6.6 6.6z',
  auto: 'M2.5 3.5h11v7h-11zM6 13.5h4M8 10.5v3',
  arrow: 'M6 3.5L10.5 8 6 12.5',
  back: 'M10 3.5L5.5 8l4.5 4.5',
} as const

export type IconName = keyof typeof PATHS

export const icon = (name: IconName): VNode =>
  h(
    'svg',
    { class: 'icon', viewBox: '0 0 16 16', 'aria-hidden': 'true', focusable: 'false' },
    h('path', { d: PATHS[name] }),
  )

/** The mark of the program: one road that becomes three. */
export const mark = (): VNode =>
  h(
    'svg',
    { class: 'mark', viewBox: '0 0 32 32', 'aria-hidden': 'true', focusable: 'false' },
    h('rect', { width: 32, height: 32, rx: 7 }),
    h('path', { d: 'M7 16h6M13 16c5 0 4-8 11-8M13 16h11M13 16c5 0 4 8 11 8' }),
  )
