/**
 * A DNS load generator over UDP: a fixed window of questions in flight, counted by outcome.
 *
 * Runs as a child process, so that its CPU time is not the server's. Arguments: port, number of
 * questions, a name, or `random:<zone>` for a new random label each time; with `--do` it asks with
 * DO and counts the replies that hold a proof. Prints one JSON line.
 */
import { createSocket } from 'node:dgram'

const words = process.argv.slice(2)
const asksProof = words.includes('--do')
const [portText, countText, name = '', windowText = '64'] = words.filter((word) => word !== '--do')
const port = Number(portText)
const total = Number(countText)
const window = Number(windowText)
const random = name.startsWith('random:')
const LABEL = 20
/** EDNS with a payload of 1,232 octets and DO. */
const OPT = Buffer.from([0, 0, 41, 4, 208, 0, 0, 128, 0, 0, 0])
/** SOA, a record that denies, and a signature of each. */
const PROOF_MIN = 4

function template(): { query: Buffer; labelAt: number } {
  const owner = random ? `${'x'.repeat(LABEL)}.${name.slice('random:'.length)}` : name
  const labels = owner.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label)]))
  const header = Buffer.from([0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, asksProof ? 1 : 0])
  const question = [...labels, Buffer.from([0, 0, 1, 0, 1])]
  const query = Buffer.concat([header, ...question, ...(asksProof ? [OPT] : [])])
  return { query, labelAt: 13 }
}

const letters = Buffer.from('abcdefghijklmnopqrstuvwxyz012345')
let state = 0x1234567

function scramble(query: Buffer, at: number): void {
  for (let index = 0; index < LABEL; index++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    query[at + index] = letters[state & 31]!
  }
}

const { query, labelAt } = template()
const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20, sendBufferSize: 4 << 20 })
const rcodes: Record<number, number> = {}
let sent = 0
let received = 0
let lastReceived = 0
let lost = 0
let proven = 0
let bytes = 0
let started = 0

function sendOne(): void {
  if (sent >= total) return
  sent++
  const packet = Buffer.from(query)
  packet.writeUInt16BE(sent & 0xffff, 0)
  if (random) scramble(packet, labelAt)
  socket.send(packet)
}

function finish(): void {
  const seconds = (performance.now() - started) / 1000
  const meanBytes = bytes / Math.max(1, received)
  const result = { sent, received, lost, seconds, rcodes, proven, meanBytes }
  process.stdout.write(`${JSON.stringify(result)}\n`)
  process.exit(0)
}

socket.on('message', (message) => {
  const rcode = message[3]! & 15
  rcodes[rcode] = (rcodes[rcode] ?? 0) + 1
  if (message.readUInt16BE(8) >= PROOF_MIN) proven++
  bytes += message.length
  received++
  if (received + lost >= total) finish()
  sendOne()
})

// What is lost is made up for, so that the window never runs dry.
setInterval(() => {
  if (received !== lastReceived) {
    lastReceived = received
    return
  }
  const missing = sent - received - lost
  lost += missing
  if (received + lost >= total) finish()
  for (let index = 0; index < window; index++) sendOne()
}, 500)

socket.connect(port, '127.0.0.1', () => {
  started = performance.now()
  for (let index = 0; index < window; index++) sendOne()
})
