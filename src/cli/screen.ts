/**
 * A picture that fills the terminal and is drawn again and again: on the alternate screen, so that
 * what was there comes back however the program ends.
 */
import type { Terminal } from './terminal.ts'

export interface Screen {
  draw(lines: readonly string[]): void
  /** Gives the terminal back; the second time nothing happens. */
  leave(): void
}

const ENTER = '\u001b[?1049h\u001b[?25l'
const LEAVE = '\u001b[?25h\u001b[?1049l'
const HOME = '\u001b[H'
const REST_OF_LINE = '\u001b[K'
const REST_OF_SCREEN = '\u001b[J'

export function screenOn(terminal: Terminal): Screen {
  let isOurs = true
  const leave = () => {
    if (!isOurs) return
    isOurs = false
    terminal.write(LEAVE)
  }
  // An error that nobody catches ends the process too, and must not leave the screen behind.
  process.once('exit', leave)
  terminal.write(ENTER)
  return {
    draw: (lines) => {
      if (!isOurs) return
      const { columns, rows } = terminal
      const shown = lines.slice(0, rows).map((line) => `${cut(line, columns)}${REST_OF_LINE}`)
      // No line break after the last line: on a full screen it would scroll.
      terminal.write(`${HOME}${shown.join('\r\n')}${REST_OF_SCREEN}`)
    },
    leave: () => {
      process.off('exit', leave)
      leave()
    },
  }
}

/** The first `columns` characters that are seen; colours count for nothing. */
export function cut(line: string, columns: number): string {
  let seen = 0
  let text = ''
  for (const part of line.split(/(\u001b\[[0-9;]*m)/)) {
    if (part.startsWith('\u001b[')) {
      text += part
      continue
    }
    const kept = part.slice(0, Math.max(0, columns - seen))
    text += kept
    seen += kept.length
  }
  return text
}
