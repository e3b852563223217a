/**
 * Short words on what was done, shown for a while and read aloud.
 */
import type { VNode } from 'preact'
import { h } from '../h.ts'
import { after } from '../browser.ts'
import { Cell } from '../cell.ts'
import { icon } from './icons.ts'
import { useCell } from '../use-cell.ts'

const SHOWN_MS = 6_000

const said = new Cell<string>('')

export function say(text: string): void {
  said.set(text)
  after(SHOWN_MS, () => {
    if (said.value === text) said.set('')
  })
}

export function Toast(): VNode {
  const text = useCell(said)
  return h(
    'div',
    { class: 'toast-place', role: 'status', 'aria-live': 'polite' },
    text === '' ? null : h('p', { class: 'toast' }, icon('check'), text),
  )
}
