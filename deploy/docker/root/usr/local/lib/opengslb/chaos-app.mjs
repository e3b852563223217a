/**
 * The application of demo 5, on port 8080: answers, and can be made sick.
 *
 *   GET  /              its name, or an error at the rate asked for
 *   GET  /health        200 "ok" whatever else: the check sees nothing of it
 *   GET  /metrics       requests and errors, for the agent
 *   POST /chaos/cpu     intensity=1..100  duration=60s
 *   POST /chaos/memory  amount=MB         duration=60s
 *   POST /chaos/errors  rate=1..100       duration=60s
 *   POST /chaos/latency latency=MS        duration=60s
 *   POST /chaos/stop, GET /chaos/status
 */
import { createServer } from 'node:http'
import { hostname } from 'node:os'

const PORT = 8080
const SLICE_MS = 100
const LONGEST_MS = 3_600_000
const MOST_MEGABYTES = 1_024

const chaos = { cpu: 0, memory: 0, errors: 0, latency: 0 }
const keys = { cpu: 'intensity', memory: 'amount', errors: 'rate', latency: 'latency' }
const most = { cpu: 100, memory: MOST_MEGABYTES, errors: 100, latency: 60_000 }
const timers = {}
const counts = { requests: 0, errors: 0 }
let ballast = []

/** Works for the share of each slice that was asked for, without hogging the event loop. */
function burn() {
  if (chaos.cpu === 0) return
  const until = performance.now() + (SLICE_MS * chaos.cpu) / 100
  while (performance.now() < until);
  setTimeout(burn, Math.max(1, SLICE_MS - (SLICE_MS * chaos.cpu) / 100))
}

function set(what, value) {
  const was = chaos[what]
  chaos[what] = value
  if (what === 'cpu' && was === 0) burn()
  if (what === 'memory') ballast = Array.from({ length: value }, () => Buffer.alloc(1 << 20, 1))
}

function begin(what, query) {
  const value = Number.parseInt(query.get(keys[what]) ?? '', 10)
  if (!(value > 0 && value <= most[what])) return false
  const seconds = Number.parseFloat(query.get('duration') ?? '60s')
  clearTimeout(timers[what])
  set(what, value)
  timers[what] = setTimeout(() => set(what, 0), Math.min(LONGEST_MS, seconds * 1_000 || 60_000))
  return true
}

function stop() {
  for (const what of Object.keys(chaos)) {
    clearTimeout(timers[what])
    set(what, 0)
  }
}

const send = (response, status, body, type = 'application/json') => {
  response.writeHead(status, { 'content-type': type })
  response.end(typeof body === 'string' ? body : `${JSON.stringify(body)}\n`)
}

function onChaos(method, path, query, response) {
  const what = path.slice('/chaos/'.length)
  if (what === 'status') return send(response, 200, { host: hostname(), chaos, counts })
  if (method !== 'POST') return send(response, 405, { error: 'POST' })
  if (what === 'stop') stop()
  else if (!(what in keys)) return send(response, 404, { error: 'no such chaos' })
  else if (!begin(what, query)) return send(response, 400, { error: `${keys[what]} is missing` })
  send(response, 200, { host: hostname(), chaos })
}

function onPage(response) {
  counts.requests++
  const isError = Math.random() * 100 < chaos.errors
  if (isError) counts.errors++
  const answer = () =>
    send(response, isError ? 500 : 200, isError ? 'error\n' : `${hostname()}\n`, 'text/plain')
  if (chaos.latency > 0) setTimeout(answer, chaos.latency)
  else answer()
}

const metrics = () =>
  `# TYPE http_requests_total counter\nhttp_requests_total ${counts.requests}\n` +
  `# TYPE http_errors_total counter\nhttp_errors_total ${counts.errors}\n`

createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
  if (pathname === '/health') send(response, 200, 'ok\n', 'text/plain')
  else if (pathname === '/metrics') send(response, 200, metrics(), 'text/plain')
  else if (pathname.startsWith('/chaos/'))
    onChaos(request.method, pathname, searchParams, response)
  else onPage(response)
}).listen(PORT)

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(0))
