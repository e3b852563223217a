/**
 * Tables for a terminal: upper-case headers, columns two spaces apart.
 */
import type { Paint } from './paint.ts'

/** Cells are padded before they are painted, so that colour moves no column. */
export function table(
  headers: readonly string[],
  rows: readonly (readonly string[])[],
  paint: Paint = (text) => text,
): string {
  const shown = rows.map((row) => row.map(plain))
  const widths = headers.map((header, at) =>
    Math.max(header.length, ...shown.map((row) => (row[at] ?? '').length)),
  )
  const line = (cells: readonly string[], colour: Paint) =>
    cells
      .map((cell, at) => {
        const isLast = at === cells.length - 1
        const gap = isLast ? '' : ' '.repeat(widths[at]! + 2 - cell.length)
        return `${colour(cell)}${gap}`
      })
      .join('')
      .trimEnd()
  return [line(headers, (text) => text), ...shown.map((row) => line(row, paint))].join('\n')
}

/** What comes from the network must not move the cursor. */
export const plain = (cell: string): string => cell.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?')
