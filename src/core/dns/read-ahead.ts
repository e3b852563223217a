/**
 * Reading ahead: the memory that the queries of a batch will be looked up in is read for all of
 * them first.
 *
 * Where many names are asked for, each query waits twice for memory that no cache near the
 * processor holds: for the slot of its name's hash, and for its node. Reads that do not depend on
 * each other wait together, so that a batch waits little longer than one query would. Nothing is
 * decided here and nothing is kept; queries that cannot be read are passed over.
 */
import { viewOf } from '../base/octets.ts'
import type { NameTable } from '../zone/table.ts'
import { HEADER_BYTES } from './exchange.ts'
import { hashName } from './hash.ts'
import { LABELS_MAX } from './names.ts'
import { findName } from './question.ts'

/** Queries of a batch at most; of a larger one the rest is passed over. */
const BATCH_MAX = 64

export class ReadAhead {
  readonly #tableOf: () => NameTable | undefined
  readonly #hashes = new Int32Array(BATCH_MAX)
  readonly #labelAt = new Uint8Array(LABELS_MAX + 1)
  readonly #labelHashes = new Int32Array(LABELS_MAX + 1)
  #queries: Uint8Array = new Uint8Array(0)
  #view = viewOf(this.#queries)
  /** Of what was read, so that no compiler leaves the reading out. */
  seen = 0

  /** @param tableOf in which the queries that come next will be looked up */
  constructor(tableOf: () => NameTable | undefined) {
    this.#tableOf = tableOf
  }

  /** Of `count` queries the first octets lie `stride` apart. */
  readonly look = (
    queries: Uint8Array,
    stride: number,
    lengths: Uint32Array,
    count: number,
  ): void => {
    const table = this.#tableOf()
    if (table === undefined || table.isNear) return
    // Fronts hand over the same memory again and again.
    if (queries !== this.#queries) {
      this.#queries = queries
      this.#view = viewOf(queries)
    }
    const hashes = this.#hashes
    const labelAt = this.#labelAt
    const labelHashes = this.#labelHashes
    const view = this.#view
    let found = 0
    for (let at = 0; at < count && found < BATCH_MAX; at++) {
      const start = at * stride
      const from = start + HEADER_BYTES
      const labels = findName(queries, from, start + (lengths[at]! | 0), labelAt)
      if (labels < 0) continue
      hashName(view, from, labelAt, labels, labelHashes, table.seed)
      hashes[found++] = labelHashes[0]!
    }
    this.seen ^= table.touch(hashes, found)
  }
}
