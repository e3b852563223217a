// Goal: what the cluster guide writes of agents takes effect: its thresholds move traffic away from
// a machine with too much to do, and its checks from outside overrule an agent after a veto.
// Method: one node with real etcd, three agents; one machine's memory is what the test says, one
// agent checks another address than it tells clients.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AgentSite, type Keys } from '../harness/agent-site.ts'
import { writeGroup } from '../harness/control-group.ts'
import { GOSSIP_KEY } from '../harness/lab.ts'
import { freePort, until } from '../harness/program.ts'
import { has } from '../harness/tools.ts'

const [CALM, LOADED, LIED] = ['127.99.17.21', '127.99.17.22', '127.99.17.23'] as const
interface Row {
  readonly address: string
  readonly effective_status: string
  readonly agent_healthy: boolean
  readonly share: number
}

const site = new AgentSite([CALM, LOADED])
let [raft, door] = [0, 0]

site.sections = (folder) => `
cluster:
  mode: cluster
  node_name: ow1
  bootstrap: true
  bind_address: 127.0.0.1:${raft}
  join_address: 127.0.0.1:${door}
  raft: { data_dir: ${folder}/raft }
  gossip: { encryption_key: "${GOSSIP_KEY}" }
  overwatch: { external_check_interval: 500ms, veto_mode: balanced, veto_threshold: 3 }
  predictive_health:
    enabled: true
    bleed_duration: 1s
    cpu: { threshold: 80 }
    memory: { threshold: 85 }
    error_rate: { threshold: 5, window: 60s }
`

describe.runIf(has('etcd', 'dig'))('a cluster and its agents', () => {
  beforeAll(async () => {
    raft = await freePort()
    door = await freePort()
    const group = site.overwatch.folder
    writeGroup(group, 0, 100)
    const predictive = `{ enabled: true, report_only: true, check_interval: 500ms, cgroup: ${group}, memory: { window: 1s, threshold: 1 } }`
    await site.start((address): Keys => (address === LOADED ? { predictive } : {}))
  }, 60_000)

  afterAll(() => site.remove(), 30_000)

  const listed = async () => {
    const told = await site.call('GET', '/overwatch/backends')
    return (told.json() as { backends: Row[] }).backends
  }
  const shareOf = async (address: string) =>
    (await listed()).find((one) => one.address === address)?.share

  test('thresholds of the cluster empty the share of a machine, and give it back', async () => {
    expect(await shareOf(LOADED)).toBe(1)
    writeGroup(site.overwatch.folder, 0, 950)
    await until('it takes nothing', async () => (await shareOf(LOADED)) === 0, 20_000)
    expect(await site.served(8)).toBe(CALM)
    const text = site.overwatch.output
    expect(text).toMatch(/predictive signal of the cluster changed.*new_signal=bleed/)
    expect(text).toContain('reason=memory_threshold_exceeded')
    writeGroup(site.overwatch.folder, 0, 100)
    await until('it has its share again', async () => (await shareOf(LOADED)) === 1, 20_000)
  }, 90_000)

  test('a server that only its agent calls healthy is vetoed by checks from outside', async () => {
    const check = '{ type: tcp, interval: 500ms, timeout: 300ms, success_threshold: 1 }'
    const { port } = site.backends[0]!
    site.startAgent(LIED, {
      backends: `[{ service: web, address: ${CALM}, advertise_address: ${LIED}, port: ${port}, health_check: ${check} }]`,
    })
    await until(
      'checks call it down',
      async () => {
        const own = (await listed()).find(({ address }) => address === LIED)
        return own?.agent_healthy === true && own.effective_status === 'unhealthy'
      },
      20_000,
    )
    expect((await site.served(8)).split(' ')).not.toContain(LIED)
  }, 60_000)
})
