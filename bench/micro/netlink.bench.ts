/**
 * What one reading of the kernel's TCP table costs an agent that learns latency: the dump with
 * TCP_INFO, filtered by port in the kernel, and folding it into samples and client networks.
 *
 * The connections are real ones in a network namespace of their own, of which as many again, the
 * other ends, do not match. The peer is `ss -tin` with the same filter. Goal: 50,000 in 100 ms.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { TCP_ROW_BYTES, TcpRows } from '../../src/core/health/clients-rows.ts'
import { Sockets } from '../../src/core/latency/sockets.ts'
import { Subnets } from '../../src/core/latency/subnets.ts'
import type * as NativeModule from '../../src/native/index.ts'
import { installed, root } from '../support/hotpath/native.ts'
import { median, report, sized } from '../support/report.ts'

const CONNECTIONS = sized(50_000, 500)
const ROUNDS = sized(40, 3)
const GOAL_MS = 100
const PORT = 8_080
const INSIDE = 'OPENGSLB_BENCH_INSIDE'

/** The least of the last timing: what others on the machine do only adds to it. */
let leastMs = 0
let leastCpuMs = 0

function timed(run: () => void): number {
  const cpuMs: number[] = []
  const times = Array.from({ length: ROUNDS }, () => {
    const cpu = process.cpuUsage()
    const from = performance.now()
    run()
    const took = performance.now() - from
    const { user, system } = process.cpuUsage(cpu)
    cpuMs.push((user + system) / 1_000)
    return took
  })
  leastMs = Math.min(...times)
  leastCpuMs = Math.min(...cpuMs)
  return median(times)
}

/** A program that holds the connections, and the way to end it. */
async function holdConnections(folder: string): Promise<() => void> {
  const program = join(folder, 'connections')
  const source = join(root, 'bench', 'support', 'netlink', 'connections.cc')
  const made = spawnSync('g++', ['-std=c++17', '-O2', '-o', program, source], { encoding: 'utf8' })
  if (made.status !== 0) throw new Error(made.stderr)
  for (const words of [
    ['link', 'set', 'lo', 'up'],
    ['addr', 'add', '10.0.0.1/8', 'dev', 'lo'],
    ['route', 'add', 'local', '10.0.0.0/8', 'dev', 'lo'],
  ])
    spawnSync('ip', words)
  const child = spawn(program, [String(CONNECTIONS), String(PORT)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await new Promise<void>((ready, failed) => {
    child.stdout.once('data', () => ready())
    child.once('exit', (code) => failed(new Error(`connections ended with ${code}`)))
  })
  return () => child.kill('SIGKILL')
}

async function measure(): Promise<void> {
  // The addon lies beside the built program.
  const built = pathToFileURL(join(root, 'dist', 'native', 'index.js')).href
  const { loadNative } = (await import(built)) as typeof NativeModule
  const native = loadNative()
  if (!native.ok) throw new Error(native.error)
  const folder = mkdtempSync(join(tmpdir(), 'opengslb-netlink-'))
  const release = await holdConnections(folder)
  try {
    const ports = Uint32Array.of(PORT)
    const bytes = new Uint8Array((CONNECTIONS + 16) * TCP_ROW_BYTES)
    let count = 0
    const dump = (family: 0 | 4, withInfo: boolean) => () => {
      count = native.value.dumpTcp(family, ports, bytes, withInfo)
    }
    const plainMs = timed(dump(4, false))
    const infoMs = timed(dump(4, true))
    const infoLeastMs = leastMs
    // What a reading asks for: both families at once.
    const bothMs = timed(dump(0, true))
    const bothLeastMs = leastMs
    const bothCpuMs = leastCpuMs
    const rows = new TcpRows(bytes, count)
    const rules = { ipv4Prefix: 24, ipv6Prefix: 48, alpha: 0.3, maxSubnets: 100_000 }
    let samples = 0
    let networks = 0
    const foldMs = timed(() => {
      const subnets = new Subnets(rules, 1)
      samples = 0
      new Sockets(1).look(rows, 0, 0, (_port, family, from, at, rttUs, counts) => {
        samples += counts
        subnets.add(0, family, from, at, rttUs / 1_000, counts, 0)
      })
      networks = subnets.size
    })
    const ss = () => spawnSync('ss', ['-tinH', `sport = :${PORT}`], { maxBuffer: 1 << 28 })
    const peerMs = installed('ss') ? timed(ss) : Number.NaN
    const isRight = samples >= CONNECTIONS && networks === Math.ceil(CONNECTIONS / 100)
    const figures = {
      connections: CONNECTIONS,
      'dump without TCP_INFO, ms': plainMs,
      'dump with TCP_INFO, ms': infoMs,
      'dump with TCP_INFO, least, ms': infoLeastMs,
      'dump with TCP_INFO of both families, ms': bothMs,
      'dump with TCP_INFO of both families, least, ms': bothLeastMs,
      'processor time of that, least, ms': bothCpuMs,
      'folding, every connection with news, ms': foldMs,
      'ss -tin of the same, ms': Number.isNaN(peerMs) ? 'not installed' : peerMs,
      'rows (the listener is one)': count,
      samples,
      networks,
    }
    const took = `${CONNECTIONS} connections are read in ${bothLeastMs.toFixed(1)} ms at the least`
    const sentence = `${took}, goal ${GOAL_MS} ms${isRight ? '' : '; the samples are wrong'}`
    report('netlink', figures, { holds: isRight && bothLeastMs < GOAL_MS, sentence })
  } finally {
    release()
    rmSync(folder, { recursive: true, force: true })
  }
}

const isAble = process.getuid?.() === 0 && installed('ip') && installed('g++')
if (process.env[INSIDE] === '1') await measure()
else if (!isAble || !installed('unshare'))
  report(
    'netlink',
    { connections: 0 },
    { holds: true, sentence: 'not measured: it needs root, ip, unshare and g++' },
  )
else {
  const again = ['-n', process.execPath, ...process.execArgv, ...process.argv.slice(1)]
  const env = { ...process.env, [INSIDE]: '1' }
  process.exitCode = spawnSync('unshare', again, { stdio: 'inherit', env }).status ?? 1
}
