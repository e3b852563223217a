// Goal: an agent that is killed is silent, and what becomes of its backend is `stale.on_silence`;
// a name whose only agent is started again, or whose overwatch is, never becomes NXDOMAIN.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { AgentSite } from '../harness/agent-site.ts'
import { until } from '../harness/program.ts'
import { has } from '../harness/tools.ts'

const STALE_MS = 2_000
let site: AgentSite

const stale = (more: string): Record<string, string> => ({
  stale: `{ threshold: ${STALE_MS}ms, remove_after: 60s${more} }`,
})

afterEach(() => site?.remove())

describe.runIf(has('dig', 'curl'))('kill -9 of an agent', () => {
  test('its backend is kept while checks pass, and out once they fail', async () => {
    site = new AgentSite(['127.99.10.21', '127.99.10.22'], stale(''))
    await site.start()
    const [left] = site.addresses
    site.agents[1]!.signal('SIGKILL')
    await site.overwatch.logged('agent is silent', STALE_MS + 4_000)
    // Some checks of the overwatch later it is there still.
    await sleep(3_000)
    expect(await site.served()).toBe(site.all)
    await site.backends[1]!.stop()
    // Every second a check, and three must fail.
    expect(await site.comes('checks fail', left!, 8_000)).toBeLessThan(5_000)
  }, 60_000)

  test('with on_silence: withdraw it is out after the threshold, and back with the agent', async () => {
    site = new AgentSite(['127.99.10.21', '127.99.10.22'], stale(', on_silence: withdraw'))
    await site.start()
    const [left] = site.addresses
    const killedMs = performance.now()
    site.agents[1]!.signal('SIGKILL')
    await site.comes('withdrawn', left!, STALE_MS + 5_000)
    const tookMs = performance.now() - killedMs
    // Its last heartbeat may be a second old.
    expect(tookMs).toBeGreaterThan(STALE_MS - 1_500)
    expect(tookMs).toBeLessThan(STALE_MS + 2_000)
    site.agents[1]!.start()
    await site.comes('back', site.all, 15_000)
  }, 60_000)
})

describe.runIf(has('dig', 'curl'))('the only agent of a service', () => {
  test('is started again, then the overwatch without it: the name is never NXDOMAIN', async () => {
    site = new AgentSite(['127.99.10.23'])
    await site.start()
    const seen = new Set<string>()
    let isOver = false
    const asking = (async () => {
      while (!isOver) seen.add(await site.status())
    })()
    const [agent] = site.agents
    agent!.signal('SIGTERM')
    await agent!.exited()
    await until('it is out', async () => (await site.status()) === 'SERVFAIL', 5_000)
    agent!.start()
    await site.comes('started again', site.all, 15_000)
    await agent!.stop()
    await until('it is out', async () => (await site.status()) === 'SERVFAIL', 5_000)
    await site.overwatch.stop()
    site.overwatch.start()
    await until('it is up', async () => (await site.status()) === 'SERVFAIL', 15_000)
    // The name is kept with its store, so it is there for long after the start.
    await sleep(1_000)
    isOver = true
    await asking
    expect(seen).not.toContain('NXDOMAIN')
    expect(seen).not.toContain('REFUSED')
    agent!.start()
    await site.comes('the agent is back', site.all, 15_000)
  }, 90_000)
})
