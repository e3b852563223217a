/**
 * The newest events, encoded, without a hole in their numbers, in bounds of count and bytes.
 */
import { limits } from '../../../core/base/limits.ts'
import type { ToldEvent } from '../../../core/events/protocol.ts'

const bytesOf = ({ json, msgpack }: ToldEvent) => json.length + msgpack.length

export class Ring {
  #events: ToldEvent[] = []
  /** Where the oldest one held lies; what is before it is dropped from time to time. */
  #start = 0
  #bytes = 0

  add(event: ToldEvent): void {
    const last = this.#events.at(-1)
    if (last !== undefined && last.number + 1 !== event.number) this.#clear()
    this.#events.push(event)
    this.#bytes += bytesOf(event)
    const { feedMemoryEvents, feedMemoryBytes } = limits
    while (
      this.#events.length - this.#start > feedMemoryEvents.default ||
      (this.#bytes > feedMemoryBytes.default && this.#start < this.#events.length - 1)
    )
      this.#bytes -= bytesOf(this.#events[this.#start++]!)
    // Moving all that is held for each event would cost more than what is kept too long.
    if (this.#start * 2 > this.#events.length) {
      this.#events.splice(0, this.#start)
      this.#start = 0
    }
  }

  /** At most `limit` from this number on; undefined when it is not among those held. */
  from(number: number, limit: number): readonly ToldEvent[] | undefined {
    const first = this.#events[this.#start]?.number
    const last = this.#events.at(-1)?.number
    if (first === undefined || last === undefined || number < first || number > last)
      return undefined
    const at = this.#start + number - first
    const page = this.#events.slice(at, at + limit)
    let bytes = 0
    const end = page.findIndex((event) => {
      bytes += bytesOf(event)
      return bytes > 2 * limits.feedPageBytes.default
    })
    // One event is a page, however long.
    return end < 0 ? page : page.slice(0, Math.max(1, end))
  }

  #clear(): void {
    this.#events = []
    this.#start = 0
    this.#bytes = 0
  }
}
