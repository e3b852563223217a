/**
 * A client that asks every node of a cluster the same question all the time, and says what it
 * heard: one line an answer, with the moment it was asked and answered on the machine's own clock.
 *
 *     node cluster-asker.mjs NAME PORT EVERY_MS ADDRESS [ADDRESS …]
 */
import { createSocket } from 'node:dgram'

const [name, port, everyMs, ...addresses] = process.argv.slice(2)
const nowMs = () => Number(process.hrtime.bigint()) / 1e6

const labels = name.split('.').flatMap((label) => [label.length, ...Buffer.from(label)])
const question = [...labels, 0, 0, 1, 0, 1]
const query = (id) =>
  Buffer.from([id >> 8, id & 0xff, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...question])

for (const [node, address] of addresses.entries()) {
  const sent = new Map()
  let id = 0
  const socket = createSocket('udp4')
  socket.on('error', () => {})
  socket.on('message', (answer) => {
    if (answer.length < 12) return
    const number = answer.readUInt16BE(0)
    const sentMs = sent.get(number)
    if (sentMs === undefined) return
    sent.delete(number)
    const rcode = answer[3] & 15
    const count = answer.readUInt16BE(6)
    const line = [node, sentMs.toFixed(2), nowMs().toFixed(2), rcode, count].join(' ')
    process.stdout.write(`${line}\n`)
  })
  setInterval(
    () => {
      id = (id + 1) & 0xffff
      sent.set(id, nowMs())
      if (sent.size > 20_000) sent.delete(sent.keys().next().value)
      socket.send(query(id), Number(port), address, () => {})
    },
    Number(everyMs),
  )
}
process.on('disconnect', () => process.exit())
