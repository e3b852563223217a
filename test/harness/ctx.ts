/**
 * The world of one actor under test: a virtual clock, a seeded random source, and records of what
 * it published, asked and logged.
 *
 *     const world = fakeCtx('prober')
 *     const behaviour = await prober.start(world.ctx, ports, config)
 *     behaviour.receive['registry.targets-set']({ targets: [] })
 *     world.clock.advance(1_000)
 *     expect(world.published).toEqual([['prober.verdict-changed', { … }]])
 */
import { seededRandom } from '../../src/core/base/random.ts'
import { fail, ok, type Result } from '../../src/core/base/result.ts'
import type { AskFault, Ctx } from '../../src/kernel/actor.ts'
import type { Log, LogFields } from '../../src/kernel/log.ts'
import { catalogue, type ProductCatalogue } from '../../src/messages/catalogue.ts'
import { codecOf } from '../../src/messages/codec.ts'
import type { Catalogue, MessageOf, PublishedBy, ReplyOf } from '../../src/messages/entry.ts'
import { type FakeMetrics, fakeMetrics } from './fake-metrics.ts'
import { type VirtualClock, virtualClock } from './virtual-clock.ts'

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: LogFields
}

/** What `ask` gives: a reply, a fault, or either later. */
export type Answers<C extends Catalogue> = {
  -readonly [Id in keyof C]?: (
    message: MessageOf<C, Id>,
  ) => ReplyOf<C, Id> | Result<ReplyOf<C, Id>, AskFault> | Promise<ReplyOf<C, Id>>
}

export interface FakeCtx<Name extends string, C extends Catalogue = ProductCatalogue> {
  readonly ctx: Ctx<C, Name>
  readonly clock: VirtualClock
  readonly metrics: FakeMetrics
  /** Every fact published so far, in order; set its length to 0 to start over. */
  readonly published: {
    [Id in PublishedBy<C, Name>]: [Id, MessageOf<C, Id>]
  }[PublishedBy<C, Name>][]
  /** What `fill` gives of every fact: how full its fullest outbox is, 0-1. */
  readonly outbox: { fill: number }
  /** Every request sent so far, in order. */
  readonly asked: [string, unknown][]
  readonly logs: LogLine[]
  /** Memory the actor counts in and has not returned. */
  readonly lent: unknown[]
  /** Set `answers['api.list-backends'] = (message) => reply`; a request without one times out. */
  readonly answers: Answers<C>
}

export function recordingLog(lines: LogLine[]): Log {
  const at =
    (level: LogLine['level']) =>
    (message: string, fields: LogFields = {}) =>
      void lines.push({ level, message, fields })
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

const codec = codecOf(catalogue)

const isResult = (value: unknown): value is Result<never, AskFault> =>
  typeof value === 'object' && value !== null && 'ok' in value

export function fakeCtx<Name extends string, C extends Catalogue = ProductCatalogue>(
  name: Name,
  options: { seed?: number; incarnation?: number; startUnixMs?: number } = {},
): FakeCtx<Name, C> {
  const clock = virtualClock(options.startUnixMs)
  const metrics = fakeMetrics()
  const published: unknown[] = []
  const asked: [string, unknown][] = []
  const logs: LogLine[] = []
  const lent: unknown[] = []
  const outbox = { fill: 0 }
  const answers: Record<string, ((message: unknown) => unknown) | undefined> = {}

  const ask = async (id: string, message: unknown): Promise<unknown> => {
    // As the kernel does, where a message that is too large ends the actor.
    if (Object.hasOwn(catalogue, id)) codec.request(id, 1, message)
    asked.push([id, message])
    const answer = answers[id]
    if (answer === undefined) return fail({ code: 'timed-out' })
    try {
      const value = await answer(message)
      return isResult(value) ? value : ok(value)
    } catch (error) {
      return fail({ code: 'failed', message: error instanceof Error ? error.message : `${error}` })
    }
  }

  const ctx = {
    name,
    incarnation: options.incarnation ?? 1,
    clock,
    random: seededRandom(options.seed ?? 1),
    log: recordingLog(logs),
    metrics,
    lend: (memory: unknown) => {
      lent.push(memory)
      return () => void lent.splice(lent.indexOf(memory), 1)
    },
    publish: (id: string, message: unknown) => void published.push([id, message]),
    fill: () => outbox.fill,
    ask,
  }
  // The records are untyped inside; the types of the interface come from the catalogue.
  const world = { ctx, clock, metrics, published, outbox, asked, logs, lent, answers }
  return world as unknown as FakeCtx<Name, C>
}
