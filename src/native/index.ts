/**
 * The typed face of the native addon: UDP sockets in batches, a pinned thread, a file lock, and the
 * kernel's table of TCP sockets.
 *
 * The addon comes compiled in the package, or is compiled by the build where a C++ compiler is
 * found. Everything works without it, more slowly: `loadNative` says why it is absent, and callers
 * fall back.
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { fail, ok, type Result } from '../core/base/result.ts'

/**
 * Memory the addon and JavaScript share; every array holds one entry or stride a datagram.
 *
 * All of it lies in one SharedArrayBuffer, which can be lent to a thread together with the sockets:
 * a batch that a dying thread could not finish stays there for the thread that follows.
 */
export interface Slab {
  readonly memory: SharedArrayBuffer
  readonly stride: number
  readonly input: Uint8Array
  readonly output: Uint8Array
  /** A `sockaddr_in` or `sockaddr_in6` each, `PEER_BYTES` apart. */
  readonly peers: Uint8Array
  /** What the kernel says of each datagram: the address that was asked, on a wildcard. */
  readonly control: Uint8Array
  /** 0 for a datagram longer than the stride. */
  readonly inputLengths: Uint32Array
  /** `UNANSWERED` until the callback sets it; 0 sends nothing. */
  readonly outputLengths: Uint32Array
  /** Belongs to the addon. */
  readonly state: Uint32Array
  /** Since the memory was made, over all threads that used it; see `counterNames`. */
  readonly counters: Float64Array
}

/** The output length of a datagram that still waits for its answer. */
export const UNANSWERED = 0xffff_ffff

/** Added to an output length: the answer is kept for `releaseFront`. */
export const HOLD = 0x8000_0000
/** Octets of such an answer at most; a front keeps 512 of them. */
export const HELD_BYTES = 512

export const PEER_BYTES = 28
const CONTROL_BYTES = 128
const STATE_WORDS = 2

export const counterNames = [
  'batches',
  'received',
  'sent',
  'sendFaults',
  'oversized',
  'pollFaults',
] as const

export type SlabCounts = Readonly<Record<(typeof counterNames)[number], number>>

/** Whether a thread reads the sockets of this memory. */
export const isReading = ({ state }: Slab): boolean => state[1] === 1

export const countsOf = ({ counters }: Slab): SlabCounts => ({
  batches: counters[0]!,
  received: counters[1]!,
  sent: counters[2]!,
  sendFaults: counters[3]!,
  oversized: counters[4]!,
  pollFaults: counters[5]!,
})

/** Bytes of memory for batches of `batch` datagrams of up to `stride` bytes. */
const slabBytes = (batch: number, stride: number): number =>
  8 * counterNames.length +
  4 * (STATE_WORDS + 4 * batch) +
  batch * (2 * stride + PEER_BYTES + CONTROL_BYTES)

export const slabMemory = (batch: number, stride: number): SharedArrayBuffer =>
  new SharedArrayBuffer(slabBytes(batch, stride))

/** Views of such memory, new or lent, for batches of up to `batch` (64 at most). */
export function slabOf(batch: number, stride: number, memory = slabMemory(batch, stride)): Slab {
  let at = 0
  const next = (bytes: number): number => {
    const from = at
    at += bytes
    return from
  }
  const bytesOf = (each: number) => new Uint8Array(memory, next(batch * each), batch * each)
  const wordsOf = (count: number) => new Uint32Array(memory, next(4 * count), count)
  // The widest numbers first, so that each array is aligned.
  return {
    memory,
    stride,
    counters: new Float64Array(memory, next(8 * counterNames.length), counterNames.length),
    state: wordsOf(STATE_WORDS + 2 * batch),
    inputLengths: wordsOf(batch),
    outputLengths: wordsOf(batch),
    control: bytesOf(CONTROL_BYTES),
    peers: bytesOf(PEER_BYTES),
    input: bytesOf(stride),
    output: bytesOf(stride),
  }
}

declare const handleBrand: unique symbol
export interface FrontHandle {
  readonly [handleBrand]: true
}

type OpenSocket = (
  address: Uint8Array,
  port: number,
  bufferBytes: number,
  exclusive: boolean,
) => number

/** Functions that give a descriptor give `-errno` instead when they fail. */
interface Addon {
  /** `exclusive`: EADDRINUSE where any socket holds the address; shared from then on. */
  readonly openReceiver: OpenSocket
  /** Sends from the address and never receives: see src/native/sockets.h. */
  readonly openSender: OpenSocket
  /** Deals queries out to the first `count` receivers of an address; 0 or `-errno`. */
  shareEvenly(descriptor: number, count: number): number
  boundPort(descriptor: number): number
  /** What the kernel granted, in its own count of bytes. */
  receiveBuffer(descriptor: number): number
  /** Datagrams the kernel dropped since the socket was opened, modulo 2^32; or `-errno`. */
  dropped(descriptor: number): number
  closeDescriptor(descriptor: number): number
  /** 0, or `-errno` when another process holds the lock. */
  lockFile(descriptor: number): number
  /** The calling thread runs on that CPU alone; 0 or `-errno`. */
  pinThread(cpu: number): number
  /**
   * The calling thread's nice value grows by `increment` and its slice of time becomes `sliceNs`,
   * which kernels before 6.12 pass over. 0 or `-errno`; where more is not permitted (EPERM, EACCES)
   * the slice is set all the same. With `first` it goes before every other thread while it has time
   * to spare (SCHED_RR), where that is permitted. To be called once a thread.
   */
  favourThread(increment: number, sliceNs: number, first: boolean): number
  startFront(
    receiver: number,
    sender: number,
    reportDestination: boolean,
    stride: number,
    input: Uint8Array,
    output: Uint8Array,
    peers: Uint8Array,
    control: Uint8Array,
    inputLengths: Uint32Array,
    outputLengths: Uint32Array,
    state: Uint32Array,
    counters: Float64Array,
    onBatch: (count: number) => void,
  ): FrontHandle
  turnFront(handle: FrontHandle): void
  /** Sends or forgets the oldest `count` of the answers that were kept. */
  releaseFront(handle: FrontHandle, count: number, sends: boolean): void
  stopFront(handle: FrontHandle): void
  /**
   * Writes the TCP sockets of a family, 0 for both, whose local port is one of `ports`, listeners
   * too, as rows of core/health/clients-rows.ts, as many as fit; gives how many there are, or
   * `-errno`. `withInfo` fills in round-trip times and bytes, at a quarter more of time.
   */
  dumpTcp(family: 0 | 4 | 6, ports: Uint32Array, into: Uint8Array, withInfo: boolean): number
  /** A descriptor that hears of each TCP socket that ends; `-EPERM` where that is not allowed. */
  openTcpEnds(): number
  /**
   * Rows of what ended since the last call; call again while `into` was filled. `-ENOBUFS` says
   * that the kernel had to drop some.
   */
  readTcpEnds(descriptor: number, ports: Uint32Array, into: Uint8Array): number
  /**
   * Makes a TCP socket on a processor and ends it there. Its cookie comes back as a row of port 0,
   * after everything that ended on that processor before; 0 where this process may not run,
   * `-errno` where no socket could be made now.
   */
  markTcpEnds(cpu: number): number
  /** Listens for TCP; `bothFamilies`: the IPv6 wildcard takes IPv4 too. */
  openListener(address: Uint8Array, port: number, backlog: number, bothFamilies: boolean): number
  /** A second descriptor of the same thing. */
  duplicate(descriptor: number): number
  /** One datagram to a socket of the Unix domain; `@name` is an abstract one. 0 or `-errno`. */
  sendDatagram(path: string, octets: Uint8Array): number
  /** A stream to who listens at the path; waits for it for `timeoutMs` at most. */
  connectStream(path: string, timeoutMs: number): number
  /** User and process id of the other end of such a stream; 0 or `-errno`. */
  peerOf(descriptor: number, into: Uint32Array): number
  /** Octets with descriptors beside them; 0 or `-errno`. */
  sendDescriptors(descriptor: number, octets: Uint8Array, descriptors: Uint32Array): number
  /**
   * The octets of one such message, how many; the first word of `descriptors` becomes the number
   * of descriptors that follow. Nothing is left open when it fails.
   */
  receiveDescriptors(descriptor: number, into: Uint8Array, descriptors: Uint32Array): number
}

export interface Native extends Omit<Addon, 'startFront'> {
  /**
   * Calls `onBatch` with the number of datagrams in the slab, and then sends what has an output
   * length. `sender` may equal `receiver`. Datagrams of an unfinished batch come again, with those
   * already answered marked by an output length other than `UNANSWERED`. A socket that cannot be
   * waited for any more is told once, by -1, and is not read after that.
   */
  startFront(
    receiver: number,
    sender: number,
    slab: Slab,
    onBatch: (count: number) => void,
    options: { readonly wildcard: boolean },
  ): FrontHandle
}

/** Beside the built file; the second is for sources that are run as they are. */
const places = ['./opengslb.node', '../../dist/native/opengslb.node']

/** Loads the addon, or says why it cannot be: not built, switched off, or of another machine. */
export function loadNative(): Result<Native, string> {
  if (process.env['OPENGSLB_NATIVE'] === '0') return fail('switched off by OPENGSLB_NATIVE=0')
  const path = places
    .map((place) => fileURLToPath(new URL(place, import.meta.url)))
    .find((candidate) => existsSync(candidate))
  if (path === undefined) return fail('the native addon was not built')
  let addon: Addon
  try {
    addon = createRequire(import.meta.url)(path) as Addon
  } catch (error) {
    return fail((error as Error).message.split('\n')[0] ?? 'it does not load')
  }
  return ok({
    ...addon,
    startFront: (receiver, sender, slab, onBatch, { wildcard }) =>
      addon.startFront(
        receiver,
        sender,
        wildcard,
        slab.stride,
        slab.input,
        slab.output,
        slab.peers,
        slab.control,
        slab.inputLengths,
        slab.outputLengths,
        slab.state,
        slab.counters,
        onBatch,
      ),
  })
}
