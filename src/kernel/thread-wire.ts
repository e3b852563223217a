/** A wire over a MessagePort: batches change hands without a copy. */
import type { MessagePort } from 'node:worker_threads'
import type { Wire } from './wire.ts'

export const portWire = (port: MessagePort): Wire => ({
  post: (frame) => {
    if (typeof frame === 'number') port.postMessage(frame)
    else {
      const { buffer } = 'bytes' in frame ? frame.bytes : frame
      port.postMessage(frame, [buffer as ArrayBuffer])
    }
  },
  listen: (onFrame) => void port.on('message', onFrame),
  close: () => port.close(),
})
