/**
 * Finds the name in the table, or its closest encloser (RFC 1034 section 4.3.2, RFC 4592 section
 * 3.3.1): one hash of the name gives those of all its ancestors.
 */
import { NONE, type NameTable } from '../zone/table.ts'
import type { Exchange } from './exchange.ts'
import { findLabels, hashName } from './hash.ts'

/** Sets `x.node` and `x.nodeLabel` for the name at `x.nameFrom`, whose labels are known. */
export function locate(x: Exchange, table: NameTable): void {
  const { nameView, nameFrom, nameBytes, labels, labelAt, hashes } = x
  hashName(nameView, nameFrom, labelAt, labels, hashes, table.seed)
  let node = table.find(hashes[0]!, nameView, nameFrom, nameBytes)
  let label = 0
  if (node === NONE) {
    // No ancestor with more labels than the deepest name of the table can be in it.
    label = Math.max(1, labels - table.labelsMax)
    for (; label <= labels; label++) {
      const skipped = labelAt[label]!
      node = table.find(hashes[label]!, nameView, nameFrom + skipped, nameBytes - skipped)
      if (node !== NONE) break
    }
  }
  x.node = node
  x.nodeLabel = label
}

/** Takes the whole, uncompressed name at `at` of the reply as the name to look up next. */
export function moveTo(x: Exchange, at: number): void {
  x.nameAt = at
  x.nameView = x.view
  x.nameFrom = at
  x.labels = findLabels(x.out, at, x.labelAt)
  x.nameBytes = x.labelAt[x.labels]! + 1
}

/** Where an ancestor of the current name, of so many octets, lies in the reply. */
export const ancestorAt = (x: Exchange, ancestorBytes: number): number =>
  x.nameAt + x.nameBytes - ancestorBytes
