/**
 * UDP by the native addon: batches of datagrams, answered in place.
 *
 * The descriptors are lent by the main thread and never closed here. Nothing is allocated per
 * query: the client's address is copied into one of two objects made once.
 */
import { fail, ok, type Result } from '../../core/base/result.ts'
import { loadNative, PEER_BYTES, type Slab, slabOf } from '../../native/index.ts'
import type { Answer, LentSocket } from './contract.ts'
import type { UdpFront } from './ports-udp.ts'

const BATCH = 64
/** No larger query means anything, and no larger answer is configured. */
const STRIDE = 4_096
const AF_INET = 2

/** Reads what `recvmmsg` brought and leaves the answers for `sendmmsg`. */
export function batchAnswerer(slab: Slab, answer: Answer): (count: number) => void {
  const { input, output, peers, inputLengths, outputLengths, stride } = slab
  const four = { bytes: new Uint8Array(4), transport: 'udp' as const }
  const sixteen = { bytes: new Uint8Array(16), transport: 'udp' as const }
  return (count) => {
    for (let at = 0; at < count; at++) {
      const length = inputLengths[at]!
      const peer = at * PEER_BYTES
      // Length 0: longer than the slab. Port 0 cannot be answered.
      if (length === 0 || (peers[peer + 2]! | peers[peer + 3]!) === 0) {
        outputLengths[at] = 0
        continue
      }
      // sockaddr_in has its address at 4, sockaddr_in6 at 8; families are small host-order numbers.
      const isV4 = (peers[peer]! | peers[peer + 1]!) === AF_INET
      const client = isV4 ? four : sixteen
      const from = peer + (isV4 ? 4 : 8)
      for (let byte = 0; byte < client.bytes.length; byte++)
        client.bytes[byte] = peers[from + byte]!
      const start = at * stride
      outputLengths[at] = answer(input, start, length, output, start, client)
    }
  }
}

/** Serves on lent sockets; they stay open when it closes. */
export function serveNative(
  sockets: readonly LentSocket[],
  answer: Answer,
): Result<UdpFront, string> {
  const native = loadNative()
  if (!native.ok) return fail(native.error)
  const fronts = sockets.map((socket) => {
    const slab = slabOf(BATCH, STRIDE)
    const { receiver, sender, wildcard } = socket
    const onBatch = batchAnswerer(slab, answer)
    return { slab, handle: native.value.startFront(receiver, sender, slab, onBatch, { wildcard }) }
  })
  const first = sockets[0]!
  return ok({
    host: first.host,
    port: first.port,
    // Send faults, and what the kernel dropped because nobody read in time.
    dropped: () => fronts.reduce((sum, { slab }) => sum + slab.counters[3]! + slab.counters[4]!, 0),
    close: async () => {
      for (const { handle } of fronts) native.value.stopFront(handle)
    },
  })
}
