/**
 * From verdict to answer: how long after the prober concludes does the first answer show it.
 *
 * One backend of a failover pair is stopped and started again and again; questions run all the
 * while. The time of the verdict is that of the prober's own log line, of the answer the moment it
 * came back.
 */
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { median, report, sized } from '../support/report.ts'

const PORT = 15_404
const BACKEND_PORT = 15_405
const PRIMARY = '127.40.0.1'
const flips = sized(40, 4)

const folder = mkdtempSync(join(tmpdir(), 'opengslb-bench-'))
const config = join(folder, 'config.yaml')
writeFileSync(
  config,
  `
dns: { listen_address: "127.0.0.1:${PORT}", zones: [bench.test] }
regions:
  - name: local
    servers:
      - { address: ${PRIMARY}, port: ${BACKEND_PORT}, service: app.bench.test }
      - { address: 127.40.0.2, port: ${BACKEND_PORT}, service: app.bench.test }
    health_check: { type: tcp, interval: 200ms, timeout: 150ms, failure_threshold: 2, success_threshold: 1 }
domains: [{ name: app.bench.test, regions: [local], routing_algorithm: failover, hold_down: 0s }]
overwatch: { data_dir: "${folder}/data" }
logging: { level: info, format: json }
`,
  { mode: 0o600 },
)

const serve = (address: string) =>
  new Promise<Server>((resolve) => {
    const server = createServer((socket) => socket.on('error', () => {}).end())
    server.listen(BACKEND_PORT, address, () => resolve(server))
  })

/** Unix milliseconds of the verdicts on the primary, as the prober logged them. */
const verdictsMs: number[] = []
/** Unix milliseconds at which the answer changed. */
const answersMs: number[] = []

const program = fileURLToPath(new URL('../../../dist/bootstrap.js', import.meta.url))
const child = spawn(process.execPath, [program, '--config', config])
let rest = ''
child.stdout.on('data', (chunk: Buffer) => {
  const lines = (rest + chunk.toString()).split('\n')
  rest = lines.pop() ?? ''
  for (const line of lines) {
    const said = JSON.parse(line) as { msg: string; time: string; address?: string }
    if (said.msg === 'health status changed' && said.address?.startsWith(`${PRIMARY}:`))
      verdictsMs.push(Date.parse(said.time))
  }
})

const asker = createSocket('udp4')
const labels = ['app', 'bench', 'test'].map((label) => [label.length, ...Buffer.from(label)])
const query = Uint8Array.from([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels.flat(), 0, 0, 1, 0, 1])
let current = -1
asker.on('message', (reply) => {
  const last = reply[7] === 0 ? -1 : reply[reply.length - 1]!
  if (last === current) return
  current = last
  answersMs.push(Date.now())
})
const asking = setInterval(() => asker.send(query, PORT, '127.0.0.1'), 1)

async function until(holds: () => boolean): Promise<void> {
  for (let waited = 0; !holds(); waited += 5) {
    if (waited > 15_000) throw new Error('the answer did not follow in 15 s')
    await sleep(5)
  }
}

try {
  const second = await serve('127.40.0.2')
  let primary: Server | undefined = await serve(PRIMARY)
  await until(() => current === 1)
  const delaysMs: number[] = []
  for (let flip = 0; flip < flips; flip++) {
    const goesDown = primary !== undefined
    if (primary !== undefined) {
      primary.close()
      primary = undefined
    } else primary = await serve(PRIMARY)
    await until(() => current === (goesDown ? 2 : 1))
    await sleep(20)
    delaysMs.push((answersMs.at(-1) ?? 0) - (verdictsMs.at(-1) ?? 0))
  }
  primary?.close()
  second.close()
  const worst = Math.max(...delaysMs)
  report(
    'verdict-latency',
    {
      'changes of verdict': flips,
      'verdict to answer, median (ms)': median(delaysMs),
      'verdict to answer, maximum (ms)': worst,
    },
    {
      holds: worst <= 50 && delaysMs.every((delay) => delay > -5),
      sentence: `an answer follows a verdict in at most ${worst} ms`,
    },
  )
} finally {
  clearInterval(asking)
  asker.close()
  child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
}
