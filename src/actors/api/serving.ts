/**
 * The API's own copy of what is being served, so that it explains with the very state and the very
 * function the DNS threads answer with.
 *
 * Words are fenced: one of another epoch, or older than the one held, is dropped.
 */
import type { GeoParts } from '../../core/geo/parts.ts'
import { Pool } from '../../core/steer/pool.ts'
import type { RouteParts } from '../../core/steer/routes.ts'
import type { PoolSnapshot, WordChange } from '../../core/steer/snapshot.ts'
import { unpackWord } from '../../core/steer/words.ts'

export class Serving {
  #epoch = -1
  #version = -1
  #pools: readonly Pool[] = []
  #byName: ReadonlyMap<string, Pool> = new Map()
  /** The newest word of each server that changed since the snapshot. */
  #later = new Map<string, WordChange>()
  #routes: RouteParts | undefined

  readonly #geoOf: (epoch: number) => GeoParts | undefined

  /** @param geoOf where clients are, as an epoch has it */
  constructor(geoOf: (epoch: number) => GeoParts | undefined = () => undefined) {
    this.#geoOf = geoOf
  }

  get epoch(): number {
    return this.#epoch
  }

  /** The newest version that any word or the snapshot came with. */
  get version(): number {
    let newest = this.#version
    for (const { version } of this.#later.values()) newest = Math.max(newest, version)
    return newest
  }

  /** In the order of the epoch. */
  get pools(): readonly Pool[] {
    return this.#pools
  }

  get poolCount(): number {
    return this.#pools.length
  }

  /** Servers, each once however many names it serves, and how many of them are healthy. */
  health(): { readonly total: number; readonly healthy: number } {
    const states = new Map<string, boolean>()
    for (const pool of this.#pools)
      for (const [index, { key }] of pool.spec.members.entries())
        states.set(key, unpackWord(pool.words[index]!).status === 'healthy')
    const healthy = [...states.values()].filter((is) => is).length
    return { total: states.size, healthy }
  }

  setSnapshot(snapshot: PoolSnapshot): void {
    const older =
      snapshot.epoch < this.#epoch ||
      (snapshot.epoch === this.#epoch && snapshot.version < this.#version)
    if (older) return
    this.#epoch = snapshot.epoch
    this.#version = snapshot.version
    // Sent before the snapshot of the same epoch.
    const geo = this.#geoOf(snapshot.epoch)
    this.#pools = snapshot.pools.map(
      (spec, index) => new Pool(spec, snapshot.words[index] ?? [], geo, this.#routes),
    )
    this.#byName = new Map(this.#pools.map((pool) => [pool.spec.name, pool]))
    const newer = [...this.#later.values()]
    this.#later = new Map()
    for (const change of newer) this.setWord(change)
  }

  /** Takes what was learned of clients. */
  setRoutes(routes: RouteParts): void {
    this.#routes = routes
    for (const pool of this.#pools) pool.setRoutes(routes)
  }

  setWord(change: WordChange): void {
    if (change.epoch !== this.#epoch || change.version <= this.#version) return
    const key = `${change.pool}/${change.member}`
    if (change.version <= (this.#later.get(key)?.version ?? -1)) return
    const pool = this.#pools[change.pool]
    if (pool === undefined) return
    this.#later.set(key, change)
    pool.setWord(change.member, change.word)
  }

  /** The pool of a name, wildcards (`*.example.com`) included; the closest one wins. */
  poolFor(name: string): Pool | undefined {
    const numbers = (pool: string) => (this.#byName.has(pool) ? 0 : -1)
    const found = nameOfPool(name, numbers)
    return found === undefined ? undefined : this.#byName.get(found)
  }
}

/** The name of the pool that answers a name; `indexOf` gives -1 for what is no pool. */
function nameOfPool(name: string, indexOf: (pool: string) => number): string | undefined {
  if (indexOf(name) >= 0) return name
  for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
    const wild = `*${name.slice(dot)}`
    if (indexOf(wild) >= 0) return wild
    // RFC 4592 section 3.3.1: a wildcard above an existing name does not cover it.
    if (indexOf(name.slice(dot + 1)) >= 0) return undefined
  }
  return undefined
}

/** The index of the pool that answers a name. */
export function poolNamed(name: string, indexOf: (pool: string) => number): number | undefined {
  const found = nameOfPool(name, indexOf)
  return found === undefined ? undefined : indexOf(found)
}
