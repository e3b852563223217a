/**
 * SipHash-2-4 of the message of a server cookie, in WebAssembly: its 64-bit integers are the
 * processor's own, which takes a quarter of the time that halves of 32 bits take (siphash.ts).
 *
 * The module is written here, instruction by instruction, since it is a few additions and turns; it
 * has no memory. A message is 20 octets for a client of IPv4 and 32 for one of IPv6 (RFC 9018
 * section 4.4), so all of it fits into parameters. Instructions are numbered as in the WebAssembly
 * specification, section 5.4.
 */

/** What the engine offers, where it does; the language's own library does not declare it. */
interface Engine {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: unknown }
}

/** Parameters are 32-bit numbers, octets lowest first. */
export interface CookieSip {
  /**
   * Hashes the first 20 octets of the message, or all 32 where `isLong` is 1; the low half. Four
   * words of key and eight of message.
   */
  readonly hash: (
    k0: number,
    k1: number,
    k2: number,
    k3: number,
    m0: number,
    m1: number,
    m2: number,
    m3: number,
    m4: number,
    m5: number,
    m6: number,
    m7: number,
    isLong: 0 | 1,
  ) => number
  /** The high half of what was hashed last. */
  readonly high: () => number
}

const I32 = 0x7f
const I64 = 0x7e
const END = 0x0b

// Instructions on 64-bit integers; each is one octet.
const ADD = 0x7c
const OR = 0x84
const XOR = 0x85
const SHIFT_LEFT = 0x86
const SHIFT_RIGHT = 0x88
const TURN_LEFT = 0x89
const NARROW = 0xa7
const WIDEN = 0xad

// Parameters, then locals.
const KEY = 0
const MESSAGE = 4
const IS_LONG = 12
const PARAMETERS = 13
const [V0, V1, V2, V3, WORD] = [13, 14, 15, 16, 17] as const
const LOCALS = 5

const SHORT_BYTES = 20n
const LONG_BYTES = 32n

type Code = readonly number[]

const get = (local: number): Code => [0x20, local]
const set = (local: number): Code => [0x21, local]

/** LEB128 of an unsigned number. */
function unsigned(value: number): Code {
  const low = value & 0x7f
  return value < 0x80 ? [low] : [low | 0x80, ...unsigned(value >>> 7)]
}

/** i64.const, in signed LEB128. */
function constant(value: bigint): Code {
  const out = [0x42]
  let left = BigInt.asIntN(64, value)
  for (;;) {
    const low = Number(left & 0x7fn)
    left >>= 7n
    if (left === ((low & 0x40) === 0 ? 0n : -1n)) return [...out, low]
    out.push(low | 0x80)
  }
}

const add = (to: number, from: number): Code => [...get(to), ...get(from), ADD, ...set(to)]
const mix = (to: number, from: number): Code => [...get(to), ...get(from), XOR, ...set(to)]
const turn = (of: number, bits: bigint): Code => [
  ...[...get(of), ...constant(bits), TURN_LEFT],
  ...set(of),
]

/** SipRound of the paper. */
const ROUND: Code = [
  ...[...add(V0, V1), ...turn(V1, 13n), ...mix(V1, V0), ...turn(V0, 32n)],
  ...[...add(V2, V3), ...turn(V3, 16n), ...mix(V3, V2)],
  ...[...add(V0, V3), ...turn(V3, 21n), ...mix(V3, V0)],
  ...[...add(V2, V1), ...turn(V1, 17n), ...mix(V1, V2), ...turn(V2, 32n)],
]

/** Two parameters as one number, the first one low. */
const joined = (low: number): Code => [
  ...[...get(low), WIDEN, ...get(low + 1), WIDEN],
  ...[...constant(32n), SHIFT_LEFT, OR],
]

const begin = (state: number, key: number, with_: bigint): Code => [
  ...[...joined(key), ...constant(with_), XOR],
  ...set(state),
]

/** Takes up the number in WORD. */
const BLOCK: Code = [...mix(V3, WORD), ...ROUND, ...ROUND, ...mix(V0, WORD)]
const takeUp = (message: number): Code => [...joined(message), ...set(WORD), ...BLOCK]
const lengthIn = (bytes: bigint): Code => constant(bytes << 56n)

const HASH: Code = [
  ...begin(V0, KEY, 0x736f6d6570736575n),
  ...begin(V1, KEY + 2, 0x646f72616e646f6dn),
  ...begin(V2, KEY, 0x6c7967656e657261n),
  ...begin(V3, KEY + 2, 0x7465646279746573n),
  ...[...takeUp(MESSAGE), ...takeUp(MESSAGE + 2)],
  // if, else, end: of the last number the highest octet is the length.
  ...[...get(IS_LONG), 0x04, 0x40],
  ...[...takeUp(MESSAGE + 4), ...takeUp(MESSAGE + 6), ...lengthIn(LONG_BYTES), ...set(WORD)],
  0x05,
  ...[...get(MESSAGE + 4), WIDEN, ...lengthIn(SHORT_BYTES), OR, ...set(WORD)],
  END,
  ...BLOCK,
  ...[...get(V2), ...constant(0xffn), XOR, ...set(V2)],
  ...[...ROUND, ...ROUND, ...ROUND, ...ROUND],
  ...[...mix(V0, V1), ...mix(V0, V2), ...mix(V0, V3)],
  // The high half goes to the one global there is.
  ...[...get(V0), ...constant(32n), SHIFT_RIGHT, NARROW, 0x24, 0],
  ...[...get(V0), NARROW, END],
]
const HIGH: Code = [0x23, 0, END]

const listed = (items: readonly Code[]): Code => [...unsigned(items.length), ...items.flat()]
const sized = (bytes: Code): Code => [...unsigned(bytes.length), ...bytes]
const section = (id: number, items: readonly Code[]): Code => [id, ...sized(listed(items))]
const named = (name: string, index: number): Code => [
  ...sized([...name].map((char) => char.charCodeAt(0))),
  ...[0, index],
]

const MODULE: Code = [
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  // Types of the two functions, which function has which, the global, names, code.
  ...section(1, [
    [0x60, ...listed(new Array<Code>(PARAMETERS).fill([I32])), 1, I32],
    [0x60, 0, 1, I32],
  ]),
  ...section(3, [[0], [1]]),
  ...section(6, [[I32, 1, 0x41, 0, END]]),
  ...section(7, [named('hash', 0), named('high', 1)]),
  ...section(10, [sized([...listed([[LOCALS, I64]]), ...HASH]), sized([0, ...HIGH])]),
]

/** Undefined where the engine has no WebAssembly (`--jitless`) or refuses it. */
export function compileSip(): CookieSip | undefined {
  const engine = (globalThis as { WebAssembly?: Engine }).WebAssembly
  if (engine === undefined) return undefined
  try {
    const { Module, Instance } = engine
    return new Instance(new Module(Uint8Array.from(MODULE))).exports as CookieSip
  } catch {
    return undefined
  }
}
