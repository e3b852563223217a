/**
 * A seeded mutator of gossip octets: packets and streams, outside and inside their wrappings.
 *
 * The corpus holds every message, alone, bundled, compressed and nested. A mutant of what is inside
 * is wrapped again, its checksum right and its encryption valid, so that it reaches the parsers
 * behind them; others are changed after sealing.
 */
import { type Random, seededRandom } from '../../src/core/base/random.ts'
import { encodeCompound } from '../../src/core/gossip/wire/compound.ts'
import { encodeCompressed } from '../../src/core/gossip/wire/compress.ts'
import { addCrc } from '../../src/core/gossip/wire/crc.ts'
import { seal } from '../../src/core/gossip/wire/crypt.ts'
import { addLabel } from '../../src/core/gossip/wire/label.ts'
import { encodePacketMessage } from '../../src/core/gossip/wire/packet-message.ts'
import { encodeStreamMessage } from '../../src/core/gossip/wire/stream-message.ts'
import { joined } from '../../src/core/gossip/wire/types.ts'
import type { Wire } from '../../src/core/gossip/wire/wire.ts'
import { encryptionOf, packetMessages, streamMessages, utf8, wireOf } from './gossip-wire.ts'

export const clear = wireOf()
export const keyed = wireOf({ encryption: encryptionOf(), label: utf8('blue') })

const bombed = new Uint8Array(200_000).fill(0x61)

/** Packets as they are inside checksum and encryption. */
export function packetCorpus(): readonly Uint8Array[] {
  const alone = packetMessages.map(encodePacketMessage)
  const compound = encodeCompound(alone)
  const twice = encodeCompressed(encodeCompressed(compound))
  const bomb = encodeCompressed(joined(Uint8Array.of(8), bombed))
  const nested = encodeCompound([compound, encodeCompressed(compound), twice, bomb])
  return [...alone, compound, ...alone.map(encodeCompressed), twice, nested, bomb]
}

/** Streams as they are inside compression and encryption. */
export function streamCorpus(): readonly Uint8Array[] {
  const short = streamMessages.filter(({ type }) => type !== 'user')
  return [...short, { type: 'user', payload: utf8('hello') } as const].map(encodeStreamMessage)
}

// Octets that mean something somewhere: types, tags of lengths, extremes.
const TELLING = [
  0x00, 0x01, 0x07, 0x08, 0x09, 0x0a, 0x0c, 0x0d, 0x7f, 0x80, 0x8f, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1,
  0xc4, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcc, 0xcf, 0xd3, 0xd4, 0xd8, 0xd9, 0xda, 0xdb, 0xdc, 0xdd,
  0xde, 0xdf, 0xe0, 0xf4, 0xff,
]

type Mutation = (octets: Uint8Array, random: Random, other: Uint8Array) => Uint8Array

/** With octets [at, at + removed) replaced. */
const spliced = (octets: Uint8Array, at: number, removed: number, put: Uint8Array) =>
  joined(octets.subarray(0, at), put, octets.subarray(Math.min(octets.length, at + removed)))

const telling = (random: Random, count: number) =>
  Uint8Array.from({ length: count }, () => TELLING[random.below(TELLING.length)]!)

const mutations: readonly Mutation[] = [
  (octets, random) =>
    octets.map((octet) =>
      random.below(octets.length) === 0 ? octet ^ (1 << random.below(8)) : octet,
    ),
  (octets, random) => spliced(octets, random.below(octets.length), 1, telling(random, 1)),
  (octets, random) =>
    spliced(octets, random.below(octets.length), 0, telling(random, 1 + random.below(6))),
  (octets, random) =>
    spliced(octets, random.below(octets.length), 1 + random.below(8), new Uint8Array(0)),
  (octets, random) => octets.slice(0, random.below(octets.length + 1)),
  (octets, random) => {
    const at = random.below(octets.length)
    return spliced(octets, at, 0, octets.slice(at, at + 1 + random.below(64)))
  },
  (octets, random, other) => {
    const from = random.below(other.length)
    return spliced(
      octets,
      random.below(octets.length),
      random.below(16),
      other.subarray(from, from + 64),
    )
  },
  (octets, random) => {
    const lengthTag = [0xda, 0xdb, 0xdd, 0xdf, 0xcf, 0xd3][random.below(6)]!
    const put = Uint8Array.of(lengthTag, random.below(2) * 255, random.below(256), 255, 255)
    return spliced(octets, random.below(octets.length), random.below(6), put)
  },
]

export function mutated(octets: Uint8Array, random: Random, other: Uint8Array): Uint8Array {
  let mutant = octets
  for (let left = 1 + random.below(3); left > 0 && mutant.length > 0; left--)
    mutant = mutations[random.below(mutations.length)]!(mutant, random, other)
  return mutant
}

export interface Mutant {
  /** Who receives it. */
  readonly wire: Wire
  readonly octets: Uint8Array
}

type Wrap = (octets: Uint8Array) => Uint8Array

const sealedPacket: Wrap = (octets) =>
  addLabel(keyed.label, seal(keyed.encryption!, octets, keyed.label))

function framed(octets: Uint8Array): Uint8Array {
  const length = octets.length + 29
  const header = Uint8Array.of(10, 0, length >>> 16, (length >>> 8) & 255, length & 255)
  const blob = seal(keyed.encryption!, octets, joined(header, keyed.label))
  return addLabel(keyed.label, joined(header, blob))
}

const asIs: Wrap = (octets) => octets

interface Way {
  readonly wire: Wire
  readonly inside: readonly Wrap[]
  /** Whether the mutation comes after the wrapping. */
  readonly isOutside?: boolean
}

const packetWays: readonly Way[] = [
  { wire: clear, inside: [asIs] },
  { wire: clear, inside: [addCrc] },
  { wire: clear, inside: [encodeCompressed, addCrc] },
  { wire: clear, inside: [addCrc], isOutside: true },
  { wire: keyed, inside: [sealedPacket] },
  { wire: keyed, inside: [addCrc, sealedPacket] },
  { wire: keyed, inside: [encodeCompressed, addCrc, sealedPacket] },
  { wire: keyed, inside: [sealedPacket], isOutside: true },
]

const streamWays: readonly Way[] = [
  { wire: clear, inside: [asIs] },
  { wire: clear, inside: [encodeCompressed] },
  { wire: clear, inside: [encodeCompressed], isOutside: true },
  { wire: keyed, inside: [framed] },
  { wire: keyed, inside: [encodeCompressed, framed] },
  { wire: keyed, inside: [framed], isOutside: true },
]

/** The same mutants for the same seed, one a call. */
export function mutatorOf(kind: 'packet' | 'stream', seed: number): () => Mutant {
  const random = seededRandom(seed)
  const corpus = kind === 'packet' ? packetCorpus() : streamCorpus()
  const ways = kind === 'packet' ? packetWays : streamWays
  const any = () => corpus[random.below(corpus.length)]!
  return () => {
    const { wire, inside, isOutside } = ways[random.below(ways.length)]!
    const wrapped = (octets: Uint8Array) => inside.reduce((inner, wrap) => wrap(inner), octets)
    const octets =
      isOutside === true
        ? mutated(wrapped(any()), random, any())
        : wrapped(mutated(any(), random, any()))
    return { wire, octets }
  }
}
