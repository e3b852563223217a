// Goal: HashiCorp's own memberlist and our nodes exchange messages, by datagram and by stream.
// Method: a small Go program on Debian's package of the library; it plays the Go program's agent
// beside our overwatch, and its overwatch beside our agent.
import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { agentConfig, KEY, overwatchConfig } from '../harness/gossip-actors.ts'
import { eventually, type RealGossip, realGossip } from '../harness/gossip-real.ts'
import { has } from '../harness/tools.ts'

const LIBRARY = '/usr/share/gocode/src/github.com/hashicorp/memberlist'
const available = has('go') && existsSync(LIBRARY)
const folder = mkdtempSync(join(tmpdir(), 'go-peer-'))
const binary = join(folder, 'go-peer')

beforeAll(() => {
  if (!available) return
  const env = { ...process.env, GO111MODULE: 'off', GOPATH: '/usr/share/gocode', GOCACHE: folder }
  const source = new URL('./go-peer/main.go', import.meta.url).pathname
  const built = spawnSync('go', ['build', '-o', binary, source], { env, encoding: 'utf8' })
  if (built.status !== 0) throw new Error(built.stderr)
}, 300_000)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

type Peer = ChildProcessByStdio<Writable, Readable, null>
const peers: Peer[] = []
const running: RealGossip[] = []
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop()
  for (const peer of peers.splice(0)) peer.kill('SIGKILL')
})

function goPeer(meta: string, ...further: readonly string[]) {
  const args = ['-name', 'go', '-key', KEY, '-meta', meta, ...further]
  const child = spawn(binary, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  peers.push(child)
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const lines = () => said.split('\n')
  return {
    lines,
    heard: () => lines().flatMap((line) => (line.startsWith('heard ') ? [line.slice(6)] : [])),
    port: () => Number(/^port (\d+)$/m.exec(said)?.[1] ?? 0),
    tell: (line: string) => void child.stdin.write(`${line}\n`),
  }
}

const meta = (role: string) =>
  JSON.stringify({ role, region: 'eu', version: '1.0.0', timestamp: '2026-11-21T12:00:00Z' })

const message = (type: string, at: number, payload: unknown) =>
  JSON.stringify({
    type,
    agent_id: 'go-agent',
    region: 'eu',
    timestamp: new Date(at).toISOString(),
    payload,
  })

test.runIf(available)(
  'an agent of the Go program is heard, by datagram and by stream',
  async () => {
    const us = await realGossip(
      overwatchConfig({ bindAddress: '127.0.0.1:0', allowUnsignedAgents: true }),
    )
    running.push(us)
    const peer = goPeer(meta('agent'), '-join', `127.0.0.1:${us.port}`)
    expect(await eventually(() => us.members().some(({ name }) => name === 'go'))).toBe(true)
    expect(await eventually(() => peer.lines().includes('joined ow1'))).toBe(true)
    const backend = { service: 'web', address: '10.0.0.9', port: 80, weight: 50 }
    const reports = () => us.facts('gossip.agent-reported')
    peer.tell(`best ow1 ${message('register', Date.now(), backend)}`)
    expect(await eventually(() => reports().length === 1)).toBe(true)
    expect(reports()[0]).toMatchObject({
      agentId: 'go-agent',
      report: { backends: [{ ...backend, healthy: true }] },
    })
    const backends = Array.from({ length: 200 }, (_, index) => ({
      ...backend,
      port: 1_000 + index,
      healthy: index % 2 === 0,
    }))
    const beat = { backends, fingerprint: '' }
    peer.tell(`reliable ow1 ${message('heartbeat', Date.now() + 1_000, beat)}`)
    expect(await eventually(() => reports().length === 2)).toBe(true)
    expect(reports()[1]?.report.backends).toHaveLength(200)
    expect(us.world.logs.some(({ message: text }) => text.startsWith('UNSIGNED'))).toBe(true)
    peer.tell('leave')
    const left = () => us.members().find(({ name }) => name === 'go')?.state === 'left'
    expect(await eventually(left)).toBe(true)
  },
)

test.runIf(available)(
  'our agent tells an overwatch of the Go program all it has to say',
  async () => {
    const peer = goPeer(meta('overwatch'))
    expect(await eventually(() => peer.port() > 0)).toBe(true)
    const backends = (count: number) =>
      Array.from({ length: count }, (_, index) => ({
        service: 'web',
        address: '10.0.1.1',
        advertiseAddress: '',
        port: 1_000 + index,
        weight: 100,
      }))
    const identity = {
      region: 'eu',
      serviceToken: 'a-token-of-the-web-service',
      certPath: join(folder, 'agent.crt'),
      keyPath: join(folder, 'agent.key'),
    }
    const config = agentConfig({
      bindAddress: '127.0.0.1:0',
      overwatchNodes: [`127.0.0.1:${peer.port()}`],
      identity,
      backends: backends(1),
    })
    const us = await realGossip(config)
    running.push(us)
    const announced = (count: number) => () =>
      peer
        .heard()
        .map((text) => JSON.parse(text) as { type: string; payload: { backends?: unknown[] } })
        .some(({ type, payload }) => type === 'heartbeat' && payload.backends?.length === count)
    expect(await eventually(announced(1))).toBe(true)
    us.behaviour.onReconfigured?.({ ...config, backends: backends(100) })
    expect(await eventually(announced(100))).toBe(true)
    await us.stop()
    running.pop()
    expect(await eventually(() => peer.lines().some((line) => line.startsWith('left eu-')))).toBe(
      true,
    )
  },
)
