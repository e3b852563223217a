/** Rows of learned latency that are the same for every client. */
import { ownMemory } from '../../src/core/base/memory.ts'
import { clientMapParts } from '../../src/core/net/client-map.ts'
import { rangesOf, uniform } from '../../src/core/net/ranges.ts'

/** Every client prefers these regions, by their index, in this order. */
export function routesOf(name: string, regions: readonly string[], ranking: readonly number[]) {
  const [starts, lengths, values] = [Uint32Array.of(0), Uint8Array.of(0), Int32Array.of(0)]
  const everybody = { words: 1 as const, starts, lengths, values }
  const map = clientMapParts(rangesOf(everybody, -1), uniform(4, -1), ownMemory)
  return {
    ...{ name, regions, map, ranking: Uint8Array.from(ranking), exploring: Uint8Array.of(0) },
    shares: Uint16Array.from(ranking, (_, at) => (at === 0 ? 1_000 : 0)),
  }
}
