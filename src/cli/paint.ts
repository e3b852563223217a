/**
 * Colour for words that say how something is: on a terminal only, and never with NO_COLOR
 * (no-color.org) or TERM=dumb.
 */
import type { Io } from './shell.ts'

/** Colours a text by the meaning of `word`, which is the text itself when left out. */
export type Paint = (text: string, word?: string) => string

const GREEN = 32
const RED = 31
const YELLOW = 33

const COLOURS: Readonly<Record<string, number>> = {
  ...{ healthy: GREEN, yes: GREEN, connected: GREEN, alive: GREEN, ready: GREEN },
  ...{ unhealthy: RED, no: RED, revoked: RED, dead: RED, failed: RED },
  ...{ degraded: YELLOW, draining: YELLOW, stale: YELLOW, unknown: YELLOW, silent: YELLOW },
  ...{ suspect: YELLOW, left: YELLOW, warning: YELLOW },
}

export function paintFor({ env, terminal }: Pick<Io, 'env' | 'terminal'>): Paint {
  if (terminal === undefined || env['NO_COLOR'] || env['TERM'] === 'dumb') return (text) => text
  return (text, word = text) => {
    const colour = COLOURS[word.trim().toLowerCase()]
    return colour === undefined ? text : `\u001b[${colour}m${text}\u001b[0m`
  }
}
