/**
 * UDP by the native addon: batches of datagrams, answered in place.
 *
 * The descriptors and the memory of the batches are lent by the main thread and never closed here.
 * Whatever ends this thread, each query is either answered or still there for the thread that takes
 * its place: in the queue of the socket, or in the batch that was cut short. Nothing is allocated
 * per query: the client's address is copied into one of two objects made once.
 */
import { limits } from '../../core/base/limits.ts'
import { Held } from '../../core/cluster/held.ts'
import { fail, ok, type Result } from '../../core/base/result.ts'
import {
  countsOf,
  type FrontHandle,
  HELD_BYTES,
  HOLD,
  loadNative,
  type Native,
  PEER_BYTES,
  type Slab,
  type SlabCounts,
  slabOf,
  UNANSWERED,
} from '../../native/index.ts'
import type { Answer, LentSocket, ReadAhead, Waiting } from './contract.ts'
import type { UdpFront } from './ports-udp.ts'

/** No larger query means anything, and no larger answer is configured. */
export const STRIDE = limits.udpPayloadBytes.max
const AF_INET = 2

/** Reads what `recvmmsg` brought and leaves the answers for `sendmmsg`. */
export function batchAnswerer(
  slab: Slab,
  answer: Answer,
  keeps: (bytes: number) => boolean = () => false,
  readAhead: ReadAhead = () => {},
): (count: number) => void {
  const { input, output, peers, inputLengths, outputLengths, stride } = slab
  const four = { bytes: new Uint8Array(4), transport: 'udp' as const }
  const sixteen = { bytes: new Uint8Array(16), transport: 'udp' as const }
  const answerOne = (at: number): number => {
    // Signed: what may not fit a small integer would be computed with in floating point.
    const length = inputLengths[at]! | 0
    const peer = at * PEER_BYTES
    // Length 0: empty, or longer than the slab. Port 0 cannot be answered.
    if (length === 0 || (peers[peer + 2]! | peers[peer + 3]!) === 0) return 0
    // sockaddr_in has its address at 4, sockaddr_in6 at 8; families are small host-order numbers.
    const isV4 = (peers[peer]! | peers[peer + 1]!) === AF_INET
    const start = at * stride
    if (!isV4) {
      for (let byte = 0; byte < 16; byte++) sixteen.bytes[byte] = peers[peer + 8 + byte]!
      return answer(input, start, length, output, start, sixteen)
    }
    four.bytes[0] = peers[peer + 4]!
    four.bytes[1] = peers[peer + 5]!
    four.bytes[2] = peers[peer + 6]!
    four.bytes[3] = peers[peer + 7]!
    return answer(input, start, length, output, start, four)
  }
  const lengthOf = (said: number): number => {
    if (said >= 0) return said
    // The addon takes what is to wait out of the batch, in its order.
    return keeps(-said) ? HOLD - said : -said
  }
  return (count) => {
    // The thread falls and another takes up the sockets, which is told and counted.
    if (count < 0) throw new Error('the socket of queries fails and cannot be read')
    let at = 0
    try {
      readAhead(input, stride, inputLengths, count)
      for (; at < count; at++)
        if ((outputLengths[at]! ^ UNANSWERED) === 0) outputLengths[at] = lengthOf(answerOne(at))
    } catch (error) {
      // The query that broke the thread must not break the next one too. The end of a thread from
      // outside is no exception that is caught here: its query stays unanswered and comes again.
      outputLengths[at] = 0
      throw error
    }
  }
}

interface Serving {
  readonly slab: Slab
  /** Counts of the threads before this one. */
  readonly before: SlabCounts
  handle: FrontHandle | undefined
  readonly held: Held
}

/** How the kernel is to schedule the thread. */
interface Scheduling {
  readonly cpu: number | undefined
  /** Added to its nice value. */
  readonly nice: number
  /** Before all others while it has time to spare. */
  readonly first: boolean
}

/**
 * A query waits for every thread of the process that has the core, so the one that answers goes
 * first. Where that is not permitted it answers all the same.
 */
function scheduleFault(native: Native, { cpu, nice, first }: Scheduling): string | undefined {
  native.favourThread(nice, limits.dnsSliceNs.default, first)
  return cpu !== undefined && native.pinThread(cpu) < 0 ? `no such CPU: ${cpu}` : undefined
}

/**
 * Takes up lent sockets; they stay open when it closes. Reading begins with `serve`, so that what
 * comes before the first snapshot waits in the queue instead of being turned away.
 */
export function serveNative(
  sockets: readonly LentSocket[],
  answer: Answer,
  scheduling: Scheduling,
  onFault: (message: string) => void,
  waiting?: Waiting,
  readAhead?: ReadAhead,
): Result<UdpFront, string> {
  const native = loadNative()
  if (!native.ok) return fail(native.error)
  const { startFront, turnFront, stopFront, releaseFront } = native.value
  const fault = scheduleFault(native.value, scheduling)
  if (fault !== undefined) onFault(`dns.cpus: ${fault}`)
  const all = sockets.map(({ batch, memory }): Serving => {
    const slab = slabOf(batch, STRIDE, memory)
    const held = new Held(limits.clusterHeldReplies.default)
    return { slab, before: countsOf(slab), handle: undefined, held }
  })
  const serveOne = ({ receiver, sender, wildcard }: LentSocket, one: Serving): void => {
    const keeps = (bytes: number): boolean =>
      waiting !== undefined &&
      bytes <= HELD_BYTES &&
      one.held.keep(waiting.heard(), waiting.nowMs())
    const onBatch = batchAnswerer(one.slab, answer, keeps, readAhead)
    one.handle = startFront(receiver, sender, one.slab, onBatch, { wildcard })
    turnFront(one.handle)
  }
  const sum = (name: keyof SlabCounts) =>
    all.reduce((total, { slab, before }) => total + countsOf(slab)[name] - before[name], 0)
  const first = sockets[0]!
  return ok({
    host: first.host,
    port: first.port,
    dropped: () => sum('sendFaults'),
    serve: () => {
      for (const [index, socket] of sockets.entries())
        if (all[index]!.handle === undefined) serveOne(socket, all[index]!)
    },
    release: (heard, nowMs) => {
      for (const { handle, held } of all) {
        if (handle === undefined) continue
        for (;;) {
          const due = held.next(heard, nowMs)
          if (due === 'wait') break
          releaseFront(handle, 1, due === 'send')
        }
      }
    },
    close: async () => {
      for (const { handle } of all) if (handle !== undefined) stopFront(handle)
    },
  })
}
