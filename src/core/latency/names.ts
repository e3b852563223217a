/** Names as small numbers, in the order in which they were first met. */
export class Names {
  readonly list: string[] = []
  readonly #max: number
  readonly #numbers = new Map<string, number>()

  constructor(max: number) {
    this.#max = max
  }

  /** The number of a name, given one if need be; -1 where there are too many. */
  of(name: string): number {
    const known = this.#numbers.get(name)
    if (known !== undefined) return known
    if (this.list.length >= this.#max) return -1
    this.#numbers.set(name, this.list.length)
    return this.list.push(name) - 1
  }

  find(name: string): number {
    return this.#numbers.get(name) ?? -1
  }

  name(number: number): string {
    return this.list[number] ?? ''
  }
}
