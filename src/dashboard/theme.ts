/**
 * Light, dark, or as the system has it.
 */
import { onPreferredColor, prefersDark, recall, remember } from './browser.ts'
import { Cell } from './cell.ts'

export type Wish = 'auto' | 'light' | 'dark'

const KEY = 'opengslb.theme'
const ORDER: readonly Wish[] = ['auto', 'light', 'dark']

const stored = recall('local', KEY)

export const wish = new Cell<Wish>(ORDER.find((one) => one === stored) ?? 'auto')

const shown = (): 'light' | 'dark' =>
  wish.value === 'auto' ? (prefersDark() ? 'dark' : 'light') : wish.value

/** What is shown now. */
export const theme = new Cell<'light' | 'dark'>(shown())

function apply(): void {
  document.documentElement.dataset['theme'] = shown()
  theme.set(shown())
}

export function nextTheme(): void {
  const next = ORDER[(ORDER.indexOf(wish.value) + 1) % ORDER.length] ?? 'auto'
  remember('local', KEY, next === 'auto' ? undefined : next)
  wish.set(next)
  apply()
}

/** Begins; the page calls it before it draws. */
export function keepTheme(): void {
  apply()
  onPreferredColor(apply)
}
