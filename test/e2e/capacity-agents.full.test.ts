// Goal: shares follow how hard machines work, as real agents tell of them, under a domain that the
// API gave `capacity`; and come back once the machines are alike. Method: one overwatch and two
// agents as programs, whose control groups the test writes; shares seen in DNS.
import { createSocket } from 'node:dgram'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AgentSite, NAME } from '../harness/agent-site.ts'
import { writeGroup } from '../harness/control-group.ts'
import { decodeReply } from '../harness/dns-decode.ts'
import { buildQuery } from '../harness/dns-query.ts'
import { until } from '../harness/program.ts'
import { has } from '../harness/tools.ts'

const [BUSY, IDLE] = ['127.99.12.31', '127.99.12.32'] as const
const site = new AgentSite([BUSY, IDLE])

describe.runIf(has('dig', 'curl'))('capacity with real agents', () => {
  /** Share of a processor that each machine uses, and what it used so far. */
  const machines = [
    { load: 0.1, usedMs: 0, folder: '' },
    { load: 0.1, usedMs: 0, folder: '' },
  ]
  let timer: NodeJS.Timeout

  beforeAll(async () => {
    await site.start()
    for (const [at, machine] of machines.entries()) {
      machine.folder = join(site.overwatch.folder, `group-${at}`)
      mkdirSync(machine.folder)
      writeGroup(machine.folder, 0, 100)
      await site.agents[at]!.stop()
    }
    let lastMs = performance.now()
    timer = setInterval(() => {
      const nowMs = performance.now()
      for (const machine of machines) {
        machine.usedMs += (nowMs - lastMs) * machine.load
        writeGroup(machine.folder, Math.round(machine.usedMs), 100)
      }
      lastMs = nowMs
    }, 100)
    const quiet = '{ threshold: 99, window: 10s, bleed_duration: 10s }'
    for (const [at, { folder }] of machines.entries())
      site.startAgent(site.addresses[at]!, {
        predictive: `{ enabled: true, check_interval: 500ms, cgroup: ${folder}, cpu: ${quiet}, memory: ${quiet} }`,
      })
    await site.comes('both agents tell of themselves', site.all, 30_000)
  }, 120_000)

  afterAll(async () => {
    clearInterval(timer)
    await site.remove()
  })

  /** Share of so many answers, asked for one after another, that name the address. */
  async function shareOf(address: string, asked = 200): Promise<number> {
    const socket = createSocket('udp4')
    let [answered, named] = [0, 0]
    for (let id = 1; id <= asked; id++) {
      const reply = await new Promise<Uint8Array | undefined>((resolve) => {
        const timer = setTimeout(() => resolve(undefined), 1_000)
        socket.once('message', (bytes) => {
          clearTimeout(timer)
          resolve(new Uint8Array(bytes))
        })
        socket.send(buildQuery({ name: NAME, type: 'A', id }), site.ports.dns, '127.0.0.1')
      })
      if (reply === undefined) continue
      answered++
      if (decodeReply(reply).answers.some(({ data }) => data === address)) named++
    }
    socket.close()
    return named / Math.max(1, answered)
  }

  const shareIs = (what: string, holds: (share: number) => boolean) =>
    until(what, async () => holds(await shareOf(BUSY)), 120_000)

  test('the busier machine gives up a part of its share, and gets it back', async () => {
    const capacity = { by: 'cpu', step: 0.2, least: 0.25 }
    const made = await site.call('POST', '/domains', { name: NAME, capacity })
    expect([made.status, made.json()]).toMatchObject([201, { domain: { capacity } }])
    await shareIs('both have half', (share) => Math.abs(share - 0.5) < 0.12)
    machines[0]!.load = 0.9
    const fellMs = await shareIs('the busy one has less', (share) => share < 0.35)
    expect(await shareOf(IDLE)).toBeGreaterThan(0.5)
    machines[0]!.load = 0.1
    const roseMs = await shareIs('it has its half again', (share) => share > 0.43)
    site.measured.push(`fell in ${Math.round(fellMs)} ms, rose in ${Math.round(roseMs)} ms`)
  }, 400_000)
})
