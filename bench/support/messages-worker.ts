/**
 * The far side of the message bench: a thread that takes messages up and, when asked, replies.
 *
 * It holds both sides of the comparison: a link of the runtime, and a bare port.
 */
import { type MessagePort, parentPort } from 'node:worker_threads'
import { Link } from '../../src/kernel/link.ts'
import { portWire } from '../../src/kernel/thread-wire.ts'
import { codecOf } from '../../src/messages/codec.ts'
import { benchCatalogue } from './messages-catalogue.ts'

const codec = codecOf(benchCatalogue)
let seen = 0
let checksum = 0

function serveLink(port: MessagePort): void {
  const link = new Link('near', codec, {
    onDirty: () => {},
    onLossOver: () => {},
    onBatch: (_link, _wire, batch) => {
      for (const item of codec.decode(batch).items) {
        if (item.kind === 'fact') {
          seen++
          checksum += (item.message as { atMs: number }).atMs
        } else if (item.kind === 'request') link.reply(item.name, item.call, { seen, checksum })
      }
      link.batchHandled()
      link.flush()
    },
  })
  link.connect(portWire(port))
}

function serveBare(port: MessagePort): void {
  port.on('message', (message: { atMs?: number }) => {
    if (message.atMs === undefined) {
      port.postMessage({ seen, checksum })
      return
    }
    seen++
    checksum += message.atMs
  })
}

parentPort?.on('message', ({ kind, port }: { kind: 'link' | 'bare'; port: MessagePort }) => {
  seen = 0
  checksum = 0
  if (kind === 'link') serveLink(port)
  else serveBare(port)
})
