/**
 * The typed face of the native addon: UDP sockets in batches, and a file lock.
 *
 * The addon is compiled on this machine by the build where a C++ compiler is found. Everything
 * works without it, more slowly: `loadNative` says why it is absent, and callers fall back.
 */
import { createRequire } from 'node:module'
import { fail, ok, type Result } from '../core/base/result.ts'

/** Memory the addon and JavaScript share; every array holds one entry or stride a datagram. */
export interface Slab {
  readonly stride: number
  readonly input: Uint8Array
  readonly output: Uint8Array
  /** A `sockaddr_in` or `sockaddr_in6` each, `PEER_BYTES` apart. */
  readonly peers: Uint8Array
  /** 0 for a datagram longer than the stride. */
  readonly inputLengths: Uint32Array
  /** 0 sends nothing. */
  readonly outputLengths: Uint32Array
  /** See `counterNames`. */
  readonly counters: Float64Array
}

export const PEER_BYTES = 28

export const counterNames = [
  'batches',
  'received',
  'sent',
  'sendFaults',
  'kernelDrops',
  'oversized',
] as const

/** Memory for batches of up to `batch` (64 at most) datagrams of up to `stride` bytes. */
export function slabOf(batch: number, stride: number): Slab {
  return {
    stride,
    input: new Uint8Array(batch * stride),
    output: new Uint8Array(batch * stride),
    peers: new Uint8Array(batch * PEER_BYTES),
    inputLengths: new Uint32Array(batch),
    outputLengths: new Uint32Array(batch),
    counters: new Float64Array(counterNames.length),
  }
}

declare const handleBrand: unique symbol
export interface FrontHandle {
  readonly [handleBrand]: true
}

/** Functions that give a descriptor give `-errno` instead when they fail. */
interface Addon {
  openReceiver(address: Uint8Array, port: number, bufferBytes: number): number
  openSender(address: Uint8Array, port: number, bufferBytes: number): number
  boundPort(descriptor: number): number
  closeDescriptor(descriptor: number): number
  /** 0, or `-errno` when another process holds the lock. */
  lockFile(descriptor: number): number
  startFront(
    receiver: number,
    sender: number,
    reportDestination: boolean,
    stride: number,
    input: Uint8Array,
    output: Uint8Array,
    peers: Uint8Array,
    inputLengths: Uint32Array,
    outputLengths: Uint32Array,
    counters: Float64Array,
    onBatch: (count: number) => void,
  ): FrontHandle
  stopFront(handle: FrontHandle): void
}

export interface Native extends Omit<Addon, 'startFront'> {
  /**
   * Calls `onBatch` with the number of datagrams in the slab, and then sends what has an output
   * length. `sender` may equal `receiver`; it must on a wildcard address.
   */
  startFront(
    receiver: number,
    sender: number,
    slab: Slab,
    onBatch: (count: number) => void,
    options: { readonly wildcard: boolean },
  ): FrontHandle
}

/** Loads the addon, or says why it cannot be: not built, switched off, or of another machine. */
export function loadNative(): Result<Native, string> {
  if (process.env['OPENGSLB_NATIVE'] === '0') return fail('switched off by OPENGSLB_NATIVE=0')
  let addon: Addon
  try {
    addon = createRequire(import.meta.url)('./opengslb.node') as Addon
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
        slab.inputLengths,
        slab.outputLengths,
        slab.counters,
        onBatch,
      ),
  })
}
