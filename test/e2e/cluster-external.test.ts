// Goal: two nodes with an etcd that is not theirs have one leader, and the next one follows soon.
// Method: built programs, and real etcd as a user would start it.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, test } from 'vitest'
import { CLUSTER_NAME } from '../harness/cluster-site.ts'
import { Daemon } from '../harness/daemon.ts'
import { freePort, Program, until } from '../harness/program.ts'
import { dig, has } from '../harness/tools.ts'

describe.runIf(has('etcd', 'dig'))('an etcd of others', () => {
  const etcd = new Daemon()
  const nodes: Program[] = []
  let dns: readonly number[] = []

  afterAll(async () => {
    for (const node of nodes) await node.remove()
    await etcd.stop()
  }, 30_000)

  const answersOf = async (port: number) => (await dig(port, CLUSTER_NAME)).status

  test('gives two nodes one leader; the next follows one that is killed, after silence', async () => {
    const [client, peer] = [await freePort(), await freePort()]
    const url = `http://127.0.0.1:${client}`
    const peerUrl = `http://127.0.0.1:${peer}`
    etcd.start(
      'etcd',
      [
        ...['--data-dir', 'd', '--listen-client-urls', url, '--advertise-client-urls', url],
        ...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl],
        ...['--initial-cluster', `default=${peerUrl}`, '--heartbeat-interval', '100'],
        ...['--election-timeout', '500'],
      ],
      {},
    )
    const isUp = () => fetch(`${url}/health`).then(({ ok }) => ok)
    await until('etcd answers', () => isUp().catch(() => false), 20_000).catch((error: Error) => {
      throw new Error(`${error.message}: ${etcd.output.slice(-2_000)}`)
    })
    dns = [await freePort(), await freePort()]
    const metrics = [await freePort(), await freePort()]
    for (const [at, port] of dns.entries()) {
      const node = new Program(`
dns: { listen_address: "127.0.0.1:${port}", zones: [example.com], threads: 1 }
regions:
  - name: r
    servers: [{ address: 127.0.0.1, port: 9, service: ${CLUSTER_NAME} }]
domains: [{ name: ${CLUSTER_NAME}, regions: [r], when_all_down: all }]
metrics: { enabled: true, address: "127.0.0.1:${metrics[at]!}" }
overwatch: { data_dir: "" }
cluster:
  mode: cluster
  node_name: node-${at + 1}
  engine: external
  join_address: "127.0.0.1:${await freePort()}"
  external: { endpoints: ["${url}"], lease: 2s }
`)
      nodes.push(node)
      node.start()
      await node.logged('OpenGSLB running', 60_000)
    }
    await until('the first answers', async () => (await answersOf(dns[0]!)) === 'NOERROR', 20_000)
    await until('the second hears it', async () => {
      const page = await fetch(`http://127.0.0.1:${metrics[1]}/metrics`)
      return (await page.text()).includes('opengslb_cluster_leader_heard 1')
    })
    expect(await answersOf(dns[1]!)).toBe('REFUSED')
    const fromMs = performance.now()
    nodes[0]!.signal('SIGKILL')
    // By its pulse: the key of the first is there for two seconds yet.
    await sleep(300)
    expect(await answersOf(dns[1]!)).not.toBe('REFUSED')
    await until('the second answers', async () => (await answersOf(dns[1]!)) === 'NOERROR', 20_000)
    const tookMs = performance.now() - fromMs
    process.stdout.write(`kill -9 with an etcd of others: ${Math.round(tookMs)} ms\n`)
    expect(tookMs).toBeLessThan(6_000)
  }, 120_000)
})
