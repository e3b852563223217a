/**
 * One actor in a host whose peer is played by the test: frames are posted and read by hand.
 */
import { seededRandom } from '../../src/core/base/random.ts'
import { ActorHost } from '../../src/kernel/actor-host.ts'
import type { FromActor } from '../../src/kernel/control.ts'
import type { AnyActor, AnyBehaviour, AnyCtx } from '../../src/kernel/erased.ts'
import type { Frame, Wire } from '../../src/kernel/wire.ts'
import { type Codec, codecOf, type Item } from '../../src/messages/codec.ts'
import type { Catalogue } from '../../src/messages/entry.ts'
import { type LogLine, recordingLog } from './ctx.ts'
import { type FakeMetrics, fakeMetrics } from './fake-metrics.ts'
import { settle, type VirtualClock, virtualClock } from './virtual-clock.ts'

/** The test's end of a wire. */
export interface PlayedWire {
  readonly wire: Wire
  readonly frames: Frame[]
  /** Items of every batch posted so far, in order. */
  items(): Item[]
  /** Hands the actor a batch made of items. */
  send(...items: Uint8Array[]): void
  ack(batches: number): void
  closed: boolean
}

export interface PlayedHost {
  readonly host: ActorHost
  readonly ctx: AnyCtx
  readonly codec: Codec
  readonly clock: VirtualClock
  readonly reports: FromActor[]
  readonly logs: LogLine[]
  readonly metrics: FakeMetrics
  /** Work put off until the event loop has turned. */
  readonly deferred: (() => void)[]
  wire(): PlayedWire
}

export function playedWire(codec: Codec): PlayedWire {
  let listener: (frame: Frame) => void = () => {}
  const frames: Frame[] = []
  const played: PlayedWire = {
    frames,
    closed: false,
    wire: {
      post: (frame) => void frames.push(frame),
      listen: (onFrame) => {
        listener = onFrame
      },
      close: () => {
        played.closed = true
      },
    },
    items: () =>
      frames.flatMap((frame) => {
        if (typeof frame === 'number') return []
        const { bytes, shared } = 'bytes' in frame ? frame : { bytes: frame, shared: [] }
        return [...codec.decode(bytes, shared).items]
      }),
    send: (...items) => listener(codec.batch(items)),
    ack: (batches) => listener(batches),
  }
  return played
}

/** Starts the actor; `start` settles when its start has. */
export async function playHost(
  catalogue: Catalogue,
  name: string,
  start: (ctx: AnyCtx) => AnyBehaviour | Promise<AnyBehaviour>,
  options: { await?: boolean } = {},
): Promise<PlayedHost> {
  const clock = virtualClock()
  const reports: FromActor[] = []
  const logs: LogLine[] = []
  const deferred: (() => void)[] = []
  const metrics = fakeMetrics()
  const codec = codecOf(catalogue)
  let seen: AnyCtx | undefined
  const actor: AnyActor = {
    name,
    start: (ctx) => {
      seen = ctx
      return start(ctx)
    },
  }
  const host = new ActorHost({
    catalogue,
    codec,
    actor,
    incarnation: 1,
    ports: undefined,
    config: undefined,
    clock,
    random: seededRandom(1),
    log: recordingLog(logs),
    metrics: { ...metrics, json: async () => [] },
    report: (message) => void reports.push(message),
    defer: (run) => void deferred.push(run),
  })
  const starting = host.start()
  if (options.await ?? true) await starting
  else await settle()
  if (seen === undefined) throw new Error('the actor was not started')
  const wire = () => playedWire(codec)
  return { host, ctx: seen, codec, clock, reports, logs, metrics, deferred, wire }
}
