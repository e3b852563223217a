/**
 * What a message between two threads costs: messages a second at 1, 16 and 64 a post, and the time
 * of a round trip.
 *
 * The subject is a link of the runtime: outbox, codec, acknowledgements. With a fixed number a post
 * the sender waits for room in the window of four posts; `as they come` does not wait, and the
 * outbox makes batches of what has gathered meanwhile, as it does for an actor. The peer is what
 * one would write first: one plain object a post, cloned by the platform. Rounds alternate, medians
 * are compared, and both sides must arrive at the same checksum.
 */
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import { limits } from '../../src/core/base/limits.ts'
import { realClock } from '../../src/kernel/clock-real.ts'
import { Link } from '../../src/kernel/link.ts'
import { portWire } from '../../src/kernel/thread-wire.ts'
import { codecOf } from '../../src/messages/codec.ts'
import { benchCatalogue } from '../support/messages-catalogue.ts'
import { median, report, sized } from '../support/report.ts'

const rounds = sized(9, 3)
const messagesPerRound = sized(200_000, 20_000)
const roundTrips = sized(20_000, 1_000)

/** Not a number a post, but whatever has gathered. */
const AS_THEY_COME = -1

const worker = new Worker(new URL('../support/messages-worker.js', import.meta.url))
const codec = codecOf(benchCatalogue)
const clock = realClock()
const messageOf = (index: number) => ({
  target: 'app.example.com:10.0.0.1:8080',
  verdict: 'up',
  atMs: 1_750_000_000_000 + index,
  reason: '',
})

interface Counted {
  readonly seen: number
  readonly checksum: number
}

interface Far {
  /** Resolves once so many messages, posted by `perPost`, have been taken up. */
  send(messages: number, perPost: number): Promise<Counted>
  /** One question and its answer. */
  ask(): Promise<Counted>
  close(): void
}

function connect(kind: 'link' | 'bare'): MessagePort {
  const { port1, port2 } = new MessageChannel()
  worker.postMessage({ kind, port: port2 }, [port2])
  return port1
}

function linkedFar(): Far {
  let acked = () => {}
  const link = new Link('far', codec, {
    onDirty: () => {},
    onLossOver: () => {},
    onBatch: (_link, _wire, batch) => {
      for (const item of codec.decode(batch).items) {
        if (item.kind === 'reply') link.asks.replied(item.call, item.reply)
      }
      link.batchHandled()
    },
  })
  const port = connect('link')
  const wire = portWire(port)
  link.connect({
    ...wire,
    listen: (onFrame) =>
      wire.listen((frame) => {
        onFrame(frame)
        acked()
      }),
  })
  const ask = async () => {
    const call = link.asks.nextCall()
    const queued = link.outbox.put('near.count', 'call', '', codec.request('near.count', call, {}))
    const reply = link.asks.wait(call, queued, clock, 30_000)
    link.flush()
    const result = await reply
    if (!result.ok) throw new Error(result.error.code)
    return result.value as Counted
  }
  const publish = (index: number) =>
    link.publish(
      'near.verdict-changed',
      'each',
      '',
      codec.fact('near.verdict-changed', messageOf(index)),
      [],
    )
  const sendAsTheyCome = async (messages: number) => {
    for (let index = 0; index < messages; index++) {
      publish(index)
      link.flush()
      // The event loop turns now and then, and always before the outbox would have to drop.
      const isFull = link.outbox.messages > limits.outboxMessagesPerPeer.default / 2
      if (index % 256 === 0 || isFull) {
        await new Promise((resolve) => void setImmediate(resolve))
      }
    }
    return await ask()
  }
  const send = async (messages: number, perPost: number) => {
    if (perPost === AS_THEY_COME) return await sendAsTheyCome(messages)
    for (let index = 0; index < messages; ) {
      while (link.unacked >= limits.unackedBatchesPerPeer.default) {
        await new Promise<void>((resolve) => {
          acked = resolve
        })
      }
      for (let left = perPost; left > 0 && index < messages; left--, index++) publish(index)
      link.flush()
    }
    return await ask()
  }
  return { send, ask, close: () => link.disconnect() }
}

function bareFar(): Far {
  const port = connect('bare')
  const ask = () =>
    new Promise<Counted>((resolve) => {
      port.once('message', resolve)
      port.postMessage({})
    })
  const send = async (messages: number) => {
    for (let index = 0; index < messages; index++) port.postMessage(messageOf(index))
    return await ask()
  }
  return { send, ask, close: () => port.close() }
}

const checksums = new Set<number>()

/** Microseconds a message, one round. */
async function throughput(far: Far, perPost: number): Promise<number> {
  const beganMs = performance.now()
  const { seen, checksum } = await far.send(messagesPerRound, perPost)
  const tookMs = performance.now() - beganMs
  if (seen !== messagesPerRound) throw new Error(`${seen} of ${messagesPerRound} arrived`)
  checksums.add(checksum)
  far.close()
  return (tookMs * 1_000) / messagesPerRound
}

/** Microseconds of each round trip, sorted. */
async function latencies(far: Far): Promise<number[]> {
  const took: number[] = []
  for (let index = 0; index < roundTrips; index++) {
    const beganMs = performance.now()
    await far.ask()
    took.push((performance.now() - beganMs) * 1_000)
  }
  far.close()
  return took.sort((a, b) => a - b)
}

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN

const costs = new Map<string, number[]>()
for (let round = 0; round <= rounds; round++) {
  for (const perPost of [1, 16, 64, AS_THEY_COME, 0]) {
    const far = perPost === 0 ? bareFar() : linkedFar()
    const cost = await throughput(far, perPost)
    const name = perPost === 0 ? 'peer' : `${perPost}`
    // The first round warms both sides up.
    if (round > 0) costs.set(name, [...(costs.get(name) ?? []), cost])
  }
}
const cost = (name: string) => median(costs.get(name) ?? [])
await latencies(linkedFar())
const linked = await latencies(linkedFar())
const bare = await latencies(bareFar())
await worker.terminate()

const figures: Record<string, number | string> = {}
const labels: Record<string, string> = { '-1': 'as they come', peer: 'peer: one object a post' }
for (const name of ['1', '16', '64', '-1', 'peer']) {
  const label = labels[name] ?? `${name} a post`
  figures[`${label}, messages/s`] = 1_000_000 / cost(name)
  figures[`${label}, µs a message`] = cost(name)
  if (name !== 'peer') figures[`${label}, rate to the peer's`] = cost('peer') / cost(name)
}
figures['round trip p50, µs'] = quantile(linked, 0.5)
figures['round trip p99, µs'] = quantile(linked, 0.99)
figures['peer round trip p50, µs'] = quantile(bare, 0.5)
figures['peer round trip p99, µs'] = quantile(bare, 0.99)
figures['checksum'] = [...checksums].join(' ')

const holds = checksums.size === 1 && cost('16') < cost('1') && cost('64') < cost('peer')
const ratio = (cost('1') / cost('64')).toFixed(1)
report('messages', figures, {
  holds,
  sentence: `64 messages a post are ${ratio} times cheaper each than one a post, and beat the peer`,
})
