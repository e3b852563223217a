/**
 * The verdicts of one node as a few records, for those that have none yet.
 *
 * A summary is not a vote: it counts where nobody who is alive has said anything, and ends with the
 * first check of one's own.
 */
import { limits } from '../base/limits.ts'
import type { SharedRecord } from '../gossip/peers/record.ts'
import { encodeBody, ownPart, readBody } from './shared-bodies.ts'

export const SUMMARY_RECORD = 'summary'

type Known = 'up' | 'down'

export interface SummaryBody {
  /** Two bodies that say the same are equal in it. */
  readonly said: string
  readonly body: Uint8Array
}

/**
 * The pages of a summary, servers in the order of their keys, so that a change touches one page.
 * Servers without a verdict are left out.
 */
export function summaryBodies(
  verdicts: readonly (readonly [key: string, verdict: Known | 'unknown'])[],
): readonly SummaryBody[] {
  const known = verdicts
    .filter((row): row is [string, Known] => row[1] !== 'unknown')
    .sort(([a], [b]) => (a < b ? -1 : 1))
  const pages: SummaryBody[] = []
  const most = limits.summaryPageServers.default
  for (let from = 0; from < known.length; from += most) {
    const rows = known.slice(from, from + most)
    const of = (wanted: Known) =>
      rows.filter(([, verdict]) => verdict === wanted).map(([key]) => key)
    const page = { up: of('up'), down: of('down') }
    const body = encodeBody(page)
    // Names may be so long that a page is no record any more: its servers wait for their checks.
    const isRecord = body.length <= limits.sharedRecordBytesMax.default
    pages.push(isRecord ? { said: JSON.stringify(page), body } : { said: '', body: GONE })
  }
  return pages
}

const GONE = new Uint8Array(0)

const keysOf = (value: unknown): readonly string[] =>
  Array.isArray(value)
    ? value
        .slice(0, limits.summaryPageServers.max)
        .filter((key) => typeof key === 'string' && key.length <= limits.stateKeyBytesMax.default)
    : []

interface Row {
  readonly verdict: Known
  readonly atMs: number
}

/** What the summaries of all nodes say, the newest first. */
export class Summaries {
  readonly #pages = new Map<string, { readonly atMs: number; readonly rows: Map<string, Known> }>()

  /** Takes a page; returns the servers of which something else may be known now. */
  take(record: SharedRecord): readonly string[] {
    const { kind, id, stamp, body } = record
    if (kind !== SUMMARY_RECORD || ownPart(record) === undefined) return []
    const before = this.#pages.get(id)
    if (before === undefined && this.#pages.size >= limits.summaryPages.default) return []
    const fields = readBody(body)
    const rows = new Map<string, Known>()
    for (const key of keysOf(fields?.['up'])) rows.set(key, 'up')
    for (const key of keysOf(fields?.['down'])) rows.set(key, 'down')
    if (rows.size === 0) this.#pages.delete(id)
    else this.#pages.set(id, { atMs: stamp, rows })
    return [...new Set([...rows.keys(), ...(before?.rows.keys() ?? [])])]
  }

  on(key: string): Known | undefined {
    let newest: Row | undefined
    for (const { atMs, rows } of this.#pages.values()) {
      const verdict = rows.get(key)
      if (verdict !== undefined && atMs > (newest?.atMs ?? -1)) newest = { verdict, atMs }
    }
    return newest?.verdict
  }
}
