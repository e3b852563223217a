// Goal: a member of another program that speaks memberlist sees our node alive, and the other way.
// Method: Debian's serf with encryption, on loopback; it joins us, then we join it.
import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { KEY, overwatchConfig } from '../harness/gossip-actors.ts'
import { eventually, type RealGossip, realGossip } from '../harness/gossip-real.ts'
import { has, output } from '../harness/tools.ts'

const children: ChildProcess[] = []
const running: RealGossip[] = []
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop()
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })

async function serf(name: string, ...further: readonly string[]) {
  const [port, rpc] = [await freePort(), await freePort()]
  const place = ['-bind', `127.0.0.1:${port}`, '-rpc-addr', `127.0.0.1:${rpc}`]
  const args = ['agent', '-node', name, ...place, '-encrypt', KEY, '-profile', 'local']
  const child = spawn('serf', [...args, ...further], { stdio: 'ignore' })
  children.push(child)
  const members = () => output('serf', ['members', '-rpc-addr', `127.0.0.1:${rpc}`])
  const stop = () => void child.kill('SIGINT')
  expect(await eventually(async () => (await members()).includes(name))).toBe(true)
  return { port, members, stop }
}

/** Serf speaks a delegate protocol of its own, 2 to 5; nobody else's members are let in. */
async function ours(seeds: readonly string[] = []) {
  const bindAddress = '127.0.0.1:0'
  const vsn = [1, 5, 2, 2, 5, 5] as const
  const started = await realGossip(overwatchConfig({ bindAddress, seeds, vsn }))
  running.push(started)
  return started
}

const stateOf = (node: RealGossip, name: string) =>
  node.members().find((member) => member.name === name)?.state

test.runIf(has('serf'))(
  'serf joins us with encryption, and each sees the other alive',
  async () => {
    const us = await ours()
    const them = await serf('s1', '-join', `127.0.0.1:${us.port}`)
    expect(await eventually(() => stateOf(us, 's1') === 'alive')).toBe(true)
    expect(await eventually(async () => /ow1 .*alive/.test(await them.members()))).toBe(true)
    // Long enough for each to probe the other several times, and to suspect one that is silent.
    await eventually(() => false, 4_000)
    expect(stateOf(us, 's1')).toBe('alive')
    expect(await them.members()).toMatch(/ow1 .*alive/)
    expect(us.world.metrics.value('opengslb_gossip_decryption_failures_total') ?? 0).toBe(0)
    expect(us.world.metrics.value('opengslb_gossip_message_processing_errors_total') ?? 0).toBe(0)
  },
)

test.runIf(has('serf'))(
  'we join serf, which tells us of its members and of our leaving',
  async () => {
    const first = await serf('s1')
    const second = await serf('s2', '-join', `127.0.0.1:${first.port}`)
    const us = await ours([`127.0.0.1:${first.port}`])
    expect(
      await eventually(() => stateOf(us, 's1') === 'alive' && stateOf(us, 's2') === 'alive'),
    ).toBe(true)
    expect(await eventually(async () => /ow1 .*alive/.test(await second.members()))).toBe(true)
    second.stop()
    expect(await eventually(() => ['left', 'dead'].includes(stateOf(us, 's2') ?? ''))).toBe(true)
    await us.stop()
    running.pop()
    expect(await eventually(async () => /ow1 .*(?:left|failed)/.test(await first.members()))).toBe(
      true,
    )
  },
)
