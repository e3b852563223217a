/**
 * The networks that were measured and what they lie in: network, wider network, autonomous system,
 * country, world. Nodes are only added, so that a number stays what it was.
 */
import { type Address, formatAddress, type Prefix } from '../net/address.ts'
import { type Prefixes, type Ranges, rangesOf, type Words } from '../net/ranges.ts'
import { ASN, COUNTRY, NETWORK, WIDE, WORLD } from './beliefs.ts'
import type { Ground } from './ground.ts'

/** Networks around those that were measured: an allocation of an operator's site. */
const WIDE_BITS = { 4: 16, 6: 32 } as const
const NONE = -1

interface Network {
  readonly bytes: Uint8Array
  readonly length: number
  readonly node: number
}

export class Nodes {
  readonly parents: number[] = [0]
  readonly levels: number[] = [WORLD]
  /** By node, the class of geography that its measurements are compared with. */
  readonly places: number[] = [0]
  /** By node: what it is, for keys and for people. */
  readonly names: string[] = ['world']
  readonly #ground: Ground
  readonly #byName = new Map<string, number>([['world', 0]])
  readonly #networks: Record<4 | 6, Network[]> = { 4: [], 6: [] }

  constructor(ground: Ground) {
    this.#ground = ground
  }

  get count(): number {
    return this.parents.length
  }

  /** The node of a network, made if need be. */
  of({ address, length }: Prefix): number {
    const name = networkName(address, length)
    const known = this.#byName.get(name)
    if (known !== undefined) return known
    const { bytes, family } = address
    const place = this.#ground.classOf(bytes)
    const above = this.#wideOf(bytes, family, length, place)
    const node = this.#add(name, NETWORK, above, place)
    this.#networks[family].push({ bytes, length, node })
    return node
  }

  find(name: string): number {
    return this.#byName.get(name) ?? NONE
  }

  /** What addresses of a base lie in, if it was measured: a system, else a country, else -1. */
  around(base: number): number {
    const { systems, classes, countries } = this.#ground
    const system = this.find(systemName(systems[base]!))
    return system >= 0 ? system : this.find(countries[classes[base]!]!)
  }

  /** Every network with its node, the narrowest deciding; -1 elsewhere. */
  ranges(family: 4 | 6): Ranges {
    const words: Words = family === 4 ? 1 : 4
    const list = this.#networks[family]
    const starts = new Uint32Array(list.length * words)
    for (const [at, { bytes }] of list.entries()) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
      for (let word = 0; word < words; word++) starts[at * words + word] = view.getUint32(word * 4)
    }
    const prefixes: Prefixes = {
      ...{ words, starts },
      lengths: Uint8Array.from(list, ({ length }) => length),
      values: Int32Array.from(list, ({ node }) => node),
    }
    return rangesOf(prefixes, NONE)
  }

  #wideOf(bytes: Uint8Array, family: 4 | 6, length: number, place: number): number {
    const bits = WIDE_BITS[family]
    if (length <= bits) return this.#placeNode(bytes, place)
    const first = bytes.map((byte, at) => (at < bits / 8 ? byte : 0))
    const name = `${formatAddress(first)}/${bits}`
    const known = this.#byName.get(name)
    if (known !== undefined) return known
    const node = this.#add(name, WIDE, this.#placeNode(bytes, place), place)
    this.#networks[family].push({ bytes: first, length: bits, node })
    return node
  }

  /** The system of an address, else its country, else the world. */
  #placeNode(bytes: Uint8Array, place: number): number {
    const country = this.#ground.countries[place]!
    const above = country === '' ? 0 : this.#made(country, COUNTRY, 0, place)
    const system = systemName(this.#ground.systemOf(bytes))
    return system === '' ? above : this.#made(system, ASN, above, place)
  }

  #made(name: string, level: number, above: number, place: number): number {
    return this.#byName.get(name) ?? this.#add(name, level, above, place)
  }

  #add(name: string, level: number, above: number, place: number): number {
    this.levels.push(level)
    this.places.push(place)
    this.names.push(name)
    this.#byName.set(name, this.parents.length)
    return this.parents.push(above) - 1
  }
}

export const networkName = ({ text }: Address, length: number): string => `${text}/${length}`

const systemName = (asn: number): string => (asn === 0 ? '' : `AS${asn}`)
