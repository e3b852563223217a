// Goal: an agent whose key is another one is refused until an operator has the old one forgotten;
// agents that sign nothing are admitted by the setting alone; a stop that comes while an agent
// still starts takes its backend out; a key is rotated, and drained, by the command line.
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { GossipSocket } from '../../src/actors/gossip/contract.ts'
import { openPorts } from '../../src/actors/gossip/ports.ts'
import { Transport } from '../../src/actors/gossip/transport.ts'
import { toPem } from '../../src/core/gossip/app/certificate.ts'
import { AgentSite } from '../harness/agent-site.ts'
import { keyOf, newPrivateKey } from '../harness/agents.ts'
import { GOSSIP_KEY } from '../harness/lab.ts'
import { until } from '../harness/program.ts'
import { has } from '../harness/tools.ts'

const FOREIGN = '127.99.11.29'
const site = new AgentSite(['127.99.11.21', '127.99.11.22'])
const DAY = 86_400_000

interface Listed {
  readonly agent_id: string
  readonly fingerprint: string
}

const listed = async () =>
  ((await site.call('GET', '/overwatch/agents')).json() as { agents: Listed[] }).agents

/** A key of its own under the id of another agent, as somebody would make it who took the name. */
function replaceKey(folder: string, agentId: string): string {
  const privateKey = newPrivateKey()
  const nowMs = Date.now()
  const key = keyOf({
    agentId,
    privateKey,
    notBeforeMs: nowMs - DAY,
    notAfterMs: nowMs + 300 * DAY,
  })
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  writeFileSync(join(folder, 'a.key'), pem, { mode: 0o600 })
  writeFileSync(join(folder, 'a.crt'), toPem(key.certificate))
  return key.fingerprint
}

/** Says octets to the overwatch as an agent of the Go program does: sealed, signed by nobody. */
async function stranger(): Promise<{ say(): void; socket: GossipSocket }> {
  const ports = openPorts()
  const ears = { datagrams: () => {}, accept: () => undefined }
  const opened = await ports.open('127.0.0.1:0', ears)
  if (!opened.ok) throw new Error(opened.error.message)
  const transport = new Transport(opened.value, ports, [GOSSIP_KEY])
  const to = { addr: Uint8Array.of(127, 0, 0, 1), port: site.ports.gossip }
  const say = () => {
    const { port } = site.backends[0]!
    const backends = [{ service: 'web', address: FOREIGN, port, weight: 100, healthy: true }]
    const message = {
      type: 'heartbeat',
      agent_id: 'eu-6ca5f88d2d98',
      region: 'eu',
      timestamp: new Date().toISOString(),
      payload: { backends, fingerprint: '' },
    }
    const payload = new TextEncoder().encode(JSON.stringify(message))
    transport.send(to, [{ type: 'user', payload }], 0)
  }
  return { say, socket: opened.value }
}

describe.runIf(has('dig', 'curl'))('whom an overwatch believes', () => {
  beforeAll(() => site.start(), 60_000)
  afterAll(() => site.remove())

  test('another key is refused by name, and believed once the old one is forgotten', async () => {
    const [left] = site.addresses
    const agent = site.agents[1]!
    const known = /agent_id[=:" ]+(eu-[0-9a-f]+)/.exec(agent.output)?.[1] ?? ''
    expect((await listed()).map((one) => one.agent_id)).toContain(known)
    await agent.stop()
    const fingerprint = replaceKey(agent.folder, known)
    agent.start()
    await site.overwatch.logged(new RegExp(`agent refused.*${known}.*other-key`), 30_000)
    expect(await site.served()).toBe(left)
    expect((await listed()).map((one) => one.fingerprint)).not.toContain(fingerprint)
    expect((await site.call('DELETE', `/overwatch/agents/${known}`)).status).toBe(200)
    await site.comes('re-pinned', site.all, 15_000)
    expect((await listed()).map((one) => one.fingerprint)).toContain(fingerprint)
  }, 60_000)

  test('a rotated key is believed at once, and still after the overwatch was started again', async () => {
    const agent = site.agents[0]!
    const known = /agent_id[=:" ]+(eu-[0-9a-f]+)/.exec(agent.output)?.[1] ?? ''
    const fingerprint = async () =>
      (await listed()).find((one) => one.agent_id === known)?.fingerprint
    const before = await fingerprint()
    const said = await site.cli('agents', 'rotate', known)
    const now = /: ([0-9a-f]{64})\./.exec(said)?.[1]
    expect(now).not.toBe(before)
    expect(await fingerprint()).toBe(now)
    expect(readdirSync(agent.folder)).toEqual(expect.arrayContaining(['a.crt.old', 'a.key.old']))
    expect(await site.served()).toBe(site.all)
    await site.overwatch.stop()
    site.overwatch.start()
    await site.overwatch.logged('http listening', 20_000)
    expect(await fingerprint()).toBe(now)
    agent.signal('SIGUSR1')
    await site.comes('a drain said with the new key', site.addresses[1]!, 5_000)
    agent.signal('SIGUSR1')
    await site.comes('lifted', site.all, 5_000)
    expect(site.overwatch.output.match(/.*agent refused.*/g)).toBe(null)
  }, 60_000)

  test('a stop that comes before an agent has started whole takes its backend out', async () => {
    const [left] = site.addresses
    const agent = site.agents[1]!
    const registrations = () => site.overwatch.output.split('agent registered').length
    for (const when of ['it listens', 'it is registered']) {
      await agent.stop()
      await site.comes('out', left!, 5_000)
      const before = registrations()
      agent.start()
      await agent.logged('gossip listens', 30_000)
      if (when === 'it is registered') await until(when, () => registrations() > before, 30_000)
      agent.signal('SIGTERM')
      expect(await agent.exited()).toBe(0)
      await site.comes(`out, stopped when ${when}`, left!, 4_000)
    }
    agent.start()
    await site.comes('back', site.all, 30_000)
  }, 120_000)

  test('the command line drains a backend of an agent, and ends it', async () => {
    const [left, out] = site.addresses
    const said = await site.cli('drain', 'start', 'web.gslb.test', out!, '--reason', 'kernel')
    expect(said).toMatch(/drain/i)
    await site.comes('drain start', left!, 3_000)
    const list = await site.cli('drain', 'list')
    expect(list).toContain(out!)
    const id = /ow1\.[0-9a-z]+\.\d+/.exec(list)?.[0] ?? ''
    expect(await site.cli('drain', 'show', id)).toContain('kernel')
    await site.cli('drain', 'stop', id)
    await site.comes('drain stop', site.all, 3_000)
    expect((await site.cli('drain', 'list')).trim()).toBe('No drains.')
  }, 30_000)

  test('an agent that signs nothing is refused, and admitted where the setting says so', async () => {
    const { say, socket } = await stranger()
    say()
    await site.overwatch.logged(/agent refused.*unsigned.*allow_unsigned_agents/)
    expect(await site.served()).toBe(site.all)
    const allowed = site.gossipKeys(', allow_unsigned_agents: true')
    site.configure({ gossip: allowed })
    site.overwatch.signal('SIGHUP')
    await site.overwatch.logged('UNSIGNED AGENTS ARE ADMITTED')
    const isServed = async () => {
      say()
      return (await site.served()).includes(FOREIGN)
    }
    await until('the unsigned backend is served', isServed, 5_000)
    site.configure()
    site.overwatch.signal('SIGHUP')
    await site.comes('no longer allowed', site.all, 5_000)
    await socket.close()
  }, 30_000)
})
