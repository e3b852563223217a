// Goal: an agent in a container sees how full the container is, not the machine: by a control group
// of the kernel, of version 1 or 2 as the machine has it. Method: an agent moved into a real group
// with limits, beside a process that spins and one that fills memory; shares seen in DNS.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AgentSite } from '../harness/agent-site.ts'
import { until } from '../harness/program.ts'
import { RealCgroup } from '../harness/real-cgroup.ts'

const MEGABYTE = 2 ** 20
const [OTHER, CONTAINED] = ['127.99.12.41', '127.99.12.42'] as const
const site = new AgentSite([OTHER, CONTAINED])
const group = new RealCgroup(0.5, 600 * MEGABYTE)
let guest: ChildProcess | undefined

const SPINS = 'for (;;);'
const FILLS = `globalThis.kept = Buffer.alloc(${400 * MEGABYTE}, 1); setInterval(() => {}, 1000)`

async function leave(): Promise<void> {
  if (guest === undefined || guest.exitCode !== null || guest.signalCode !== null) return
  guest.kill('SIGKILL')
  await once(guest, 'exit')
}

beforeAll(async () => {
  await site.start()
  await site.agents[1]!.stop()
  const at = (threshold: number) => `{ threshold: ${threshold}, window: 2s, bleed_duration: 4s }`
  const agent = site.startAgent(CONTAINED, {
    predictive: `{ enabled: true, check_interval: 500ms, cpu: ${at(85)}, memory: ${at(65)}, error_rate: ${at(99)} }`,
  })
  group.take(agent.pid)
  expect(group.holds(agent.pid)).toBe(true)
  await site.comes('with an agent that is contained', site.all, 30_000)
}, 120_000)

afterAll(async () => {
  await leave()
  await site.remove()
  await until('its group is empty', () => group.remove(), 10_000)
})

test.each([
  ['its processor', SPINS],
  ['its memory', FILLS],
])(
  'whose container has little left of %s gives its share up until there is more',
  async (_, program) => {
    const half = async () => Math.abs((await site.shareOf(CONTAINED)) - 0.5) < 0.12
    await until('each has its half', half, 60_000)
    guest = spawn(process.execPath, ['-e', program], { stdio: 'ignore' })
    group.take(guest.pid!)
    await until('most went elsewhere', async () => (await site.shareOf(CONTAINED)) < 0.1, 60_000)
    await leave()
    await until('it has its half again', half, 60_000)
  },
  240_000,
)
