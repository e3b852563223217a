/**
 * States as a drawing, a colour and a word; the word alone is enough.
 */
import type { VNode } from 'preact'
import { h } from '../h.ts'
import { type IconName, icon } from './icons.ts'

export type Tone = 'good' | 'warn' | 'bad' | 'note' | 'mute'

export const badge = (tone: Tone, name: IconName, text: string): VNode =>
  h('span', { class: `badge ${tone}` }, icon(name), text)

const STATUS: Readonly<Record<string, readonly [Tone, IconName]>> = {
  healthy: ['good', 'check'],
  unhealthy: ['bad', 'cross'],
  draining: ['note', 'half'],
  stale: ['warn', 'clock'],
  unknown: ['mute', 'question'],
  connected: ['good', 'check'],
  disconnected: ['warn', 'clock'],
  revoked: ['bad', 'cross'],
  alive: ['good', 'check'],
  suspect: ['warn', 'question'],
  dead: ['bad', 'cross'],
  left: ['mute', 'half'],
}

export function statusBadge(status = 'unknown'): VNode {
  const [tone, name] = STATUS[status] ?? ['mute', 'note']
  return badge(tone, name, status)
}

export const SAFE_WORDS = {
  yes: 'safe to stop',
  no: 'not yet',
  byTime: 'safe by time',
  unknown: 'cannot be counted yet',
} as const

/** `byTime`: enough time has passed that it speaks for safety where nothing can be counted. */
export function safeBadge(safe: boolean | 'unknown' | undefined, byTime: boolean): VNode {
  if (safe === true) return badge('good', 'check', SAFE_WORDS.yes)
  if (safe === false) return badge('warn', 'clock', SAFE_WORDS.no)
  if (byTime) return badge('note', 'clock', SAFE_WORDS.byTime)
  return badge('mute', 'question', SAFE_WORDS.unknown)
}

export const toneIcon: Readonly<Record<'bad' | 'warn' | 'note', IconName>> = {
  bad: 'cross',
  warn: 'warning',
  note: 'note',
}
