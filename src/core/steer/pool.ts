/**
 * A pool of servers with their health words, ready to be decided on.
 *
 * The words are the only state that changes; everything else is derived from them. A server of
 * weight 0 takes no traffic whatever its health.
 */
import { type Family, parseAddress } from '../net/address.ts'
import type { ServingPool } from './snapshot.ts'
import { isServing, shareOf, View } from './view.ts'
import { LAST_HEALTHY } from './words.ts'

const bytesOf = (text: string): Uint8Array => {
  const address = parseAddress(text)
  return address.ok ? address.value.bytes : new Uint8Array(0)
}

export class Pool {
  readonly spec: ServingPool
  /** By member index, then the fallback addresses; 4 or 16 bytes each. */
  readonly addresses: readonly Uint8Array[]
  readonly words: Uint32Array
  readonly #weights: Float64Array
  readonly #view4: View
  readonly #view6: View
  #stale = true

  constructor(spec: ServingPool, words: readonly number[]) {
    this.spec = spec
    const texts = [...spec.members.map((member) => member.address), ...spec.fallback]
    this.addresses = texts.map(bytesOf)
    this.words = Uint32Array.from(spec.members, (_, index) => words[index] ?? 0)
    this.#weights = Float64Array.from(spec.members, (member) => member.weight)
    this.#view4 = new View(this.#countOf(4))
    this.#view6 = new View(this.#countOf(6))
  }

  setWord(member: number, word: number): void {
    if (member >= this.words.length) return
    this.words[member] = word
    this.#stale = true
  }

  familyOf(candidate: number): Family {
    return this.addresses[candidate]!.length === 16 ? 6 : 4
  }

  /** Whether any member, serving or not, or any fallback address, is of the family. */
  hasFamily(family: Family): boolean {
    return (family === 6 ? this.#view6 : this.#view4).candidates.length > 0
  }

  /** Whether no server of the family may be served, so that `when_all_down` or NODATA decides. */
  isDown(family: Family): boolean {
    return this.view(family).basis !== 'serving'
  }

  /** Whether no server of any family may be served. */
  allDown(): boolean {
    return this.isDown(4) && this.isDown(6)
  }

  view(family: Family): View {
    if (this.#stale) this.#rebuild()
    return family === 6 ? this.#view6 : this.#view4
  }

  #countOf(family: Family): number {
    const length = family === 6 ? 16 : 4
    return this.addresses.reduce((count, bytes) => count + (bytes.length === length ? 1 : 0), 0)
  }

  #rebuild(): void {
    this.#stale = false
    this.#fillServing(this.#view4, 4)
    this.#fillServing(this.#view6, 16)
    if (this.#view4.count > 0 || this.#view6.count > 0) return
    this.#fillAllDown(this.#view4, 4)
    this.#fillAllDown(this.#view6, 16)
  }

  #fillServing(view: View, length: number): void {
    view.clear('nothing')
    for (let member = 0; member < this.words.length; member++) {
      const word = this.words[member]!
      const weight = this.#weights[member]!
      if (!isServing(word) || weight <= 0 || this.addresses[member]!.length !== length) continue
      view.add(member, weight, shareOf(word))
    }
    if (view.count > 0) view.basis = 'serving'
    view.settle((candidate) => this.#weights[candidate] ?? 1)
  }

  /** What `when_all_down` puts in place of the servers, when it names any. */
  #fillAllDown(view: View, length: number): void {
    const mode = this.spec.whenAllDown
    if (mode === 'servfail' || mode === 'nodata') return
    const first = mode === 'fallback' ? this.words.length : 0
    const end = mode === 'fallback' ? this.addresses.length : this.words.length
    for (let candidate = first; candidate < end; candidate++) {
      if (this.addresses[candidate]!.length !== length) continue
      if (mode === 'last_healthy' && (this.words[candidate]! & LAST_HEALTHY) === 0) continue
      if (mode !== 'fallback' && this.#weights[candidate]! <= 0) continue
      view.add(candidate, this.#weights[candidate] ?? 1, 1000)
    }
    if (view.count === 0) return
    view.basis = mode === 'last_healthy' ? 'last-healthy' : mode
  }
}
