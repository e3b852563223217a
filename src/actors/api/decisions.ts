/**
 * The newest samples of answers, and their answers made again.
 *
 * A sample says what an answer followed from and not what it was; whoever wants to see the answer
 * gets it from the code that gave it first, with the tables of its epoch.
 */
import { limits } from '../../core/base/limits.ts'
import { crcOfWords } from '../../core/base/crc32.ts'
import { decodeMessage } from '../../core/replay/decode.ts'
import {
  type AnswerSettings,
  Execution,
  isRemade,
  type Rerun,
  rerun,
} from '../../core/replay/execute.ts'
import { readSamples, type Sample } from '../../core/replay/sample.ts'
import type { ServingMember, ServingPool } from '../../core/steer/snapshot.ts'
import type { MessageOf } from '../../messages/entry.ts'
import type { ProductCatalogue } from '../../messages/catalogue.ts'
import type { Epochs } from './epochs.ts'
import type { LearnedVersions } from './learned.ts'
import type { Serving } from './serving.ts'

export interface Kept {
  /** Grows by one with each. */
  readonly id: number
  readonly sample: Sample
  readonly settings: AnswerSettings
  /** Asked for: lower case, without the final dot. */
  readonly name: string
  readonly type: string
}

/** A sample with its answer. */
export interface Remade {
  readonly kept: Kept
  readonly rerun: Rerun
  readonly pool: ServingPool | undefined
  /** The server that its first address was chosen for. */
  readonly chosen: ServingMember | undefined
  /** Whom the answer was for: the client, or the prefix it asked for (RFC 7871). */
  readonly client: Uint8Array
}

type Sampled = MessageOf<ProductCatalogue, 'dns.decisions-sampled'>

export class Decisions {
  readonly #epochs: Epochs
  readonly #serving: Serving
  readonly #learned: LearnedVersions
  #kept: Kept[] = []
  #nextId = 1
  /** Executions by epoch and settings; few, and made anew when they are more. */
  #executions = new Map<string, Execution>()
  /** Queries that all threads answered since the start, sampled or not. */
  queries = 0

  constructor(epochs: Epochs, serving: Serving, learned: LearnedVersions) {
    this.#epochs = epochs
    this.#learned = learned
    this.#serving = serving
  }

  /** Oldest first. */
  get all(): readonly Kept[] {
    return this.#kept
  }

  add({ bytes, queries, settings }: Sampled): readonly Kept[] {
    this.queries += queries
    const added = readSamples(bytes).map((sample): Kept => {
      const { name, type } = decodeMessage(sample.query)
      return { id: this.#nextId++, sample, settings, name: plainName(name), type }
    })
    this.#kept.push(...added)
    const most = limits.samplesKept.default
    // Cut in steps, since each cut copies what stays.
    if (this.#kept.length > most * 1.25) this.#kept = this.#kept.slice(-most)
    return added
  }

  /** The newest sample of a question; of any client when none is given. */
  find(name: string, type: string, client: Uint8Array | undefined): Kept | undefined {
    return this.#kept.findLast(
      (one) =>
        one.name === name &&
        one.type === type &&
        (client === undefined || sameBytes(one.sample.client, client)),
    )
  }

  /** The answer of a sample again; undefined when its epoch is no longer held. */
  remake(kept: Kept): Remade | undefined {
    const { sample, settings } = kept
    const epoch = this.#epochs.of(sample.epoch)
    if (epoch === undefined) return undefined
    const execution = this.#executionOf(sample.epoch, settings)
    if (execution === undefined) return undefined
    const signed =
      sample.signed === 0 ? undefined : this.#epochs.signaturesOf(sample.epoch, sample.signed)
    const routes = this.#learned.of(sample.routes)
    const again = rerun(execution, sample, { wordsNow: this.#wordsNow(sample), signed, routes })
    const pool = epoch.pools[sample.pool]
    const { chosen, choice } = execution.last
    // What could not be made again left the answer before it in the execution.
    const member = isRemade(again) && chosen > 0 ? pool?.members[choice[0]!] : undefined
    const client = execution.last.subject.slice()
    return { kept, rerun: again, pool, chosen: member, client }
  }

  /** An execution with the words of now; undefined before anything is served. */
  now(settings: AnswerSettings): Execution | undefined {
    const { epoch, version, pools } = this.#serving
    const held = this.#epochs.of(epoch)
    if (held === undefined) return undefined
    const execution = new Execution(settings, epoch, held.parts)
    execution.signWith(this.#epochs.newestSignatures(epoch))
    for (const [index, pool] of pools.entries()) execution.setWords(index, pool.words)
    execution.serving.markVersion(version)
    const { newest } = this.#learned
    if (newest !== undefined) execution.setRoutes(newest)
    return execution
  }

  #executionOf(epoch: number, settings: AnswerSettings): Execution | undefined {
    const held = this.#epochs.of(epoch)
    if (held === undefined) return undefined
    const key = `${epoch} ${JSON.stringify(settings)}`
    const known = this.#executions.get(key)
    if (known !== undefined) return known
    if (this.#executions.size >= limits.sampleEpochs.default) this.#executions = new Map()
    const made = new Execution(settings, epoch, held.parts)
    this.#executions.set(key, made)
    return made
  }

  /** Words of now of a pool too large for its samples to carry them. */
  #wordsNow({ epoch, pool, words }: Sample) {
    if (words !== undefined || epoch !== this.#serving.epoch) return undefined
    const held = this.#serving.pools[pool]?.words
    return held && { words: held, crc: crcOfWords(held, 0, held.length) }
  }
}

export const plainName = (name: string): string => name.toLowerCase().replace(/\.$/, '')

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, at) => byte === b[at])
