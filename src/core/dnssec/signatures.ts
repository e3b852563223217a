/**
 * Signatures made so far, found by what they sign: what is still good is not made again.
 *
 * Each has two names. Its octets, those of the set and of the key that signed it, are compared
 * as they are, so that a set that did not change costs neither a digest nor its canonical form.
 * Its id is a digest of what was signed, which is what is kept through a restart. With any other
 * data or key it is another signature. What the last table did not use is not found any more,
 * and its memory is taken back once it is more than what is used.
 *
 * All of it lies in a few large arrays: as an object each, a hundred thousand signatures would be
 * work for the collector whenever one of them changes.
 */
import type { SignatureTimes } from './lifetimes.ts'

export interface Signature extends SignatureTimes {
  /** Data of the RRSIG. */
  readonly rdata: Uint8Array
}

/** One that is in the store; good until the store is settled or abandoned. */
export interface HeldSignature extends Signature {
  readonly entry: number
}

/** What the store holds of each, beside its octets. */
const ENTRY = 6
/** Where its octets begin: those of the id, of the data and of the set. */
const AT = 0
const ID_BYTES = 1
const DATA_BYTES = 2
const SET_BYTES = 3
/** The table that used it last; GONE for one that is no signature any more. */
const MARK = 4
/** The numbers its two places in the index begin at come from these. */
const SET_HASH = 5

const GONE = -1
const NONE = -1
/** So many that are of no use are left where they are. */
const LOOSE_MIN = 256

/** FNV-1a over octets, mixed so that its low bits can be an index. */
function hashOf(octets: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ octets[at]!, 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return (hash ^ (hash >>> 13)) | 0
}

function octetsOf(id: string): Uint8Array {
  const octets = new Uint8Array(id.length)
  for (let at = 0; at < id.length; at++) octets[at] = id.charCodeAt(at)
  return octets
}

/** Open addressing: numbers of entries plus one, 0 where there is none. */
class Index {
  #slots = new Int32Array(512)
  #count = 0

  add(hash: number, entry: number, hashOfEntry: (entry: number) => number): void {
    if (++this.#count * 2 > this.#slots.length) {
      const old = this.#slots
      this.#slots = new Int32Array(old.length * 2)
      for (const one of old) if (one !== 0) this.#insert(hashOfEntry(one - 1), one)
    }
    this.#insert(hash, entry + 1)
  }

  /** The first entry with this hash that is the one. */
  find(hash: number, isIt: (entry: number) => boolean): number {
    const slots = this.#slots
    const mask = slots.length - 1
    for (let slot = hash & mask; slots[slot] !== 0; slot = (slot + 1) & mask)
      if (isIt(slots[slot]! - 1)) return slots[slot]! - 1
    return NONE
  }

  #insert(hash: number, value: number): void {
    const mask = this.#slots.length - 1
    let slot = hash & mask
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
    this.#slots[slot] = value
  }
}

export class SignatureStore {
  #octets = new Uint8Array(2 ** 16)
  #octetsUsed = 0
  #rows = new Int32Array(ENTRY * 256)
  /** Of each its inception and expiration. */
  #times = new Float64Array(2 * 256)
  #entries = 0
  #byId = new Index()
  #bySet = new Index()
  /** The table in hand, and the oldest one whose signatures count. */
  #table = 1
  #oldest = 0
  /** Signatures that count, and of these the ones that the table in hand uses. */
  #size = 0
  #used = 0

  get size(): number {
    return this.#size
  }

  /** By the octets of a set and its key, which are the first `length` of these. */
  find(set: Uint8Array, length: number): HeldSignature | undefined {
    const hash = hashOf(set, 0, length)
    const entry = this.#bySet.find(hash, (one) => {
      const row = one * ENTRY
      const rows = this.#rows
      if (rows[row + SET_HASH] !== hash || rows[row + SET_BYTES] !== length) return false
      const at = rows[row + AT]! + rows[row + ID_BYTES]! + rows[row + DATA_BYTES]!
      return this.#counts(one) && this.#isAt(at, set, length)
    })
    return this.#held(entry)
  }

  findId(id: string): HeldSignature | undefined {
    return this.#held(this.#entryOf(octetsOf(id)))
  }

  /** The table in hand uses it. */
  use({ entry }: HeldSignature): void {
    const mark = entry * ENTRY + MARK
    if (this.#rows[mark] === this.#table) return
    this.#rows[mark] = this.#table
    this.#used++
  }

  /** Takes one for the table in hand, in place of the one of that id; `set` as for `find`. */
  add(id: string, signature: Signature, set: Uint8Array, length: number): void {
    const octets = octetsOf(id)
    this.#drop(this.#entryOf(octets))
    const { rdata, inceptionSeconds, expirationSeconds } = signature
    const entry = this.#take(octets.length + rdata.length + length)
    const row = entry * ENTRY
    const at = this.#rows[row + AT]!
    this.#octets.set(octets, at)
    this.#octets.set(rdata, at + octets.length)
    this.#octets.set(set.subarray(0, length), at + octets.length + rdata.length)
    this.#rows[row + ID_BYTES] = octets.length
    this.#rows[row + DATA_BYTES] = rdata.length
    this.#rows[row + SET_BYTES] = length
    this.#rows[row + SET_HASH] = hashOf(set, 0, length)
    this.#rows[row + MARK] = this.#table
    this.#times[entry * 2] = inceptionSeconds
    this.#times[entry * 2 + 1] = expirationSeconds
    this.#size++
    this.#used++
    this.#list(entry)
  }

  /** It is no signature after all. */
  forget(id: string): void {
    this.#drop(this.#entryOf(octetsOf(id)))
  }

  /** Forgets all that the table in hand did not use. */
  settle(): void {
    this.#oldest = this.#table++
    this.#size = this.#used
    this.#used = 0
    this.#tidy()
  }

  /** The table in hand came to nothing: what was made for it is kept beside the rest. */
  abandon(): void {
    this.#table++
    this.#used = 0
    this.#tidy()
  }

  *entries(): Generator<readonly [string, Signature]> {
    for (let entry = 0; entry < this.#entries; entry++) {
      if (!this.#counts(entry)) continue
      const at = this.#rows[entry * ENTRY + AT]!
      const id = this.#octets.subarray(at, at + this.#rows[entry * ENTRY + ID_BYTES]!)
      yield [String.fromCharCode(...id), this.#held(entry)!]
    }
  }

  #counts(entry: number): boolean {
    return this.#rows[entry * ENTRY + MARK]! >= this.#oldest
  }

  #isAt(at: number, octets: Uint8Array, length: number): boolean {
    const own = this.#octets
    for (let octet = 0; octet < length; octet++) if (own[at + octet] !== octets[octet]) return false
    return true
  }

  #entryOf(id: Uint8Array): number {
    return this.#byId.find(hashOf(id, 0, id.length), (one) => {
      const row = one * ENTRY
      if (this.#rows[row + ID_BYTES] !== id.length || !this.#counts(one)) return false
      return this.#isAt(this.#rows[row + AT]!, id, id.length)
    })
  }

  #held(entry: number): HeldSignature | undefined {
    if (entry === NONE) return undefined
    const row = entry * ENTRY
    const from = this.#rows[row + AT]! + this.#rows[row + ID_BYTES]!
    return {
      entry,
      inceptionSeconds: this.#times[entry * 2]!,
      expirationSeconds: this.#times[entry * 2 + 1]!,
      rdata: this.#octets.subarray(from, from + this.#rows[row + DATA_BYTES]!),
    }
  }

  #drop(entry: number): void {
    if (entry === NONE) return
    if (this.#rows[entry * ENTRY + MARK] === this.#table) this.#used--
    this.#rows[entry * ENTRY + MARK] = GONE
    this.#size--
  }

  /** A new entry with room for so many octets. */
  #take(bytes: number): number {
    const entry = this.#entries++
    if (this.#entries * ENTRY > this.#rows.length) {
      const [rows, times] = [this.#rows, this.#times]
      this.#rows = new Int32Array(rows.length * 2)
      this.#rows.set(rows)
      this.#times = new Float64Array(times.length * 2)
      this.#times.set(times)
    }
    const at = this.#octetsUsed
    this.#octetsUsed += bytes
    if (this.#octetsUsed > this.#octets.length) {
      const octets = this.#octets
      this.#octets = new Uint8Array(Math.max(this.#octetsUsed, octets.length * 2))
      this.#octets.set(octets.subarray(0, at))
    }
    this.#rows[entry * ENTRY + AT] = at
    return entry
  }

  /** Makes an entry be found. */
  #list(entry: number): void {
    this.#byId.add(this.#idHash(entry), entry, (one) => this.#idHash(one))
    // Those of a restart know their id alone.
    if (this.#rows[entry * ENTRY + SET_BYTES] !== 0)
      this.#bySet.add(
        this.#rows[entry * ENTRY + SET_HASH]!,
        entry,
        (one) => this.#rows[one * ENTRY + SET_HASH]!,
      )
  }

  #idHash(entry: number): number {
    const at = this.#rows[entry * ENTRY + AT]!
    return hashOf(this.#octets, at, at + this.#rows[entry * ENTRY + ID_BYTES]!)
  }

  /** Takes back the memory of those that count no more, where it is more than that of the rest. */
  #tidy(): void {
    if (this.#entries - this.#size < Math.max(this.#size, LOOSE_MIN)) return
    const [octets, rows, times, entries] = [this.#octets, this.#rows, this.#times, this.#entries]
    const kept: number[] = []
    for (let entry = 0; entry < entries; entry++) if (this.#counts(entry)) kept.push(entry)
    this.#octets = new Uint8Array(2 ** 16)
    this.#rows = new Int32Array(ENTRY * 256)
    this.#times = new Float64Array(2 * 256)
    this.#byId = new Index()
    this.#bySet = new Index()
    this.#entries = 0
    this.#octetsUsed = 0
    for (const old of kept) {
      const row = rows.subarray(old * ENTRY, (old + 1) * ENTRY)
      const bytes = row[ID_BYTES]! + row[DATA_BYTES]! + row[SET_BYTES]!
      const entry = this.#take(bytes)
      const at = this.#rows[entry * ENTRY + AT]!
      this.#octets.set(octets.subarray(row[AT]!, row[AT]! + bytes), at)
      this.#rows.set(row, entry * ENTRY)
      this.#rows[entry * ENTRY + AT] = at
      this.#times.set(times.subarray(old * 2, old * 2 + 2), entry * 2)
      this.#list(entry)
    }
  }
}
