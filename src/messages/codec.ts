/**
 * Messages to bytes and back, by tables made from a catalogue.
 *
 * A batch is a msgpack array of items. An item is an array: `[id, field, …]` for a fact,
 * `[id, call, field, …]` for a request, `[-id, call, field, …]` for its reply and
 * `[0, call, why]` for a request that gets no reply. Fields are in the order of the catalogue.
 *
 * Encoding asserts what the sender promised (the kinds of the fields and `maxBytes`), because a
 * message that breaks it is a fault of our own code. Decoding never throws: what does not fit the
 * table is left out and counted, since one bad item must not take a good batch with it.
 */
import { Packr } from 'msgpackr/pack'
import { assert } from '../core/base/assert.ts'
import { limits } from '../core/base/limits.ts'
import { catalogueFaults } from './edges.ts'
import type { Catalogue, Entry } from './entry.ts'
import type { Field, FieldKind, Fields } from './fields.ts'

export type Item =
  | { readonly kind: 'fact'; readonly name: string; readonly message: unknown }
  | {
      readonly kind: 'request'
      readonly name: string
      readonly call: number
      readonly message: unknown
    }
  | {
      readonly kind: 'reply'
      readonly name: string
      readonly call: number
      readonly reply: unknown
    }
  | { readonly kind: 'failure'; readonly call: number; readonly why: string }

export interface Decoded {
  readonly items: readonly Item[]
  /** Items that did not fit the catalogue; 1 for bytes that are no batch at all. */
  readonly dropped: number
}

export interface Codec {
  /** Bytes of one item. They may lie in a pool shared with others: see `encode` below. */
  fact(name: string, message: unknown): Uint8Array
  request(name: string, call: number, message: unknown): Uint8Array
  /** Undefined when the reply is over `limits.replyBytes`. */
  reply(name: string, call: number, reply: unknown): Uint8Array | undefined
  failure(call: number, why: string): Uint8Array
  /** What a fact shares: it travels beside the bytes, in the order of the fields. */
  sharedOf(name: string, message: unknown): readonly unknown[]
  /** The key of a `latest` fact, equal for messages that replace each other. */
  keyOf(name: string, message: unknown): string
  /** Joins items into a batch in a buffer of exactly its size, to be transferred. */
  batch(items: readonly Uint8Array[]): Uint8Array
  /** `shared` is what the messages of the batch share, in order. */
  decode(batch: Uint8Array, shared?: readonly unknown[]): Decoded
}

type Checked = readonly { readonly name: string; readonly field: Field<unknown> }[]

interface Table {
  readonly name: string
  readonly entry: Entry
  readonly fields: Checked
  readonly reply: Checked
  readonly key: readonly string[]
  readonly shared: readonly string[]
}

/** An array of up to 2^32 - 1 items (msgpack specification, "array format family"). */
const ARRAY_32 = 0xdd
const HEADER_BYTES = 5
/** Above this the encoder's pool has grown; a fresh one of the usual size takes its place. */
const POOL_BYTES = 8_192

const fits: Record<FieldKind, (value: unknown) => boolean> = {
  text: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  boolean: (value) => typeof value === 'boolean',
  bytes: (value) => value instanceof Uint8Array,
  list: Array.isArray,
  object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  shared: (value) => typeof value === 'object' && value !== null,
}

const fieldFits = (field: Field<unknown>, value: unknown): boolean =>
  value === undefined ? field.optional : fits[field.kind](value)

const NOTHING_SHARED: readonly unknown[] = []

const listed = (fields: Fields): Checked =>
  Object.entries(fields).map(([name, field]) => ({ name, field }))

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

const memberOf = (message: unknown, field: string): unknown =>
  isObject(message) ? message[field] : undefined

/** Puts the values of `message` behind `head`, in the order of the fields. */
function valuesOf(head: unknown[], of: string, fields: Checked, message: unknown): unknown[] {
  assert(isObject(message), `${of} is an object`)
  for (const { name, field } of fields) {
    const value = message[name]
    assert(fieldFits(field, value), `${of}: ${name} is ${field.kind}`)
    // What is shared travels beside the bytes.
    head.push(field.kind === 'shared' ? null : value)
  }
  return head
}

/** The message whose values begin at `at`, or undefined where one does not fit. */
function messageOf(
  fields: Checked,
  values: readonly unknown[],
  at: number,
  nextShared: () => unknown,
): Record<string, unknown> | undefined {
  if (values.length !== fields.length + at) return undefined
  const message: Record<string, unknown> = {}
  for (let index = 0; index < fields.length; index++) {
    const { name, field } = fields[index]!
    const value = field.kind === 'shared' ? nextShared() : values[at + index]
    if (!fieldFits(field, value)) return undefined
    // An absent field stays absent, so that what was sent and what arrives are equal.
    if (value !== undefined) message[name] = value
  }
  return message
}

function keyText(value: unknown): string {
  // The length keeps two texts apart that would read the same once joined.
  return typeof value === 'string' ? `${value.length}:${value}` : String(value)
}

function tablesOf(catalogue: Catalogue): Map<string, Table> {
  const tables = new Map<string, Table>()
  for (const [name, entry] of Object.entries(catalogue)) {
    const reply = entry.kind === 'request' ? listed(entry.reply) : []
    const key = entry.kind === 'fact' ? entry.key : []
    const fields = listed(entry.fields)
    const shared = fields.filter(({ field }) => field.kind === 'shared').map((one) => one.name)
    tables.set(name, { name, entry, fields, reply, key, shared })
  }
  return tables
}

function decodeItem(
  byId: ReadonlyMap<number, Table>,
  values: unknown,
  nextShared: () => unknown,
): Item | undefined {
  if (!Array.isArray(values) || typeof values[0] !== 'number') return undefined
  const [id, call] = values as [number, unknown]
  if (id === 0) {
    const why: unknown = values[2]
    if (typeof call !== 'number' || typeof why !== 'string') return undefined
    return { kind: 'failure', call, why }
  }
  const table = byId.get(Math.abs(id))
  if (table === undefined) return undefined
  const { name } = table
  if (table.entry.kind === 'fact') {
    const message = id > 0 ? messageOf(table.fields, values, 1, nextShared) : undefined
    return message && { kind: 'fact', name, message }
  }
  if (typeof call !== 'number') return undefined
  const message = messageOf(id > 0 ? table.fields : table.reply, values, 2, nextShared)
  if (message === undefined) return undefined
  return id > 0
    ? { kind: 'request', name, call, message }
    : { kind: 'reply', name, call, reply: message }
}

function joinBatch(items: readonly Uint8Array[]): Uint8Array {
  let size = HEADER_BYTES
  for (const item of items) size += item.length
  const batch = new Uint8Array(size)
  batch[0] = ARRAY_32
  new DataView(batch.buffer).setUint32(1, items.length)
  let at = HEADER_BYTES
  for (const item of items) {
    batch.set(item, at)
    at += item.length
  }
  return batch
}

export function codecOf(catalogue: Catalogue): Codec {
  const faults = catalogueFaults(catalogue)
  assert(faults.length === 0, `the catalogue is sound: ${faults.join('; ')}`)
  const tables = tablesOf(catalogue)
  const byId = new Map([...tables.values()].map((table) => [table.entry.id, table]))
  // Plain maps and exact sizes: records would tie both ends to a shared dictionary of structures.
  const packr = new Packr({ useRecords: false, variableMapSize: true, copyBuffers: true })

  /**
   * The bytes lie in a pool of a few KiB that later items share, which is fast and right for what
   * is joined into a batch at once; whoever keeps them longer copies them.
   */
  const encode = (values: unknown[]): Uint8Array => {
    const packed = packr.pack(values)
    if (packed.buffer.byteLength <= 2 * POOL_BYTES) return packed
    const exact = Uint8Array.prototype.slice.call(packed)
    packr.useBuffer(Buffer.allocUnsafeSlow(POOL_BYTES))
    return exact
  }
  const tableOf = (name: string): Table => {
    const table = tables.get(name)
    assert(table !== undefined, `${name} is in the catalogue`)
    return table
  }
  const bounded = (bytes: Uint8Array, { name, entry }: Table): Uint8Array => {
    assert(bytes.length <= entry.maxBytes, `${name} is at most ${entry.maxBytes} bytes`)
    return bytes
  }

  return {
    fact: (name, message) => {
      const table = tableOf(name)
      return bounded(encode(valuesOf([table.entry.id], name, table.fields, message)), table)
    },
    request: (name, call, message) => {
      const table = tableOf(name)
      return bounded(encode(valuesOf([table.entry.id, call], name, table.fields, message)), table)
    },
    reply: (name, call, reply) => {
      const table = tableOf(name)
      const head = [-table.entry.id, call]
      const bytes = encode(valuesOf(head, `the reply to ${name}`, table.reply, reply))
      return bytes.length <= limits.replyBytes.default ? bytes : undefined
    },
    failure: (call, why) => encode([0, call, why]),
    sharedOf: (name, message) => {
      const { shared } = tableOf(name)
      return shared.length === 0 ? NOTHING_SHARED : shared.map((field) => memberOf(message, field))
    },
    keyOf: (name, message) => {
      const { key } = tableOf(name)
      assert(isObject(message), `${name} is an object`)
      if (key.length === 1) return keyText(message[key[0]!])
      return key.map((field) => keyText(message[field])).join(',')
    },
    batch: joinBatch,
    decode: (batch, shared = NOTHING_SHARED) => {
      let values: unknown
      try {
        values = packr.unpack(batch)
      } catch {
        return { items: [], dropped: 1 }
      }
      if (!Array.isArray(values)) return { items: [], dropped: 1 }
      const items: Item[] = []
      let taken = 0
      const nextShared = () => shared[taken++]
      for (const value of values) {
        const item = decodeItem(byId, value, nextShared)
        if (item !== undefined) items.push(item)
      }
      return { items, dropped: values.length - items.length }
    },
  }
}
