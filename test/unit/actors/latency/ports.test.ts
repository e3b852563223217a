/**
 * Goal: the real ports: round-trip times of real connections over both families, and a file that is
 * whole or not at all. Method: connections over loopback, a temporary folder.
 */
import { execFile } from 'node:child_process'
import { chmodSync, copyFileSync, existsSync, mkdtempSync, readdirSync } from 'node:fs'
import { rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { openPorts } from '../../../../src/actors/latency/ports.ts'
import { tcpStates } from '../../../../src/core/health/clients-rows.ts'
import { loadNative } from '../../../../src/native/index.ts'

const cleanups: (() => unknown)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup()
})

const hasIpv6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === '::1'),
)
const families = ['127.0.0.1', ...(hasIpv6 ? ['::1'] : [])]

async function serve(address: string): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.end('hello')
  })
  await new Promise<void>((done) => server.listen(0, address, done))
  cleanups.push(() => server.close())
  return (server.address() as AddressInfo).port
}

describe.runIf(loadNative().ok)('the TCP table', () => {
  test.each(families)('tells the times of a connection that ended: %s', async (address) => {
    const ports = openPorts()
    cleanups.push(() => ports.close())
    const opened = ports.openTcp()
    if (!opened.ok) throw new Error(opened.error)
    const tcp = opened.value
    expect(tcp.endsHeard).toEqual({ ok: true, value: true })
    const wanted = Uint32Array.of(await serve(address))
    await new Promise<void>((closed) => {
      const socket = connect(wanted[0]!, address)
      socket.resume().on('close', () => closed())
    })
    await vi.waitFor(() => {
      const { rows } = tcp.ended(wanted)
      expect(rows.count).toBe(1)
      expect(rows.state(0)).toBe(tcpStates.closed)
      expect(rows.hasInfo(0)).toBe(true)
      expect(rows.rttUs(0)).toBeGreaterThan(0)
      expect(rows.minRttUs(0)).toBeGreaterThan(0)
      expect(rows.dataSegmentsOut(0)).toBe(1)
      expect(rows.bytesAcked(0)).toBeGreaterThanOrEqual(5)
    }, 5_000)
    // Only the listener is left, which is no connection.
    const open = tcp.open(wanted)!
    const states = Array.from({ length: open.count }, (_, row) => open.state(row))
    expect(states.filter((state) => state !== tcpStates.timeWait)).toEqual([tcpStates.listen])
  })
})

const NOBODY = 65_534
const asNobody = (addon: string, port: number) => `
  process.setgroups([])
  process.setgid(${NOBODY})
  process.setuid(${NOBODY})
  const native = require(${JSON.stringify(addon)})
  const rows = native.dumpTcp(4, Uint32Array.of(${port}), new Uint8Array(65536), true)
  console.log(JSON.stringify([process.getuid(), rows, native.openTcpEnds() >= 0]))
  process.exit()
`
const addon = ['../../../../src/native/opengslb.node', '../../../../dist/native/opengslb.node']
  .map((path) => fileURLToPath(new URL(path, import.meta.url)))
  .find((path) => existsSync(path))

// The kernel may be set to refuse the ends, of which the log of an agent speaks then.
test.runIf(addon !== undefined && process.getuid?.() === 0)(
  'the table is read, and the ends of connections are heard, without any privilege',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'opengslb-addon-'))
    cleanups.push(() => rmSync(folder, { recursive: true, force: true }))
    // Where anybody can read it, which the folder of the sources need not be.
    chmodSync(folder, 0o755)
    const copy = join(folder, 'opengslb.node')
    copyFileSync(addon!, copy)
    const script = asNobody(copy, await serve('127.0.0.1'))
    const { stdout } = await promisify(execFile)(process.execPath, ['--eval', script])
    // Of the port there is the listener.
    expect(JSON.parse(stdout)).toEqual([NOBODY, 1, true])
  },
)

test('a file is written whole, replaced, read again, and told apart from none', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'opengslb-latency-'))
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }))
  const ports = openPorts()
  const path = join(folder, 'latency.rows')
  expect(await ports.load(path)).toBe('absent')
  // Left over from a crash in the middle of a write.
  writeFileSync(`${path}.next`, 'half')
  expect(await ports.save(path, Uint8Array.of(1, 2))).toBe(true)
  expect(await ports.save(path, Uint8Array.of(3))).toBe(true)
  expect([...((await ports.load(path)) as Uint8Array)]).toEqual([3])
  expect(readdirSync(folder)).toEqual(['latency.rows'])
  expect(await ports.save(join(folder, 'none', 'x'), Uint8Array.of(1))).toBe(false)
  expect(await ports.load(folder)).toBe('unreadable')
})
