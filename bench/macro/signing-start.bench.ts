/**
 * The built program with 10,000 steered names of four servers: how long until it gives the first
 * signed answer of a steered name.
 *
 * At the first start, which makes the keys and all signatures, and at a restart, which has both on
 * disk; the goal is 15 s on two cores for either. Until then a process that starts has no signed
 * state and says SERVFAIL. Then a reload that makes another chain of denial (NSEC3), asked all the
 * while: each reply has to be signed, whichever state it is of.
 */
import { createSocket } from 'node:dgram'
import { buildQuery } from '../../test/harness/dns-query.ts'
import { report, sized } from '../support/report.ts'
import { LoadedServer, startSink } from '../support/server.ts'

const NAMES = sized(10_000, 100)
const SERVERS = 4
const PORT = 15_463
const GOAL_MS = 15_000
const LIMIT_MS = 300_000
const ASK_EVERY_MS = 10
const REPLY_WITHIN_MS = 1_000

const octets = (index: number) => `${index >> 8}.${index & 255}`
const range = (count: number) => Array.from({ length: count }, (_, at) => at)

const yamlOf = (sinkPort: number, denial: 'nsec' | 'nsec3') => (folder: string) =>
  [
    `dns: { listen_address: "127.0.0.1:${PORT}", zones: [{ name: bench.test,`,
    '  name_servers: [{ name: ns1.bench.test, addresses: [127.0.0.1] }] }] }',
    'regions:',
    '  - name: local',
    '    health_check: { type: tcp, interval: 600s, timeout: 5s, success_threshold: 1 }',
    '    servers:',
    ...range(NAMES).flatMap((name) =>
      range(SERVERS).map((at) => {
        const address = `127.${30 + at}.${octets(name)}`
        return `      - { address: ${address}, port: ${sinkPort}, service: n${name}.bench.test }`
      }),
    ),
    'domains:',
    ...range(NAMES).map((name) => `  - { name: n${name}.bench.test, regions: [local] }`),
    `overwatch: { data_dir: "${folder}/data", dnssec: { denial: ${denial} } }`,
    'logging: { level: error, format: text }',
    '',
  ].join('\n')

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

interface Reply {
  readonly rcode: number
  readonly answers: number
}

/** Asks with DO, a question at a time by its own number; undefined without a reply. */
class Asker {
  readonly #socket = createSocket('udp4')
  readonly #waiting = new Map<number, (reply: Reply | undefined) => void>()
  #id = 0

  constructor() {
    this.#socket.on('error', () => {})
    this.#socket.on('message', (reply) => {
      const told = { rcode: reply[3]! & 15, answers: reply.readUInt16BE(6) }
      this.#waiting.get(reply.readUInt16BE(0))?.(told)
    })
  }

  ask(name: string, type: string): Promise<Reply | undefined> {
    this.#id = (this.#id + 1) & 0xffff
    const id = this.#id
    return new Promise((resolve) => {
      const end = (reply: Reply | undefined) => {
        clearTimeout(timer)
        this.#waiting.delete(id)
        resolve(reply)
      }
      const timer = setTimeout(() => end(undefined), REPLY_WITHIN_MS)
      this.#waiting.set(id, end)
      this.#socket.send(buildQuery({ name, type, id, edns: { dnssecOk: true } }), PORT, '127.0.0.1')
    })
  }

  close(): void {
    this.#socket.close()
  }
}

/** An address and its signature. */
const isSigned = (reply: Reply | undefined) => reply?.rcode === 0 && reply.answers === 2

const sink = await startSink()
const asker = new Asker()
const config = yamlOf(sink.port, 'nsec')
const server = new LoadedServer({
  ...{ backends: 0, sinkPort: sink.port, intervalSeconds: 600, port: PORT, config },
})
const last = `n${NAMES - 1}.bench.test`

/** Milliseconds until the first reply of any kind and the first that is signed, and its price. */
async function start() {
  const began = performance.now()
  server.launch()
  let repliedMs: number | undefined
  for (;;) {
    const asked = performance.now()
    const reply = await Promise.race([asker.ask(last, 'A'), sleep(100).then(() => undefined)])
    const nowMs = performance.now() - began
    if (reply !== undefined) repliedMs ??= nowMs
    if (isSigned(reply)) return { repliedMs, signedMs: nowMs, cpuSeconds: server.cpuSeconds() }
    if (!server.isRunning) throw new Error('the server ended at start')
    if (nowMs > LIMIT_MS) throw new Error('no signed answer within the limit')
    await sleep(Math.max(0, ASK_EVERY_MS - (performance.now() - asked)))
  }
}

/** What came of questions asked while `isOver` is not so. */
async function askThrough(isOver: () => Promise<boolean>) {
  let [asked, unsigned, over] = [0, 0, false]
  const began = performance.now()
  const questions: Promise<void>[] = []
  while (!over && performance.now() - began < LIMIT_MS) {
    const name = `n${asked++ % NAMES}.bench.test`
    const asking = asker.ask(name, 'A').then((reply) => {
      if (!isSigned(reply)) unsigned++
    })
    questions.push(asking)
    if (asked % 10 === 0) over = await isOver()
    await sleep(ASK_EVERY_MS)
  }
  const tookMs = performance.now() - began
  await Promise.all(questions)
  return { asked, unsigned, tookMs, over }
}

try {
  const first = await start()
  // Checks of a start end, so that each name has a verdict.
  await sleep(sized(10_000, 1_000))
  await server.end('SIGTERM')
  const again = await start()
  await sleep(sized(10_000, 1_000))
  server.setConfig(yamlOf(sink.port, 'nsec3')(server.folder))
  server.reload()
  const reload = await askThrough(async () => {
    const reply = await asker.ask('bench.test', 'NSEC3PARAM')
    return isSigned(reply)
  })
  const isQuick = first.signedMs < GOAL_MS && again.signedMs < GOAL_MS
  report(
    'signing-start',
    {
      'steered names': NAMES,
      'servers of each': SERVERS,
      'first start to the first reply (ms)': first.repliedMs ?? -1,
      'first start to the first signed answer (ms)': first.signedMs,
      'processor of the first start until then (s)': first.cpuSeconds,
      'restart to the first reply (ms)': again.repliedMs ?? -1,
      'restart to the first signed answer (ms)': again.signedMs,
      'processor of the restart until then (s)': again.cpuSeconds,
      'reload with another chain until it is served (ms)': reload.tookMs,
      'asked meanwhile': reload.asked,
      'of these without a signed answer': reload.unsigned,
      'resident set (MB)': server.residentMb(),
    },
    {
      holds: isQuick && reload.over && reload.unsigned === 0,
      sentence: `${NAMES} names of ${SERVERS} are answered signed ${Math.round(first.signedMs)} ms after a first start, ${Math.round(again.signedMs)} after a restart`,
    },
  )
} finally {
  asker.close()
  await server.stop()
  sink.close()
}
