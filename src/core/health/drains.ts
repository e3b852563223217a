/**
 * Who declared which backends of an agent draining, and what that makes of each backend.
 *
 * Several may declare at once (a file, a signal, the API, an overwatch, the shutdown): a backend
 * drains while any of them holds. Its drain keeps one id from the first declaration to the end of
 * the last. What must survive a restart of the agent, declarations of the API and the ids, is one
 * JSON text; a file and a signal are looked at anew.
 */
import { limits } from '../base/limits.ts'
import { type Result, fail, ok } from '../base/result.ts'
import type { Drain } from './report.ts'

export type DrainSource = Drain['by']

export interface Declaration {
  readonly reason: string
  readonly sinceMs: number
  readonly untilMs?: number
}

interface Held extends Declaration {
  readonly by: DrainSource
  /** Key of a backend, or `ALL`. */
  readonly scope: string
}

/** Of one drain of one backend, from its beginning to its end. */
interface Run {
  readonly id: string
  readonly sinceMs: number
}

export interface DrainChange {
  readonly backend: string
  /** Absent when it no longer drains. */
  readonly drain?: Drain
}

export const ALL = '*'

/** Whose reason is shown where several hold: the one an operator gave last at hand. */
const order: readonly DrainSource[] = ['shutdown', 'api', 'overwatch', 'signal', 'file']

const slot = (by: DrainSource, scope: string) => `${by} ${scope}`

/** One line of printable text, cut to a bounded length. */
export function plainReason(text: string): string {
  const printable = text.replace(/[\s\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim()
  return [...printable].slice(0, limits.drainReasonCharsMax.default).join('')
}

const isOver = ({ untilMs }: Declaration, nowMs: number) =>
  untilMs !== undefined && untilMs <= nowMs

const same = (a: Drain | undefined, b: Drain | undefined) =>
  a?.id === b?.id && a?.reason === b?.reason && a?.by === b?.by && a?.untilMs === b?.untilMs

export class Drains {
  readonly #agentId: string
  #backends: readonly string[]
  readonly #held = new Map<string, Held>()
  readonly #runs = new Map<string, Run>()
  readonly #told = new Map<string, Drain>()

  constructor(agentId: string, backends: readonly string[]) {
    this.#agentId = agentId
    this.#backends = backends
  }

  /** The backends that exist now; declarations that name another one end. */
  retain(backends: readonly string[]): void {
    this.#backends = backends
    const known = new Set([ALL, ...backends])
    for (const [at, { scope }] of this.#held) if (!known.has(scope)) this.#held.delete(at)
  }

  /** Declares; the same declarer and scope again replaces reason and expiry, not the start. */
  declare(
    by: DrainSource,
    backends: 'all' | readonly string[],
    declaration: Declaration,
  ): Result<undefined, 'unknown-backend' | 'too-many'> {
    const scopes = backends === 'all' ? [ALL] : backends
    if (!scopes.every((scope) => scope === ALL || this.#backends.includes(scope)))
      return fail('unknown-backend')
    const fresh = scopes.filter((scope) => !this.#held.has(slot(by, scope))).length
    if (this.#held.size + fresh > limits.drainDeclarationsMax.default) return fail('too-many')
    const reason = plainReason(declaration.reason)
    for (const scope of scopes) {
      const sinceMs = this.#held.get(slot(by, scope))?.sinceMs ?? declaration.sinceMs
      this.#held.set(slot(by, scope), { ...declaration, reason, sinceMs, by, scope })
    }
    return ok(undefined)
  }

  /** Takes declarations of one declarer back; how many backends that touched. */
  lift(by: DrainSource, backends: 'all' | readonly string[]): number {
    const wanted = backends === 'all' ? this.#backends : backends
    const before = wanted.filter((backend) => this.#holds(by, backend))
    const whole = this.#held.get(slot(by, ALL))
    this.#held.delete(slot(by, ALL))
    // What was declared of all holds on for those that were not named.
    if (whole !== undefined && backends !== 'all')
      for (const scope of this.#backends)
        if (!backends.includes(scope) && !this.#held.has(slot(by, scope)))
          this.#held.set(slot(by, scope), { ...whole, scope })
    for (const scope of wanted) this.#held.delete(slot(by, scope))
    return before.length
  }

  /** Makes one declarer's whole word this: what it does not name, it no longer holds. */
  replace(by: DrainSource, drains: ReadonlyMap<string, Declaration>): void {
    const unnamed = this.#backends.filter((backend) => !drains.has(backend))
    this.lift(by, unnamed)
    for (const [backend, declaration] of drains)
      if (this.#backends.includes(backend)) this.declare(by, [backend], declaration)
  }

  /**
   * What changed since the last call: expiries end, runs begin and end. Until `settled` a restored
   * run waits for its file or its signal to be found again.
   */
  changes(nowMs: number, settled = true): readonly DrainChange[] {
    for (const [at, held] of this.#held) if (isOver(held, nowMs)) this.#held.delete(at)
    const changes: DrainChange[] = []
    for (const backend of new Set([...this.#backends, ...this.#told.keys()])) {
      const drain = this.#resolve(backend, nowMs, settled)
      if (same(drain, this.#told.get(backend))) continue
      if (drain === undefined) this.#told.delete(backend)
      else this.#told.set(backend, drain)
      changes.push({ backend, ...(drain === undefined ? {} : { drain }) })
    }
    return changes
  }

  /** As last given by `changes`. */
  drainOf(backend: string): Drain | undefined {
    return this.#told.get(backend)
  }

  draining(): readonly string[] {
    return [...this.#told.keys()]
  }

  /** Everything that holds, for a reader that has lost it. */
  known(): readonly DrainChange[] {
    return this.#backends.map((backend) => {
      const drain = this.#told.get(backend)
      return { backend, ...(drain === undefined ? {} : { drain }) }
    })
  }

  /** When the next declaration ends by itself, Unix milliseconds. */
  nextDueMs(): number | undefined {
    let due: number | undefined
    for (const { untilMs } of this.#held.values())
      if (untilMs !== undefined && untilMs < (due ?? Number.POSITIVE_INFINITY)) due = untilMs
    return due
  }

  /** What is to survive a restart, as JSON. */
  saved(): string {
    const api = [...this.#held.values()].filter(({ by }) => by === 'api')
    const declarations = api.map(({ by: _by, ...rest }) => rest)
    return JSON.stringify({ version: 1, declarations, runs: Object.fromEntries(this.#runs) })
  }

  /**
   * Takes up what `saved` gave, before anything is declared. A text that is no such thing is told
   * apart from an absent one, and changes nothing.
   */
  restore(text: string): 'restored' | 'malformed' {
    const state = parseState(text)
    if (state === undefined) return 'malformed'
    for (const [backend, run] of state.runs)
      if (this.#backends.includes(backend)) this.#runs.set(backend, run)
    for (const { scope, ...rest } of state.declarations)
      this.declare('api', scope === ALL ? 'all' : [scope], rest)
    return 'restored'
  }

  #holds(by: DrainSource, backend: string): boolean {
    return this.#held.has(slot(by, ALL)) || this.#held.has(slot(by, backend))
  }

  #resolve(backend: string, nowMs: number, settled: boolean): Drain | undefined {
    const held = this.#backends.includes(backend)
      ? order.flatMap((by) => {
          const one = this.#held.get(slot(by, backend)) ?? this.#held.get(slot(by, ALL))
          return one === undefined ? [] : [one]
        })
      : []
    const first = held[0]
    if (first === undefined) {
      if (settled) this.#runs.delete(backend)
      return undefined
    }
    const run = this.#runs.get(backend) ?? this.#begin(backend, held, nowMs)
    // It ends when the last of them does, and never by itself while one has no end.
    const ends = held.map(({ untilMs }) => untilMs ?? Number.POSITIVE_INFINITY)
    const untilMs = Math.max(...ends)
    return {
      id: run.id,
      reason: first.reason,
      by: first.by,
      sinceMs: run.sinceMs,
      ...(untilMs === Number.POSITIVE_INFINITY ? {} : { untilMs }),
    }
  }

  /** Backends that begin together share the id: to people that is one drain. */
  #begin(backend: string, held: readonly Held[], nowMs: number): Run {
    const sinceMs = Math.min(nowMs, ...held.map((one) => one.sinceMs))
    const run = { id: `${this.#agentId}-${sinceMs.toString(36)}`, sinceMs }
    this.#runs.set(backend, run)
    return run
  }
}

interface State {
  readonly declarations: readonly (Declaration & { readonly scope: string })[]
  readonly runs: readonly (readonly [string, Run])[]
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isMs = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0

function parseDeclaration(value: unknown): (Declaration & { scope: string })[] {
  if (!isRecord(value)) return []
  const { scope, reason, sinceMs, untilMs } = value
  if (typeof scope !== 'string' || typeof reason !== 'string' || !isMs(sinceMs)) return []
  return [{ scope, reason, sinceMs, ...(isMs(untilMs) ? { untilMs } : {}) }]
}

function parseState(text: string): State | undefined {
  if (text.length > limits.drainStateBytes.default) return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isRecord(value) || !Array.isArray(value['declarations']) || !isRecord(value['runs']))
    return undefined
  const runs = Object.entries(value['runs']).flatMap(([backend, run]) =>
    isRecord(run) && typeof run['id'] === 'string' && isMs(run['sinceMs'])
      ? [[backend, { id: run['id'].slice(0, 256), sinceMs: run['sinceMs'] }] as const]
      : [],
  )
  return { declarations: value['declarations'].flatMap(parseDeclaration), runs }
}
