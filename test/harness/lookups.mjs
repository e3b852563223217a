/**
 * Clients of three name servers: glibc with its defaults, glibc with short times, and stubs in
 * front of two unbounds, at UNBOUND_PORT and the port after. Each begins a lookup every so often,
 * whether the one before has ended or not, and says of each what came of it: one line
 * `CLIENT found|lost STARTED_MS TOOK_MS`.
 *
 *     node lookups.mjs NAME EVERY_MS UNBOUND_PORT
 *
 * Run it where /etc/resolv.conf names the servers. The end of its input ends it, once every lookup
 * it began has ended.
 */
import { execFile } from 'node:child_process'
import { createSocket } from 'node:dgram'

const [name, everyMs, unboundPort] = process.argv.slice(2)
/** What a stub resolver does by default (resolv.conf(5)): five seconds, and again. */
const [STUB_TIMEOUT_MS, STUB_TRIES] = [5_000, 3]
const nowMs = () => Number(process.hrtime.bigint()) / 1e6

const glibc = (options) => () =>
  new Promise((resolve) => {
    const env = { ...process.env, RES_OPTIONS: options }
    execFile('getent', ['ahostsv4', name], { env }, (_, out) => resolve(out.includes('STREAM')))
  })

const labels = name.split('.').flatMap((label) => [label.length, ...Buffer.from(label)])
let lastId = 0

const stub = (port) => () => {
  const id = (lastId = (lastId + 1) & 0xffff)
  const head = [id >> 8, id & 0xff, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]
  const query = Buffer.from([...head, ...labels, 0, 0, 1, 0, 1])
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    let tries = 0
    const end = (isFound) => {
      clearTimeout(timer)
      socket.close()
      resolve(isFound)
    }
    let timer
    const ask = () => {
      if (++tries > STUB_TRIES) return end(false)
      socket.send(query, port, '127.0.0.1', () => {})
      timer = setTimeout(ask, STUB_TIMEOUT_MS)
    }
    socket.on('message', (answer) => {
      const isOwn = answer.length >= 12 && answer.readUInt16BE(0) === id
      if (isOwn) end((answer[3] & 15) === 0 && answer.readUInt16BE(6) > 0)
    })
    socket.on('error', () => end(false))
    ask()
  })
}

const clients = {
  glibc: glibc(''),
  'glibc-short': glibc('timeout:1 attempts:2'),
  unbound: stub(Number(unboundPort)),
  'unbound-16': stub(Number(unboundPort) + 1),
}
let running = 0
let isOver = false
const endIfOver = () => isOver && running === 0 && process.exit(0)

for (const [at, [client, lookUp]] of Object.entries(clients).entries())
  setTimeout(
    () =>
      setInterval(async () => {
        if (isOver) return
        running++
        const startedMs = nowMs()
        const isFound = await lookUp()
        const tookMs = nowMs() - startedMs
        const words = [client, isFound ? 'found' : 'lost', startedMs.toFixed(1), tookMs.toFixed(1)]
        process.stdout.write(`${words.join(' ')}\n`)
        running--
        endIfOver()
      }, Number(everyMs)),
    (at * Number(everyMs)) / 4,
  )
process.stdin.on('end', () => {
  isOver = true
  endIfOver()
})
process.stdin.resume()
