/**
 * How clients were routed last, so that one that is now routed otherwise can be told.
 *
 * A client is one address or client subnet that asks for one name and family. Four share a line of
 * memory; of more the later take the place of the earlier, and one that was forgotten is new. It
 * outlives the epochs, since servers that come and go are what moves clients.
 */
import { limits } from '../../core/base/limits.ts'

const LINE_BITS = 15
const WAYS = 4
/** A tag and what was decided. */
const ENTRY = 2
const LINE = WAYS * ENTRY
const METHOD_BITS = 2
const METHOD_MASK = (1 << METHOD_BITS) - 1

// Numbers of a change that waits to be told.
const POOL = 0
const NOW = 1
const BEFORE = 2
const CHOSEN = 3
const CLIENT_LENGTH = 4
const CHANGE = 5
const CLIENT_BYTES = 16

export interface Change {
  readonly pool: number
  /** Index of the server in its pool, or -1. */
  readonly chosen: number
  /** 4 or 16 octets. */
  readonly client: Uint8Array
  readonly now: Routed
  readonly before: Routed
}

export interface Routed {
  /** Of core/steer/routes.ts. */
  readonly method: number
  /** Empty where turns decide it, or where nobody was given. */
  readonly region: string
}

export class Moves {
  readonly #most: number
  readonly #changes: Int32Array
  readonly #clients: Uint8Array
  readonly #regions: string[] = ['']
  readonly #numbers = new Map([['', 0]])
  /** Made with the first client. */
  #words: Int32Array | undefined
  #count = 0
  #replaced = 0
  #leftOut = 0

  constructor(most: number = limits.routingMovesMax.default) {
    this.#most = most
    this.#changes = new Int32Array(most * CHANGE)
    this.#clients = new Uint8Array(most * CLIENT_BYTES)
  }

  /**
   * Takes a decision. Allocates nothing, but where a region is named for the first time.
   *
   * @param slot of the name, which it keeps through the epochs
   * @param pool its number in this epoch
   */
  note(
    slot: number,
    pool: number,
    family: number,
    client: Uint8Array,
    method: number,
    region: string,
    chosen: number,
  ): void {
    const now = (this.#numberOf(region) << METHOD_BITS) | method
    const before = this.#exchange(slot * 2 + (family === 6 ? 1 : 0), client, now)
    if (before < 0 || before === now) return
    if (this.#count === this.#most) {
      this.#leftOut++
      return
    }
    const at = this.#count * CHANGE
    const changes = this.#changes
    changes[at + POOL] = pool
    changes[at + NOW] = now
    changes[at + BEFORE] = before
    changes[at + CHOSEN] = chosen
    changes[at + CLIENT_LENGTH] = client.length
    const from = this.#count++ * CLIENT_BYTES
    for (let byte = 0; byte < client.length; byte++) this.#clients[from + byte] = client[byte]!
  }

  /** Changes since the last call, in order. */
  take(): Change[] {
    const changes = Array.from({ length: this.#count }, (_, index): Change => {
      const at = index * CHANGE
      const number = (of: number) => this.#changes[at + of]!
      const from = index * CLIENT_BYTES
      return {
        ...{ pool: number(POOL), chosen: number(CHOSEN) },
        client: this.#clients.slice(from, from + number(CLIENT_LENGTH)),
        now: this.#routed(number(NOW)),
        before: this.#routed(number(BEFORE)),
      }
    })
    this.#count = 0
    return changes
  }

  /** How many found no room since the last call. */
  takeLeftOut(): number {
    const count = this.#leftOut
    this.#leftOut = 0
    return count
  }

  #routed(value: number): Routed {
    return { method: value & METHOD_MASK, region: this.#regions[value >> METHOD_BITS]! }
  }

  #numberOf(region: string): number {
    const known = this.#numbers.get(region)
    if (known !== undefined) return known
    const number = this.#regions.push(region) - 1
    this.#numbers.set(region, number)
    return number
  }

  /** What the client's last decision was, or -1; it is `value` from now on. */
  #exchange(name: number, client: Uint8Array, value: number): number {
    this.#words ??= new Int32Array(LINE << LINE_BITS)
    const words = this.#words
    let line = Math.imul(name + client.length, 0x9e3779b1)
    let tag = name ^ client.length
    for (let byte = 0; byte < client.length; byte++) {
      line = Math.imul(line ^ client[byte]!, 0x85ebca6b)
      line ^= line >>> 15
      tag = Math.imul(tag ^ client[byte]!, 0x01000193)
      tag ^= tag >>> 13
    }
    // Not 0, which is an entry that nobody took.
    if (tag === 0) tag = 1
    const from = (line >>> (32 - LINE_BITS)) * LINE
    let free = -1
    for (let at = from; at < from + LINE; at += ENTRY) {
      if (words[at] === tag) {
        const before = words[at + 1]!
        words[at + 1] = value
        return before
      }
      if (free < 0 && words[at] === 0) free = at
    }
    if (free < 0) free = from + (this.#replaced++ % WAYS) * ENTRY
    words[free] = tag
    words[free + 1] = value
    return -1
  }
}
