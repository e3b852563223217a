/**
 * A long report in pages: cut on the agent's side, put together on the overwatch's.
 *
 * Each page is a heartbeat of its own, signed, with a part of the backends; all pages of one
 * sequence number make the report, in whatever order they come and from whichever attempt. At most
 * one unfinished report is held for an agent, and all of them together have a bound.
 */
import { limits } from '../../base/limits.ts'
import type { ReportedBackend } from '../../health/report.ts'
import type { Head, Heartbeat } from './envelope.ts'
import type { RefusalSaid } from './replies.ts'

/**
 * Cuts items into pages of at most `maxBytes` of JSON each; at least one page. An item alone over
 * the bound has a page of its own.
 */
export function cutPages(items: readonly string[], maxBytes: number): readonly string[][] {
  const pages: string[][] = [[]]
  let used = 0
  for (const item of items) {
    // Three octets a UTF-16 unit is the most UTF-8 takes, but JSON of ours is nearly all ASCII.
    const size = octetLength(item) + 1
    if (used + size > maxBytes && pages.at(-1)!.length > 0) {
      pages.push([])
      used = 0
    }
    pages.at(-1)!.push(item)
    used += size
  }
  return pages
}

/** Octets of a text in UTF-8; halves of surrogate pairs count two each, as the pair has four. */
function octetLength(text: string): number {
  let length = text.length
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code >= 0x80) length += code >= 0x800 && (code < 0xd800 || code > 0xdfff) ? 2 : 1
  }
  return length
}

export interface WholeReport {
  readonly backends: readonly ReportedBackend[]
  /** The messages it came in, as received. */
  readonly raw: readonly Uint8Array[]
}

interface Part {
  readonly backends: readonly ReportedBackend[]
  readonly bytes: Uint8Array
}

interface Unfinished {
  readonly boot: number
  readonly seq: number
  readonly parts: (Part | undefined)[]
  readonly startedMs: number
  bytes: number
}

export type PageOutcome =
  | { readonly kind: 'whole'; readonly report: WholeReport }
  | { readonly kind: 'waiting' }
  | { readonly kind: 'refused'; readonly refusal: RefusalSaid }

export class Assembly {
  readonly #unfinished = new Map<string, Unfinished>()
  #bytes = 0

  /** Octets held of all unfinished reports. */
  get bytes(): number {
    return this.#bytes
  }

  /** Takes a page; `bytes` is copied. */
  add(agentId: string, head: Head, page: Heartbeat, bytes: Uint8Array, nowMs: number): PageOutcome {
    const unfinished = this.#of(agentId, head, page.pages, nowMs)
    if (unfinished === undefined) return { kind: 'waiting' }
    if (unfinished.parts[page.page] === undefined) {
      if (this.#bytes + bytes.length > limits.reportAssemblyBytes.default) {
        this.sweep(nowMs)
        return { kind: 'refused', refusal: busy }
      }
      unfinished.parts[page.page] = { backends: page.backends ?? [], bytes: bytes.slice() }
      unfinished.bytes += bytes.length
      this.#bytes += bytes.length
    }
    const parts = unfinished.parts.filter((part) => part !== undefined)
    const total = parts.reduce((sum, part) => sum + part.backends.length, 0)
    if (total > limits.reportBackends.default) {
      this.drop(agentId)
      return { kind: 'refused', refusal: tooMany }
    }
    if (parts.length < page.pages) return { kind: 'waiting' }
    this.drop(agentId)
    const backends = parts.flatMap((part) => part.backends)
    return { kind: 'whole', report: { backends, raw: parts.map((part) => part.bytes) } }
  }

  /** The unfinished report a page belongs to; undefined when the page is of an older one. */
  #of(agentId: string, head: Head, pages: number, nowMs: number): Unfinished | undefined {
    const known = this.#unfinished.get(agentId)
    if (known !== undefined) {
      const older = head.boot !== known.boot ? head.boot < known.boot : head.seq < known.seq
      if (older) return undefined
      const same = head.boot === known.boot && head.seq === known.seq
      if (same && known.parts.length === pages) return known
      this.drop(agentId)
    }
    const fresh: Unfinished = {
      boot: head.boot,
      seq: head.seq,
      parts: new Array<Part | undefined>(pages).fill(undefined),
      startedMs: nowMs,
      bytes: 0,
    }
    this.#unfinished.set(agentId, fresh)
    return fresh
  }

  drop(agentId: string): void {
    this.#bytes -= this.#unfinished.get(agentId)?.bytes ?? 0
    this.#unfinished.delete(agentId)
  }

  /** Lets go of reports whose pages stopped coming. */
  sweep(nowMs: number): void {
    for (const [agentId, { startedMs }] of this.#unfinished)
      if (nowMs - startedMs > limits.reportAssemblyMs.default) this.drop(agentId)
  }
}

const busy: RefusalSaid = {
  code: 'busy',
  message: 'the overwatch holds too many unfinished reports; it takes this one later',
}

const tooMany: RefusalSaid = {
  code: 'too-many-backends',
  message: `an agent announces at most ${limits.reportBackends.default} backends`,
}
