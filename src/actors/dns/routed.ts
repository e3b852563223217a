/**
 * Counts decisions by latency, by steered name and how they were found, and says some of them: the
 * last of each name and method, when it was made since the last time.
 */
import { formatAddress } from '../../core/net/address.ts'
import { readLabels } from '../../core/dns/labels.ts'
import type { Exchange } from '../../core/dns/exchange.ts'
import type { Serving } from '../../core/dns/serving.ts'
import { types } from '../../core/dns/types.ts'
import { methodOf, STICKY, WEIGHTED } from '../../core/steer/modes.ts'
import { FIXED, FIXED_POLICY, policies } from '../../core/steer/pool-layout.ts'
import { routeMethods } from '../../core/steer/routes.ts'
import { ROUTED_KINDS, UNTIMED } from './tallies.ts'

const BY_CLIENT = 1
const BY_TIMES = 2
const CLIENT_BYTES = { 4: 3, 16: 6 } as const

export interface RoutingNews {
  readonly domain: string
  /** The network of the client. */
  readonly client: string
  readonly method: string
  readonly server: string
}

export class RoutedCounts {
  /** By pool, ROUTED_KINDS numbers. */
  readonly words: Int32Array
  readonly #serving: Serving | undefined
  /** By pool: BY_CLIENT, BY_TIMES, or 0 for other policies. */
  readonly #kinds: Uint8Array
  readonly #told: Int32Array
  /** Beside `words`: the entry of the last client, and who was chosen. */
  readonly #entries: Int32Array
  readonly #chosen: Int32Array
  readonly #isAny: boolean

  /** @param words zeroed, ROUTED_KINDS for each pool */
  constructor(words: Int32Array, serving: Serving | undefined) {
    this.words = words
    this.#serving = serving
    const fixed = serving?.pools.layout.fixed ?? new Int32Array(0)
    this.#kinds = Uint8Array.from({ length: words.length / ROUTED_KINDS }, (_, pool) => {
      const policy = policies[fixed[pool * FIXED + FIXED_POLICY]!]
      // Of a policy made of others a leaf may go by it.
      if (policy === 'composed') return BY_CLIENT
      return policy === 'learned_latency' ? BY_CLIENT : policy === 'latency' ? BY_TIMES : 0
    })
    this.#isAny = this.#kinds.includes(BY_CLIENT)
    this.#told = new Int32Array(words.length)
    this.#entries = new Int32Array(words.length)
    this.#chosen = new Int32Array(words.length).fill(-1)
  }

  /** Counts a query that asked a pool. */
  count(x: Exchange): void {
    const kind = this.#kinds[x.pool]!
    if (kind === 0) return
    if (kind === BY_CLIENT) {
      if (x.method < 0) return
      const at = x.pool * ROUTED_KINDS + x.method
      this.words[at]!++
      this.#entries[at] = this.#serving!.pools.cache.at
      this.#chosen[at] = x.chosen > 0 ? x.choice[0]! : -1
      return
    }
    if (x.chosen === 0) return
    const mode = this.#serving!.pools.modeOf(x.pool, x.qtype === types.AAAA ? 6 : 4)
    const method = methodOf(mode)
    if (method !== WEIGHTED && method !== STICKY) this.words[x.pool * ROUTED_KINDS + UNTIMED]!++
  }

  /** The last decision of each name and method, where there was one since the last call. */
  *news(): Iterable<RoutingNews> {
    if (!this.#isAny) return
    const { pools, parts } = this.#serving!
    for (let at = 0; at < this.words.length; at++) {
      if (this.words[at] === this.#told[at]) continue
      this.#told[at] = this.words[at]!
      const pool = Math.floor(at / ROUTED_KINDS)
      const method = routeMethods[at % ROUTED_KINDS]
      const labels = readLabels(parts.labels)[pool]
      if (method === undefined || labels === undefined) continue
      const client = networkOf(pools.cache.clientAt(this.#entries[at]!))
      const server = labels.servers[this.#chosen[at]!] ?? ''
      yield { domain: labels.name, client, method, server }
    }
  }
}

/** Whole addresses of clients are in no log. */
function networkOf(bytes: Uint8Array): string {
  const kept = bytes.length === 16 ? CLIENT_BYTES[16] : CLIENT_BYTES[4]
  return `${formatAddress(bytes.map((byte, at) => (at < kept ? byte : 0)))}/${kept * 8}`
}
