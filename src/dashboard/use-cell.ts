/**
 * The hook that draws a component anew when a cell that it reads becomes another value.
 */
import { useEffect, useState } from 'preact/hooks'
import type { Cell } from './cell.ts'

/** The value of a cell, for a component that is drawn anew with each change. */
export function useCell<T>(cell: Cell<T>): T {
  const [, redraw] = useState(0)
  useEffect(() => {
    const change = () => redraw((count) => count + 1)
    // It may have changed between the drawing and this effect.
    change()
    return cell.watch(change)
  }, [cell])
  return cell.value
}
