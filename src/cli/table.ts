/**
 * Tables for a terminal: upper-case headers, columns two spaces apart.
 */
export function table(headers: readonly string[], rows: readonly (readonly string[])[]): string {
  const shown = rows.map((row) => row.map(plain))
  const widths = headers.map((header, at) =>
    Math.max(header.length, ...shown.map((row) => (row[at] ?? '').length)),
  )
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, at) => (at === cells.length - 1 ? cell : cell.padEnd(widths[at]! + 2)))
      .join('')
      .trimEnd()
  return [line(headers), ...shown.map(line)].join('\n')
}

/** What comes from the network must not move the cursor. */
const plain = (cell: string): string => cell.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?')
