/**
 * A binary heap of things with a due time, each knowing its own place so that it can be taken out.
 */
import { assert } from '../base/assert.ts'

export interface Due {
  dueMs: number
  /** Its index in the heap, -1 outside it; written by the heap alone. */
  place: number
}

export class DueHeap<T extends Due> {
  readonly #items: T[] = []

  get size(): number {
    return this.#items.length
  }

  first(): T | undefined {
    return this.#items[0]
  }

  /** How many are due by then; looks at no others but those right below them. */
  countDue(nowMs: number, at = 0): number {
    const item = this.#items[at]
    if (item === undefined || item.dueMs > nowMs) return 0
    return 1 + this.countDue(nowMs, at * 2 + 1) + this.countDue(nowMs, at * 2 + 2)
  }

  add(item: T): void {
    assert(item.place < 0, 'an item is in the heap once')
    this.#items.push(item)
    this.#rise(this.#items.length - 1)
  }

  remove(item: T): void {
    const at = item.place
    assert(this.#items[at] === item, 'an item that is removed is in the heap')
    item.place = -1
    const last = this.#items.pop()!
    if (last === item) return
    this.#put(last, at)
    this.#rise(at)
    this.#sink(last.place)
  }

  #put(item: T, at: number): void {
    this.#items[at] = item
    item.place = at
  }

  #rise(from: number): void {
    const item = this.#items[from]!
    let at = from
    while (at > 0) {
      const above = (at - 1) >> 1
      const parent = this.#items[above]!
      if (parent.dueMs <= item.dueMs) break
      this.#put(parent, at)
      at = above
    }
    this.#put(item, at)
  }

  #sink(from: number): void {
    const item = this.#items[from]!
    let at = from
    for (;;) {
      let below = at * 2 + 1
      const left = this.#items[below]
      if (left === undefined) break
      const right = this.#items[below + 1]
      if (right !== undefined && right.dueMs < left.dueMs) below++
      const child = this.#items[below]!
      if (child.dueMs >= item.dueMs) break
      this.#put(child, at)
      at = below
    }
    this.#put(item, at)
  }
}
