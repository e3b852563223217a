/**
 * Class CH `TXT why.<name>`: why a name is answered as it is, for those who debug it with dig.
 *
 * The very `decide` of the hot path is asked with the turn that comes next, which is not taken; the
 * reasons are read off the words. It names addresses and their health, so only listed networks get
 * it; anybody else is refused. What does not fit is left out, and the API tells all of it.
 */
import { replayLimits } from '../base/limits/replay.ts'
import { viewOf } from '../base/octets.ts'
import { covers, formatAddress, type Prefix, parsePrefix } from '../net/address.ts'
import { ALL_DOWN, answeredOn, decide, NODATA } from '../steer/decide.ts'
import { FIXED, FIXED_TTL } from '../steer/pool-layout.ts'
import { choosesAt, ROW, SLOT } from '../steer/modes.ts'
import { routeMethods } from '../steer/routes.ts'
import { unpackWord } from '../steer/words.ts'
import { NONE } from '../zone/table.ts'
import { txt } from './chaos.ts'
import { ANSWER, type Exchange } from './exchange.ts'
import { type PoolLabels, readLabels } from './labels.ts'
import { locate, moveTo } from './locate.ts'
import { putRecord } from './put.ts'
import type { Serving } from './serving.ts'
import type { Turns } from './steered.ts'
import { extendedErrors, rcodes, types } from './types.ts'

const LOOPBACK = ['127.0.0.0/8', '::1/128']

/** `why` as a label: a length and three letters. */
const LABEL_BYTES = 4

export class Why {
  readonly #networks: readonly Prefix[]
  /** Names of the servers, read once for each epoch. */
  #labels: readonly PoolLabels[] = []
  #labelsOf: Uint8Array | undefined

  /** @param networks in CIDR notation, or addresses; loopback is always one */
  constructor(networks: readonly string[]) {
    this.#networks = [...LOOPBACK, ...networks]
      .map((text) => parsePrefix(text))
      .flatMap((prefix) => (prefix.ok ? [prefix.value] : []))
  }

  /** Answers a question of class CH whose name begins with `why`; false for any other. */
  answer(x: Exchange, serving: Serving | undefined, turns: Turns): boolean {
    if (!beginsWithWhy(x)) return false
    if (!this.#networks.some((network) => covers(network, x.client))) {
      x.rcode = rcodes.REFUSED
      x.ede = extendedErrors.PROHIBITED
      return true
    }
    if (serving === undefined) {
      x.rcode = rcodes.SERVFAIL
      x.ede = extendedErrors.NOT_READY
      return true
    }
    x.authoritative = true
    if (x.qtype !== types.TXT && x.qtype !== types.ANY) return true
    const owner = x.nameAt
    const pool = poolBelow(x, serving)
    x.nameAt = owner
    if (pool === NONE) put(x, owner, 'outcome=not-steered-here')
    else this.#tell(x, owner, serving, pool, turns)
    return true
  }

  #tell(x: Exchange, owner: number, serving: Serving, pool: number, turns: Turns): void {
    const { pools } = serving
    const { question, counters } = turns
    const family = pools.hasFamily(pool, 4) ? 4 : 6
    const counter = pools.rows[pool * ROW + SLOT]! * 2 + (family === 6 ? 1 : 0)
    const chooses = choosesAt(pools.modeOf(pool, family))
    question.family = family
    question.client = x.subject
    question.turn = 0
    if (chooses)
      question.turn = counter < counters.length ? Atomics.load(counters, counter) : turns.beyond
    const chosen = decide(pools, pool, question, x.choice)
    // The words of this pool are what a sample must carry.
    x.pool = pool
    const { name, policy, servers } = this.#read(serving)[pool]!
    const outcome = chosen === ALL_DOWN ? 'all-down' : chosen === NODATA ? 'no-data' : 'answer'
    const ttl = pools.layout.fixed[pool * FIXED + FIXED_TTL]!
    const head = [
      `outcome=${outcome} name=${name} type=${family === 6 ? 'AAAA' : 'A'} policy=${policy}`,
      `turn=${question.turn >>> 0} basis=${answeredOn(pools, pool, question)} ttl=${ttl}`,
      `epoch=${serving.epoch} version=${serving.version} client=${formatAddress(x.subject)}`,
    ]
    const mayLearn = policy === 'learned_latency' || policy === 'composed'
    if (mayLearn && (question.method ?? -1) >= 0 && chosen > 0)
      head.push(`method=${routeMethods[question.method!]!} routes=${serving.routesVersion}`)
    if (!put(x, owner, head.join(' '))) return
    const ranks = [...x.choice.subarray(0, Math.max(0, chosen))]
    const from = pools.addressFrom(pool)
    const others = servers.map((_, candidate) => candidate).filter((at) => !ranks.includes(at))
    const told = [...ranks, ...others].slice(0, replayLimits.whyCandidates.default)
    for (const candidate of told) {
      const rank = ranks.indexOf(candidate)
      const isMember = candidate < pools.membersOf(pool)
      const state = isMember ? stateOf(pools.words[from + candidate]!) : 'fallback address'
      const weight = pools.layout.weights[from + candidate]!
      const place = rank < 0 ? 'not chosen' : `chosen rank=${rank + 1}`
      if (!put(x, owner, `${servers[candidate]} ${place} weight=${weight} ${state}`)) return
    }
    if (told.length < servers.length) put(x, owner, `more=${servers.length - told.length}`)
  }

  #read({ parts }: Serving): readonly PoolLabels[] {
    if (this.#labelsOf !== parts.labels) this.#labels = readLabels(parts.labels)
    this.#labelsOf = parts.labels
    return this.#labels
  }
}

/** Whether the first label is `why`, in any case, and another follows. */
function beginsWithWhy(x: Exchange): boolean {
  const { out, nameAt, labels } = x
  if (labels < 2 || out[nameAt] !== LABEL_BYTES - 1) return false
  const letters = String.fromCharCode(out[nameAt + 1]!, out[nameAt + 2]!, out[nameAt + 3]!)
  return letters.toLowerCase() === 'why'
}

/** The pool of the name behind the first label, or NONE. */
function poolBelow(x: Exchange, { table }: Serving): number {
  moveTo(x, x.nameAt + LABEL_BYTES)
  locate(x, table)
  const { node } = x
  if (node === NONE) return NONE
  if (x.nodeLabel === 0) return table.pool(node)
  // RFC 4592 section 3.3.1: the wildcard of the closest encloser, and no other.
  const wildcard = table.wildcard(node)
  return wildcard === NONE ? NONE : table.pool(wildcard)
}

function stateOf(word: number): string {
  const { serving, status, cause, heldDown, guarded, share } = unpackWord(word)
  const marks = [heldDown ? ' held-down' : '', guarded ? ' guarded' : '']
  const part = share === 1000 ? '' : ` share=${share / 1000}`
  return `${serving ? 'serving' : 'out'} ${status} by=${cause}${marks.join('')}${part}`
}

/** Adds one TXT record; false when it does not fit. */
function put(x: Exchange, owner: number, text: string): boolean {
  const octets = Uint8Array.from([...text].slice(0, replayLimits.whyTextBytes.default), (char) =>
    Math.min(0x7e, char.charCodeAt(0)),
  )
  const record = viewOf(txt(octets))
  return putRecord(x, ANSWER, owner, record, 0, record.byteLength)
}
