/**
 * Asks for one name at a steady rate from many ports, and tells of each question that got no
 * answer. Prints a line of JSON when its standard input ends.
 *
 *     node anycast-client.mjs ADDRESS NAME QUESTIONS-A-SECOND
 */
import { createSocket } from 'node:dgram'

const [address, name, rate] = process.argv.slice(2)
const SOCKETS = 64
const PATIENCE_MS = 2_000
const labels = name.split('.').flatMap((label) => [label.length, ...Buffer.from(label)])
/** SOA of the name, class IN. */
const question = (id) =>
  Buffer.from([id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, 6, 0, 1])

const began = performance.now()
const open = new Map()
const tally = { asked: 0, right: 0, wrong: 0, lost: [] }
const sockets = Array.from({ length: SOCKETS }, () => {
  const socket = createSocket('udp4')
  // What the kernel of a node without a server says; the question is lost by and by.
  socket.on('error', () => {})
  socket.on('message', (reply) => {
    const id = reply.readUInt16BE(0)
    if (!open.delete(id)) return
    if ((reply[3] & 15) === 0 && reply.readUInt16BE(6) > 0) tally.right++
    else tally.wrong++
  })
  return socket
})

let id = 0
function ask() {
  id = (id + 1) & 0xffff
  tally.asked++
  open.set(id, performance.now())
  sockets[id % SOCKETS].send(question(id), 53, address, () => {})
}

const timer = setInterval(() => {
  const due = ((performance.now() - began) * Number(rate)) / 1_000
  // What a busy machine held up is asked now, but not all of it at once.
  for (let turn = 0; turn < 50 && tally.asked < due; turn++) ask()
}, 5)
console.log('asking')
process.stdin.resume()
process.stdin.once('end', () => {
  clearInterval(timer)
  setTimeout(() => {
    tally.lost = [...open.values()].map((at) => Math.round(at - began))
    console.log(JSON.stringify(tally))
    process.exit(0)
  }, PATIENCE_MS)
})
