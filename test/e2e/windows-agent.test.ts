/**
 * Goal: an agent runs where nothing of Linux is: it says goodbye, drains by its file, and logs into
 * one. Method: the built program with its platform set to Windows, without the native addon,
 * uWebSockets.js, /proc and /sys. Windows itself runs nowhere here; see docs/guides/windows.md.
 */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AgentSite } from '../harness/agent-site.ts'
import { projectRoot, until } from '../harness/program.ts'
import { has } from '../harness/tools.ts'

const preload = join(projectRoot, 'test', 'harness', 'as-windows.mjs')
const ADDRESS = '127.99.12.1'

describe.runIf(has('dig', 'curl'))('an agent without anything of Linux', () => {
  const site = new AgentSite([ADDRESS])
  const drain = join(site.overwatch.folder, 'drain')

  beforeAll(async () => {
    site.agentEnv = { NODE_OPTIONS: `--import=${preload}` }
    await site.start({ drain_file: drain, latency_learning: '{ enabled: true }' })
  }, 60_000)

  afterAll(() => site.remove())

  test('registers its backend, which is served', async () => {
    expect(await site.served()).toBe(ADDRESS)
    expect(site.agents[0]!.output).not.toContain('/proc')
  })

  test('says that it learns no latency there, and goes on', async () => {
    await site.agents[0]!.logged('latency learning is off')
    await site.agents[0]!.logged('OpenGSLB running')
  })

  test('is drained by its file, and returns', async () => {
    writeFileSync(drain, '')
    await until('it is out', async () => (await site.served()) === '')
    rmSync(drain)
    await site.comes('it is back', ADDRESS)
  }, 30_000)

  test('says goodbye when it is stopped', async () => {
    expect(await site.agents[0]!.stop()).toBe(0)
    await until('it is out', async () => (await site.served()) === '', 5_000)
  }, 20_000)
})
