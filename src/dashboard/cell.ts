/**
 * A value that tells those who watch it when it becomes another one.
 */
import { useEffect, useState } from 'preact/hooks'

export class Cell<T> {
  #value: T
  readonly #watchers = new Set<() => void>()

  constructor(value: T) {
    this.#value = value
  }

  get value(): T {
    return this.#value
  }

  set(value: T): void {
    if (Object.is(value, this.#value)) return
    this.#value = value
    for (const watcher of [...this.#watchers]) watcher()
  }

  /** The function given ends it. */
  watch(run: () => void): () => void {
    this.#watchers.add(run)
    return () => void this.#watchers.delete(run)
  }

  get isWatched(): boolean {
    return this.#watchers.size > 0
  }
}

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
