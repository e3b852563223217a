/**
 * A thread that answers on lent sockets by the native front: each reply is the query with the QR
 * bit set. It spins a while for each query, so that an end from outside finds it in a batch.
 */
import { parentPort, workerData } from 'node:worker_threads'

const { distUrl, sockets, spinMs } = workerData
const { serveNative } = await import(new URL('actors/dns/ports-native.js', distUrl).href)

const POISON = 0xdead

function answer(query, start, length, out, outStart) {
  const end = performance.now() + spinMs
  while (performance.now() < end);
  if (((query[start] << 8) | query[start + 1]) === POISON) throw new Error('poison')
  for (let at = 0; at < length; at++) out[outStart + at] = query[start + at]
  out[outStart + 2] |= 0x80
  return length
}

const front = serveNative(sockets, answer, { cpu: undefined, nice: 0 }, () => {})
if (!front.ok) throw new Error(front.error)
front.value.serve()
parentPort.postMessage('serving')
